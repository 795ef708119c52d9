/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/settle.h"

#include "host/grace.h"

/* Packets meet the backends in the order of this table. */
static bool is_behind(const struct em_backend_ops *ops, const struct em_backend_ops *other)
{
	for (size_t i = 0; em_backends[i] && em_backends[i] != ops; i++)
		if (em_backends[i] == other)
			return true;
	return false;
}

int em_settle_detach(const struct em_backend_ops *ops, const struct em_counts *before,
		     struct em_diag *diag)
{
	int first = 0;

	/*
	 * A packet that had passed the new backend's hook before the switch still has to meet the
	 * old backend.  Where the old one comes first there is no such packet, and the longer both
	 * are there, the more datagrams both count.
	 */
	if (before->ops && is_behind(before->ops, ops))
		em_grace_wait();
	for (size_t i = 0; em_backends[i]; i++) {
		int rc = em_backends[i] == ops ? 0 : em_backends[i]->detach(diag);

		first = first ? first : rc;
	}
	if (before->generation)
		em_grace_wait();
	return first;
}

static int clean_kernel(const struct em_backend_ops *ops, uint32_t generation,
			const struct em_policy *policy, struct em_diag *diag)
{
	int first = 0;

	for (size_t i = 0; em_backends[i]; i++) {
		int rc = em_backends[i] == ops ? em_backends[i]->clean(generation, policy, diag)
					       : em_backends[i]->clean(0, NULL, diag);

		first = first ? first : rc;
	}
	return first;
}

/* Remove the older folders before writing the counts, which may need the space. */
int em_settle_clean(const struct em_backend_ops *ops, uint32_t generation,
		    const struct em_policy *policy, const struct em_counts *before,
		    uint32_t restores, struct em_state *state, struct em_diag *diag)
{
	struct em_stats *baseline __attribute__((cleanup(em_stats_freep))) = NULL;
	struct em_stats *lost __attribute__((cleanup(em_stats_freep))) = NULL;
	int first = em_counts_pass_on(&baseline, &lost, before, policy, restores, state, diag);
	int rc;

	/* The next run can read them. */
	if (em_error_is_passing(first))
		return first;
	rc = em_generation_clean(state, generation, diag);
	first = first ? first : rc;
	rc = baseline ? em_generation_save_baseline(state, generation, policy, baseline, diag) : 0;
	first = first ? first : rc;
	/* That it is there says that the baseline is. */
	rc = lost && !rc ? em_counts_keep(lost, before, state, diag) : rc;
	first = first ? first : rc;
	rc = clean_kernel(ops, generation, policy, diag);
	return first ? first : rc;
}

/*
 * A run that died between the switch and the last counts has left an older generation that may have
 * gone on counting.  If it comes after the one in force on the packet path, both have counted the
 * same packets.  If the run died after the last counts, while it was cleaning up, what is left does
 * not have all of them any more.
 */
static int open_older(struct em_counts *older, const struct em_view *view, struct em_state *state,
		      struct em_diag *diag)
{
	bool passed_on = false;
	int rc = em_generation_has_final(state, view->older, &passed_on, diag);

	if (rc || passed_on || is_behind(view->older_ops, view->ops))
		return rc;
	return em_counts_open(older, view->older, view->older_ops, state, diag);
}

static int finish_older(const struct em_view *view, struct em_state *state, struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	struct em_counts older = {0};
	int rc = em_generation_load_policy(state, view->generation, &policy, diag);

	/*
	 * The counters of the generation in force are unknown, so there is nothing to add the old
	 * counts to.
	 */
	if (rc || !policy)
		return rc;
	/* It may have left marks, and what is behind takes them off only as long as it is there. */
	if (view->ops && view->ops->mark)
		rc = view->ops->mark(view->generation, false, diag);
	if (!rc)
		rc = open_older(&older, view, state, diag);
	if (!rc)
		rc = em_settle_detach(view->ops, &older, diag);
	if (!rc)
		rc = em_settle_clean(view->ops, view->generation, policy, &older,
				     view->record.restores, state, diag);
	em_counts_close(&older);
	return rc;
}

int em_settle_inspect(struct em_view *view, struct em_state *state, struct em_diag *diag)
{
	int rc = em_inspect(view, state, diag);

	if (rc || !view->older)
		return rc;
	rc = finish_older(view, state, diag);
	em_inspect_clear(view);
	return rc ? rc : em_inspect(view, state, diag);
}
