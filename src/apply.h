/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apply - from the policy in force to another one, and to none.
 *
 * The order of the steps is what makes a run that dies harmless: the folder of the new generation
 * is written first, the kernel goes over in one step, the last counts of the old generation are
 * read when no packet can add to them any more, and only then is the old one taken away.
 */
#ifndef EM_APPLY_H
#define EM_APPLY_H

#include <stdbool.h>

#include "datapath.h"
#include "generation.h"
#include "state.h"

/* What is in force in this network namespace. */
struct em_current {
	const struct em_datapath *datapath; /* NULL: the kernel has nothing of ours */
	struct em_installed installed;
	struct em_applied applied; /* generation 0: nothing is known about it */
	bool blind; /* a backend could not look at something that may be ours */
	/* Something of ours lies about besides: of a run that died, or of another backend. */
	bool remains;
};

/* Returns 0 or -errno, reported; *out is cleared with em_current_clear(). */
int em_current_read(struct em_current *out, struct em_state *state, struct em_diag *diag);
void em_current_clear(struct em_current *current);

/* One attachment that was made is still there. */
bool em_current_has(const struct em_current *current, const struct em_attachment *wanted);

/* Every attachment that was made is still there and nothing else of ours. */
bool em_current_is_whole(const struct em_current *current);

/* The counters, carried ones included, in *out. */
int em_current_stats(struct em_stats **out, const struct em_current *current,
		     struct em_state *state, struct em_diag *diag);

struct em_apply {
	struct em_policy *policy; /* owned by the caller */
	enum em_backend wanted;
	const char *config; /* absolute path, for the record */
	bool dry_run;

	/* The result. */
	bool unchanged;
	struct em_plan plan; /* cleared with em_plan_clear() */
};

/* Puts the policy in force.  Returns 0 or -errno, reported; on failure nothing has changed. */
int em_apply_policy(struct em_apply *apply, struct em_state *state, struct em_diag *diag);

/* Takes everything away.  Returns 0 or -errno, reported. */
int em_apply_remove(struct em_state *state, struct em_diag *diag);

#endif
