/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * confirm - an apply that is undone unless it is confirmed in time, and the undo, a rollback.
 *
 * A process of its own waits, holds nothing but a lock on the file in pending.h, and undoes the
 * apply when the time is over.  It is started before the switch: there is no time at which the new
 * policy is in force and nobody would undo it.
 */
#ifndef EM_CONFIRM_H
#define EM_CONFIRM_H

#include "engine/transaction.h"

/*
 * Whether what is in force may be replaced: it must not wait for confirmation, unless it is the
 * generation to undo.  Returns 0 or -errno, reported.
 */
int em_confirm_allows(const struct em_view *view, const struct em_transaction *t);

/*
 * Before the switch to this generation: starts the process that will undo it after so many seconds,
 * and waits until it holds the lock.  Returns 0 or -errno, reported; then nothing is left.
 */
int em_confirm_begin(struct em_state *state, uint32_t generation, unsigned int seconds,
		     struct em_diag *diag);

/* Keeps what waits for confirmation.  Returns 0 or -errno, reported. */
int em_confirm(struct em_diag *diag);

/* The result of a rollback, all of it owned; see em_rollback_clear(). */
struct em_rollback {
	struct em_policy *policy;     /* that is in force again; NULL: none was in force before */
	struct em_record record;      /* its own */
	char *undone;		      /* the configuration of what was undone */
	struct em_transaction change; /* where there is a policy */
};

/*
 * Undoes the last apply.  With due, a generation, only where that one waits for confirmation (0: in
 * any case); else out->undone stays NULL.  Returns 0 or -errno, reported.
 */
int em_rollback(struct em_rollback *out, uint32_t due, struct em_diag *diag);
void em_rollback_clear(struct em_rollback *rollback);

/*
 * Waits until what waits for confirmation was confirmed, or until its time is over, and then undoes
 * it.  The result goes to the system log as well.  Returns 0 or -errno, reported.
 */
int em_confirm_wait(struct em_diag *diag);

#endif
