/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * clock - the time, in ns.
 */
#ifndef EM_CLOCK_H
#define EM_CLOCK_H

#include <stdint.h>

#define EM_SECOND UINT64_C(1000000000)

/* Of CLOCK_MONOTONIC, which the kernel's own times are of; never 0. */
uint64_t em_clock_monotonic(void);
/* Since 1970. */
uint64_t em_clock_wall(void);

#endif
