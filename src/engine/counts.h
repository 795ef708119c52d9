/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * counts - the counters of a generation: those in the kernel, plus the baseline it started from.
 *
 * They can be held open while another generation replaces it.
 */
#ifndef EM_COUNTS_H
#define EM_COUNTS_H

#include <stdint.h>

#include "engine/backend.h"
#include "state/generation.h"

struct em_counts {
	uint32_t generation;
	struct em_policy *policy;	  /* owned; NULL: unknown, or nothing is counted */
	const struct em_backend_ops *ops; /* whose the counters are */
	struct em_counters *counters;	  /* NULL: the kernel has none any more */
};

/*
 * Opens the counters of a generation (0: of none).  ops is the backend that has them (NULL: none).
 * A policy that cannot be read is a warning.  The caller calls em_counts_close() in any case.
 * Returns 0 or -errno, reported.
 */
int em_counts_open(struct em_counts *out, uint32_t generation, const struct em_backend_ops *ops,
		   struct em_state *state, struct em_diag *diag);
/* The same, where the policy of the generation is known.  It is owned from now on. */
int em_counts_open_known(struct em_counts *out, uint32_t generation, struct em_policy *policy,
			 const struct em_backend_ops *ops, struct em_diag *diag);
void em_counts_close(struct em_counts *counts);

/* Reads the current sums into *out, which the caller frees.  The policy has to be known. */
int em_counts_read(struct em_stats **out, const struct em_counts *counts, struct em_state *state,
		   struct em_diag *diag);

/*
 * The same for a user.  Where the backend has no clock, the next one knows by this look which
 * counters have moved.
 */
int em_counts_look(struct em_stats **out, const struct em_counts *counts, struct em_state *state,
		   struct em_diag *diag);

/*
 * Reads the current sums as a baseline for another policy.  *out is NULL where no counts are known.
 * What the policy has and `counts` has not is taken from the counts that an earlier generation,
 * `restores`, ended with (0: none).  *lost, unless lost is NULL, is what the policy has not, for
 * em_counts_keep(); the caller frees both.
 */
int em_counts_pass_on(struct em_stats **out, struct em_stats **lost, const struct em_counts *counts,
		      const struct em_policy *policy, uint32_t restores, struct em_state *state,
		      struct em_diag *diag);

/*
 * Saves what is lost with the generation, for a later rollback, if its folder is still there.
 */
int em_counts_keep(const struct em_stats *lost, const struct em_counts *counts,
		   struct em_state *state, struct em_diag *diag);

/*
 * Sets the sums to zero; when entities were seen stays known.  The counters in the kernel are not
 * written: the baseline subtracts their current values.
 */
int em_counts_reset(const struct em_counts *counts, struct em_state *state, struct em_diag *diag);

#endif
