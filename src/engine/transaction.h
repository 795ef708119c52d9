/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * transaction - replaces the policy in force by another one, or removes it.
 *
 *	begin	 look at what is in force, and finish what a dead run left undone
 *	choose	 the first backend that can carry the policy builds it beside the old one
 *	record	 the folder of the new generation is written
 *	hand over another backend gets the conversations of the one before
 *	switch	 the kernel takes the new generation into use, in one step
 *	settle	 the old generation's counters are read when no packet can change them any
 *		 more; then it is removed
 *
 * In this order a run can die at any point without harm.  A failure before the switch is reverted,
 * and nothing has changed.
 */
#ifndef EM_TRANSACTION_H
#define EM_TRANSACTION_H

#include <stdbool.h>

#include "engine/counts.h"
#include "engine/inspect.h"
#include "engine/plan.h"
#include "state/state.h"

struct em_transaction {
	/* The request. */
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
	const struct em_backend_ops *ops; /* the chosen backend, and what it has built: */
	struct em_prepared *prepared;
	struct em_counts before; /* of the generation in force before */
	bool recorded;		 /* the new generation has a folder */
	bool stands_by;		 /* the backend in force before, see backend.h */
	bool in_force;		 /* the policy is in force: a later failure undoes nothing */
	bool leftovers;		 /* … but leaves objects of another backend behind */
	struct em_diag *diag;
};

/*
 * Puts the policy in force, or only checks that it could.  Returns 0 or -errno, reported.  The
 * caller calls em_transaction_clear() in any case.
 */
int em_transaction_apply(struct em_transaction *t, struct em_diag *diag);
void em_transaction_clear(struct em_transaction *t);

/* Removes everything.  Returns 0 or -errno, reported. */
int em_transaction_remove(struct em_diag *diag);

/* Sets the counters of what is in force to zero.  Returns 0 or -errno, reported. */
int em_transaction_reset(struct em_diag *diag);

#endif
