/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* likeness - a virtual interface similar to another one, to try what the other one supports. */
#ifndef EM_LIKENESS_H
#define EM_LIKENESS_H

#include "host/link.h"

/*
 * Makes an interface of the kind and the size of `like`.  It is made on `lower` if the kind needs a
 * lower interface.  A veth is made with its other end.  Returns 0 or -errno, unreported.
 */
int em_likeness_make(const char *name, const struct em_link *like, unsigned int lower);

#endif
