/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * likeness - a virtual interface made like another one, to try on it what that one would take.
 */
#ifndef EM_LIKENESS_H
#define EM_LIKENESS_H

#include "host/link.h"

/*
 * Makes an interface of the kind and the size of `like`, on `lower` where the kind needs another
 * interface below; a veth comes with its other end.  Returns 0 or -errno, unreported.
 */
int em_likeness_make(const char *name, const struct em_link *like, unsigned int lower);

#endif
