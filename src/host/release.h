/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * release - the version of the kernel, for what no trial can find out.
 */
#ifndef EM_RELEASE_H
#define EM_RELEASE_H

#include <stdbool.h>

/* Whether uname(2) says that it is older.  Distributions give old versions parts of later ones. */
bool em_release_is_before(unsigned int major, unsigned int minor);

#endif
