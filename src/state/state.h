/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * state - what is applied in this network namespace, and its lock.
 *
 * Each network namespace has a folder below /run/entitymux, with one folder per generation in it,
 * see generation.h.  The kernel decides which generation is in force.  A run that dies leaves at
 * worst an unused folder.
 */
#ifndef EM_STATE_H
#define EM_STATE_H

#include <limits.h>

#include "base/diag.h"
#include "state/folder.h"

struct em_state; /* the open, locked folder of this network namespace */

enum em_state_mode {
	EM_STATE_READ,	/* shared lock; succeeds also if nothing was ever applied */
	EM_STATE_TRY,	/* the same, but -EBUSY, unreported, instead of waiting for another run */
	EM_STATE_WRITE, /* exclusive lock; waits for other runs, and makes the folder */
};

/*
 * Takes the lock.  *out is closed with em_state_close().  Returns 0 or -errno, reported.
 */
int em_state_open(struct em_state **out, enum em_state_mode mode, struct em_diag *diag);
/* Like em_state_open(), below another root folder, which is made if missing; for tests. */
int em_state_open_at(struct em_state **out, const char *root, enum em_state_mode mode,
		     struct em_diag *diag);
/*
 * Gives up the lock.  After EM_STATE_WRITE, a folder without any generation is removed, and so are
 * the folders of namespaces of an earlier boot.
 */
void em_state_close(struct em_state *state);
void em_state_closep(struct em_state **state);

/* The path of a file of this network namespace.  Returns 0 or -errno, reported. */
int em_state_path(char path[PATH_MAX], const char *name, struct em_diag *diag);

const struct em_folder *em_state_folder(const struct em_state *state);

#endif
