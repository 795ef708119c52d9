/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * capability - what this process may do.
 */
#ifndef EM_CAPABILITY_H
#define EM_CAPABILITY_H

#include <stdint.h>

/* The effective ones: a bit for each CAP_…; 0 where they cannot be read. */
uint64_t em_capability_effective(void);

#endif
