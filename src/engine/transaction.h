/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * transaction - from the policy in force to another one, and to none.
 *
 *	begin	 look at what is in force, and finish what a run that died has left undone
 *	choose	 the first backend that can carry the policy builds it, beside the one in force
 *	record	 the folder of the new generation is written
 *	switch	 the kernel goes over in one step
 *	settle	 the old generation is read for the last time, when no packet can add to it any
 *		 more, and taken away
 *
 * That order is what makes a run that dies harmless.  What fails before the switch is reverted, and
 * nothing has changed.
 */
#ifndef EM_TRANSACTION_H
#define EM_TRANSACTION_H

#include <stdbool.h>

#include "engine/counts.h"
#include "engine/inspect.h"
#include "engine/plan.h"
#include "state/state.h"

struct em_transaction {
	/* What is asked for. */
	const struct em_policy *policy;
	const char *config; /* absolute path, for the record */
	enum em_backend wanted;
	bool dry_run; /* stop before the first change */

	/* The result. */
	bool unchanged;
	struct em_plan plan;
	struct em_outcome outcome;

	/* While it runs. */
	struct em_state *state;
	struct em_view view;		  /* of what was in force before */
	const struct em_backend_ops *ops; /* the backend that is chosen, and what it has made: */
	struct em_prepared *prepared;
	struct em_counts before; /* of the generation in force before */
	bool recorded;		 /* the new generation has a folder */
	bool in_force;		 /* the policy is: what fails now undoes nothing */
	bool leftovers;		 /* but leaves something of another backend behind */
	struct em_diag *diag;
};

/*
 * Puts the policy in force, or finds out whether it could.  Returns 0 or -errno, reported;
 * em_transaction_clear() afterwards in any case.
 */
int em_transaction_apply(struct em_transaction *t, struct em_diag *diag);
void em_transaction_clear(struct em_transaction *t);

/* Takes everything away.  Returns 0 or -errno, reported. */
int em_transaction_remove(struct em_diag *diag);

/* Sets the counters of what is in force to zero.  Returns 0 or -errno, reported. */
int em_transaction_reset(struct em_diag *diag);

#endif
