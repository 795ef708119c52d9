/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * held - whether the process for which a generation is in force still runs.
 *
 * It holds a lock on the folder of the generation, which the kernel takes off when it ends.
 */
#ifndef EM_HELD_H
#define EM_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "state/state.h"

/* Takes the lock.  Returns a descriptor, to be closed by the caller, or -errno, reported. */
int em_held_take(const struct em_state *state, uint32_t generation, struct em_diag *diag);

/* Whether any process has it.  Returns 0 or -errno, reported. */
int em_held_look(const struct em_state *state, uint32_t generation, bool *held,
		 struct em_diag *diag);

#endif
