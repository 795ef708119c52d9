/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * transaction - replaces the policy in force by another one, or removes it.
 *
 *	begin	 look at what is in force, and finish what a dead run left undone
 *	choose	 the first backend that can carry the policy builds it beside the old one
 *	compare	 with the policy in force, to say what changes
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

#include "config/compare.h"
#include "engine/counts.h"
#include "engine/edit.h"
#include "engine/inspect.h"
#include "engine/plan.h"
#include "state/state.h"

struct em_transaction {
	/* The request. */
	const struct em_policy *policy;
	const char *config; /* absolute path, for the record */
	enum em_backend wanted;
	bool dry_run;	      /* stop before the first change */
	unsigned int confirm; /* seconds after which it is undone unless confirmed; 0: never */
	/* Of a rollback, else 0: the generation to undo, and the earlier one that it restores. */
	uint32_t undoes, restores;
	uint32_t heals; /* not 0: it puts the policy of this generation in its place again */
	const struct em_samples *samples; /* NULL: nothing is copied; not owned */
	bool due; /* a rollback only where that generation still waits for confirmation */
	/*
	 * Not NULL: it changes the policy in force; then policy, config, wanted and keeps come from
	 * there.  Not owned; cleared by the caller, after this.
	 */
	struct em_edit *edit;
	/*
	 * Not NULL: the record of the policy, which is from the state and not from a configuration:
	 * the edits that its configuration does not have, and the alternative names of interfaces.
	 * Not owned.
	 */
	const struct em_record *keeps;

	/* The result. */
	bool unchanged;
	struct em_plan plan;
	struct em_outcome outcome;
	bool compared;		   /* changes are known */
	struct em_changes changes; /* from the policy in force before to this one */

	/* While it runs. */
	struct em_state *state;
	struct em_view view;		  /* of what was in force before; valid to the end */
	const struct em_backend_ops *ops; /* the chosen backend, and what it has built: */
	char programs[EM_PROGRAMS_TEXT];  /* that it installs */
	struct em_prepared *prepared;
	struct em_counts before; /* of the generation in force before */
	uint32_t header_limit;	 /* see header_limit.h; 0: not known */
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

/* Sets the counters of what is in force to zero.  Returns 0 or -errno, reported. */
int em_transaction_reset(struct em_diag *diag);

#endif
