/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/snapshot.h"

#include <errno.h>

#include "engine/counts.h"
#include "engine/inspect.h"

static int read_counts(struct em_snapshot *out, struct em_view *view, struct em_state *state,
		       struct em_diag *diag)
{
	struct em_counts counts __attribute__((cleanup(em_counts_close))) = {0};
	int rc = em_counts_open(&counts, view->generation, view->ops, state, diag);

	if (rc)
		return rc;
	if (!counts.policy || !view->record.generation)
		return em_diag_error(diag, -EIO, NULL,
				     "what the counters are of is not known; apply again");
	rc = em_counts_look(&out->stats, &counts, state, diag);
	if (rc)
		return rc;
	out->policy = counts.policy;
	counts.policy = NULL;
	out->record = view->record;
	view->record = (struct em_record){0};
	return 0;
}

int em_snapshot_read(struct em_snapshot *out, struct em_state *state, struct em_diag *diag)
{
	struct em_view view __attribute__((cleanup(em_inspect_clear)));
	int rc = em_inspect(&view, state, diag);

	*out = (struct em_snapshot){0};
	if (rc || !em_inspect_is_applied(&view))
		return rc;
	return read_counts(out, &view, state, diag);
}

int em_snapshot_check(struct em_snapshot *snapshot, struct em_state *state, struct em_diag *diag)
{
	struct em_view view __attribute__((cleanup(em_inspect_clear)));
	int rc = em_inspect(&view, state, diag);

	if (!rc)
		rc = em_inspect_links(&view, diag);
	snapshot->whole = !rc && em_inspect_is_applied(&view) && em_inspect_is_whole(&view);
	return rc;
}

void em_snapshot_clear(struct em_snapshot *snapshot)
{
	em_record_clear(&snapshot->record);
	em_policy_free(snapshot->policy);
	em_stats_free(snapshot->stats);
	*snapshot = (struct em_snapshot){0};
}
