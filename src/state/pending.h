/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * pending - the file of an apply that waits for confirmation, beside its generation:
 *
 *	format 1
 *	generation 3
 *	deadline 86512250
 *	failed the policy cannot be loaded: …
 *
 * It is there from before the switch until the apply is confirmed or undone.  Whoever is going to
 * undo it holds a lock on the file, which the kernel releases if the process dies: so it is known
 * whether the undo will happen.
 */
#ifndef EM_PENDING_H
#define EM_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "state/state.h"

struct em_pending {
	uint32_t generation; /* that waits; 0: none, or it is damaged */
	bool damaged;	     /* the file cannot be understood: of the others only guarded counts */
	uint64_t deadline;   /* in milliseconds of CLOCK_BOOTTIME */
	bool guarded;	     /* a process lives that will undo it */
	char failed[224];    /* why that failed; "": it was not tried yet */
};

/* The time in milliseconds of CLOCK_BOOTTIME. */
uint64_t em_pending_now(void);
/* The milliseconds that are left; 0: it is overdue. */
uint64_t em_pending_left(const struct em_pending *pending);

/* Writes the file anew.  Returns 0 or -errno, reported. */
int em_pending_write(struct em_state *state, const struct em_pending *pending,
		     struct em_diag *diag);
/*
 * Reads the file; out->generation is 0 where there is none.  One that is damaged is reported as a
 * warning as well.  Returns 0 or -errno, reported.
 */
int em_pending_read(struct em_pending *out, const struct em_state *state, struct em_diag *diag);
/* Returns 0, also if there is none, or -errno, reported. */
int em_pending_remove(struct em_state *state, struct em_diag *diag);

/*
 * Opens and locks the file of this network namespace, without the lock on the state, into *fd, and
 * reads it.  The lock lasts until *fd is closed.  Returns 0; -ENOENT where nothing waits; -EBUSY
 * where another process holds the lock; or -errno; reported, but for -ENOENT.
 */
int em_pending_guard(int *fd, struct em_pending *out, struct em_diag *diag);
/* Whether the file is still there, or another one in its place. */
bool em_pending_is_there(int fd);

#endif
