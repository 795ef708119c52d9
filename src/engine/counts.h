/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * counts - what a generation has counted: its counters in the kernel, and the baseline that it
 * started from.
 *
 * They can be held open while another generation takes its place.
 */
#ifndef EM_COUNTS_H
#define EM_COUNTS_H

#include <stdint.h>

#include "engine/backend.h"
#include "state/generation.h"

struct em_counts {
	uint32_t generation;
	struct em_policy *policy;	  /* owned; what is counted; NULL: not known, nothing */
	const struct em_backend_ops *ops; /* whose the counters are */
	struct em_counters *counters;	  /* NULL: the kernel has none any more */
};

/*
 * Opens those of a generation (0: of none), whose counters a backend has (NULL: none).  A policy
 * that cannot be understood is a warning.  Closed by em_counts_close() in any case.  Returns 0 or
 * -errno, reported.
 */
int em_counts_open(struct em_counts *out, uint32_t generation, const struct em_backend_ops *ops,
		   struct em_state *state, struct em_diag *diag);
void em_counts_close(struct em_counts *counts);

/* The sums as of now, the caller's to free; the policy has to be known. */
int em_counts_read(struct em_stats **out, const struct em_counts *counts, struct em_state *state,
		   struct em_diag *diag);

/* The same as a baseline for another policy; *out is NULL where there is nothing to go on from. */
int em_counts_pass_on(struct em_stats **out, const struct em_counts *counts,
		      const struct em_policy *policy, struct em_state *state, struct em_diag *diag);

/*
 * Makes the sums zero.  Counters in the kernel are never written: what they hold now becomes, in
 * the baseline, the zero to count from.
 */
int em_counts_reset(const struct em_counts *counts, struct em_state *state, struct em_diag *diag);

#endif
