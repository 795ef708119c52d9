/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * scenario - what is there, the command that a fault happens to, and what must hold afterwards.
 *
 *	first:B		apply, where nothing is
 *	newer:B		apply of another policy with the backend of the one before
 *	from-A:B	apply of another policy with another backend
 *	again:B		apply of the same policy
 *	add:B, move:B, delete:B
 *			entity add, and so on
 *	save:B		entity add --save, of a policy whose entities are in a file
 *	rollback:B	takes it back by hand
 *	when-due:B	takes it back because nobody has confirmed it
 *	remove:B, reset:B, status:B, stats:B, unknown:B
 *	copies-first:B, copies-newer:B, copies-from-A:B, copies-rollback:B, copies-remove:B
 *			the same with policies that have copies
 */
#ifndef FAULTS_SCENARIO_H
#define FAULTS_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

#include "inject.h"

enum scenario_command {
	SCENARIO_APPLY,
	SCENARIO_ADD,
	SCENARIO_MOVE,
	SCENARIO_DELETE,
	SCENARIO_SAVE,
	SCENARIO_REMOVE,
	SCENARIO_RESET,
	SCENARIO_STATUS,
	SCENARIO_STATS,
	SCENARIO_UNKNOWN,
	SCENARIO_ROLLBACK,
	SCENARIO_WHEN_DUE,
};

struct scenario {
	char name[32];
	enum scenario_command command;
	const char *before;  /* the backend of the policy that is there; NULL: nothing is */
	const char *backend; /* of the command */
	bool same;	     /* the policy of apply is the one that is there */
	bool copies;
};

/* All with the backends of a list that ends with NULL; the caller's. */
struct scenario *scenario_list(const char *const *backends, size_t *n);

/* A fault. */
struct scenario_point {
	const struct scenario *scenario;
	struct inject_call at;
	int error;
	bool removes; /* the command after it is remove, not apply */
};

/*
 * Runs it without a fault.  Points to the calls made, which are good until the next scenario is
 * begun; NULL: a backend has no copies on this kernel.  Ends the program where something is wrong
 * already.
 */
const struct inject *scenario_begin(const char *entitymux, const struct scenario *scenario);

/*
 * Runs it with a fault at a point of the scenario begun last.  Returns NULL if all that must hold
 * does, else what does not; good until the next call.  *reached is false where the call was not
 * made this time.
 */
const char *scenario_try(const struct scenario_point *point, bool *reached);

#endif
