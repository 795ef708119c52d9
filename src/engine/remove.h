/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * remove - takes away all that is ours, in the kernel and on disk.
 */
#ifndef EM_REMOVE_H
#define EM_REMOVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

/*
 * With a generation, only where that one is in force, and with `due` only while it waits for
 * confirmation; 0: in any case.  Returns 0, also where there is nothing, or -errno, reported:
 * -ESTALE or -ECANCELED where that does not hold any more.
 */
int em_remove(uint32_t generation, bool due, struct em_diag *diag);

#endif
