/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/counts.h"

#include <errno.h>

int em_counts_open(struct em_counts *out, uint32_t generation, const struct em_backend_ops *ops,
		   struct em_state *state, struct em_diag *diag)
{
	int rc;

	*out = (struct em_counts){.generation = generation, .ops = ops};
	if (!generation)
		return 0;
	rc = em_generation_load_policy(state, generation, &out->policy, diag);
	if (rc || !out->policy || !ops)
		return rc;
	return ops->open_counters(&out->counters, generation, diag);
}

void em_counts_close(struct em_counts *counts)
{
	if (counts->counters)
		counts->ops->close_counters(counts->counters);
	em_policy_free(counts->policy);
	*counts = (struct em_counts){0};
}

static int read_live(struct em_stats **out, const struct em_counts *counts, struct em_diag *diag)
{
	struct em_stats *stats __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc;

	if (em_stats_new(&stats, counts->policy))
		return em_diag_enomem(diag);
	rc = counts->counters
		     ? counts->ops->read_counters(counts->counters, counts->policy, stats, diag)
		     : 0;
	if (rc)
		return rc;
	*out = stats;
	stats = NULL;
	return 0;
}

int em_counts_read(struct em_stats **out, const struct em_counts *counts, struct em_state *state,
		   struct em_diag *diag)
{
	struct em_stats *stats __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc = read_live(&stats, counts, diag);

	if (!rc)
		rc = em_generation_load_baseline(state, counts->generation, counts->policy, stats,
						 diag);
	if (rc)
		return rc;
	if (!counts->counters)
		em_stats_settle(stats);
	*out = stats;
	stats = NULL;
	return 0;
}

int em_counts_pass_on(struct em_stats **out, const struct em_counts *counts,
		      const struct em_policy *policy, struct em_state *state, struct em_diag *diag)
{
	struct em_stats *sums __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc;

	*out = NULL;
	if (!counts->policy)
		return 0;
	rc = em_counts_read(&sums, counts, state, diag);
	if (rc)
		return rc;
	if (em_stats_new(out, policy))
		return em_diag_enomem(diag);
	em_stats_add(*out, policy, sums, counts->policy);
	return 0;
}

int em_counts_reset(const struct em_counts *counts, struct em_state *state, struct em_diag *diag)
{
	struct em_stats *live __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc = read_live(&live, counts, diag);

	if (rc)
		return rc;
	em_stats_negate(live);
	return em_generation_save_baseline(state, counts->generation, counts->policy, live, diag);
}
