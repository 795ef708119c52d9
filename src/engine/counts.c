/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/counts.h"

#include <errno.h>

#include "base/clock.h"

int em_counts_open(struct em_counts *out, uint32_t generation, const struct em_backend_ops *ops,
		   struct em_state *state, struct em_diag *diag)
{
	struct em_policy *policy = NULL;
	int rc;

	*out = (struct em_counts){.generation = generation, .ops = ops};
	if (!generation)
		return 0;
	rc = em_generation_load_policy(state, generation, &policy, diag);
	if (rc || !policy)
		return rc;
	return em_counts_open_known(out, generation, policy, ops, diag);
}

int em_counts_open_known(struct em_counts *out, uint32_t generation, struct em_policy *policy,
			 const struct em_backend_ops *ops, struct em_diag *diag)
{
	*out = (struct em_counts){.generation = generation, .policy = policy, .ops = ops};
	return ops ? ops->open_counters(&out->counters, generation, diag) : 0;
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

/* The times, where the counters have none. */
static int note(struct em_stats *sums, const struct em_stats *live, const struct em_counts *counts,
		struct em_state *state, struct em_diag *diag)
{
	struct em_stats *seen __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc;

	if (!counts->counters || counts->ops->has_clock)
		return 0;
	rc = em_generation_load_seen(state, counts->generation, counts->policy, &seen, diag);
	if (!rc)
		em_stats_note(sums, live, seen);
	return rc;
}

/* What is counted in the kernel, without times, and the sums. */
static int read_both(struct em_stats **live, struct em_stats **out, const struct em_counts *counts,
		     struct em_state *state, struct em_diag *diag)
{
	struct em_stats *sums __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc = read_live(live, counts, diag);

	if (rc)
		return rc;
	if (em_stats_new(&sums, counts->policy))
		return em_diag_enomem(diag);
	sums->read_at = em_clock_monotonic();
	sums->wall_at = em_clock_wall();
	em_stats_add(sums, counts->policy, *live, counts->policy);
	rc = em_generation_load_baseline(state, counts->generation, counts->policy, sums, diag);
	if (!rc)
		rc = note(sums, *live, counts, state, diag);
	if (rc)
		return rc;
	if (!counts->counters)
		em_stats_settle(sums);
	*out = sums;
	sums = NULL;
	return 0;
}

int em_counts_read(struct em_stats **out, const struct em_counts *counts, struct em_state *state,
		   struct em_diag *diag)
{
	struct em_stats *live __attribute__((cleanup(em_stats_freep))) = NULL;

	return read_both(&live, out, counts, state, diag);
}

int em_counts_look(struct em_stats **out, const struct em_counts *counts, struct em_state *state,
		   struct em_diag *diag)
{
	struct em_stats *live __attribute__((cleanup(em_stats_freep))) = NULL;
	struct em_stats *sums __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc = read_both(&live, &sums, counts, state, diag);

	if (!rc && counts->counters && !counts->ops->has_clock) {
		em_stats_take_times(live, sums);
		rc = em_generation_save_seen(state, counts->generation, counts->policy, live, diag);
	}
	if (rc)
		return rc;
	*out = sums;
	sums = NULL;
	return 0;
}

static int restore(struct em_stats *into, const struct em_policy *policy, uint32_t generation,
		   const struct em_policy *without, struct em_state *state, struct em_diag *diag)
{
	struct em_policy *earlier __attribute__((cleanup(em_policy_freep))) = NULL;
	struct em_stats *final __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc = em_generation_load_policy(state, generation, &earlier, diag);

	if (rc || !earlier)
		return rc;
	if (em_stats_new(&final, earlier))
		return em_diag_enomem(diag);
	rc = em_generation_load_final(state, generation, earlier, final, diag);
	if (rc)
		return rc;
	em_stats_drop_shared(final, earlier, without);
	em_stats_add(into, policy, final, earlier);
	return 0;
}

int em_counts_keep(const struct em_stats *lost, const struct em_counts *counts,
		   struct em_state *state, struct em_diag *diag)
{
	bool kept;
	int rc = em_generation_is_kept(state, counts->generation, &kept, diag);

	if (rc || !kept)
		return rc;
	return em_generation_save_final(state, counts->generation, counts->policy, lost, diag);
}

int em_counts_pass_on(struct em_stats **out, struct em_stats **lost, const struct em_counts *counts,
		      const struct em_policy *policy, uint32_t restores, struct em_state *state,
		      struct em_diag *diag)
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
	if (lost) {
		em_stats_drop_shared(sums, counts->policy, policy);
		*lost = sums;
		sums = NULL;
	}
	return restores ? restore(*out, policy, restores, counts->policy, state, diag) : 0;
}

int em_counts_reset(const struct em_counts *counts, struct em_state *state, struct em_diag *diag)
{
	struct em_stats *live __attribute__((cleanup(em_stats_freep))) = NULL;
	struct em_stats *sums __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc = read_both(&live, &sums, counts, state, diag);

	if (rc)
		return rc;
	em_stats_negate(live);
	em_stats_take_times(live, sums);
	return em_generation_save_baseline(state, counts->generation, counts->policy, live, diag);
}
