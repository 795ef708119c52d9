/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
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

#include "engine/backend.h"
#include "state/generation.h"
#include "state/state.h"

/* What is in force in this network namespace. */
struct em_view {
	const struct em_backend_ops *datapath; /* NULL: the kernel has nothing of ours */
	struct em_kernel_state installed;
	uint32_t generation;	  /* in force; or, gone from the kernel, the last one; 0: none */
	struct em_record applied; /* of that generation; generation 0: nothing is known about it */
	struct em_policy *policy; /* owned; likewise, where it has been asked for */
	bool unreadable;	  /* a backend could not look at something that may be ours */
	/* Something of ours lies about besides: of a run that died, or of another backend. */
	bool leftovers;
};

/* Returns 0 or -errno, reported; *out is cleared with em_view_clear(). */
int em_view_read(struct em_view *out, struct em_state *state, struct em_diag *diag);
void em_view_clear(struct em_view *current);

/* One attachment that was made is still there. */
bool em_view_has(const struct em_view *current, const struct em_attachment *wanted);

/* Every attachment that was made is still there and nothing else of ours. */
bool em_view_is_whole(const struct em_view *current);

/*
 * Reads the policy in force; a large one takes its time.  current->policy stays NULL where it is
 * not known, which has been told as a warning then.
 */
int em_view_load_policy(struct em_view *current, struct em_state *state, struct em_diag *diag);

/* The counters, those of the baseline included, in *out.  The policy has to be known. */
int em_view_stats(struct em_stats **out, const struct em_view *current, struct em_state *state,
		  struct em_diag *diag);
/* Live counters are never written: a reset makes what they hold now the zero to count from. */
int em_view_reset_stats(const struct em_view *current, struct em_state *state,
			struct em_diag *diag);

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
