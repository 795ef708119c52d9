/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * state - what is applied in this network namespace, and the lock over it.
 *
 * One folder per network namespace below /run/entitymux; in it one folder per generation, see
 * generation.h.  Which generation is in force is the kernel's to say: a run that dies at any point
 * leaves at worst a folder too many, never a wrong answer.
 */
#ifndef EM_STATE_H
#define EM_STATE_H

#include "base/diag.h"
#include "state/folder.h"

struct em_state; /* the open, locked folder of this network namespace */

enum em_state_mode {
	EM_STATE_READ,	/* shared lock; fine where nothing was ever applied */
	EM_STATE_WRITE, /* exclusive lock; waits for another run; makes the folder */
};

/*
 * Takes the lock.  *out is closed with em_state_close().  Returns 0 or -errno, reported.
 */
int em_state_open(struct em_state **out, enum em_state_mode mode, struct em_diag *diag);
/* The same in a root folder of the caller's, made where it is missing; for tests. */
int em_state_open_at(struct em_state **out, const char *root, enum em_state_mode mode,
		     struct em_diag *diag);
/* Gives up the lock.  After EM_STATE_WRITE, a folder without any generation is removed. */
void em_state_close(struct em_state *state);
void em_state_closep(struct em_state **state);

const struct em_folder *em_state_folder(const struct em_state *state);

#endif
