// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "engine/transaction.h"
#include "print/stats.h"

/* Live counters are never written: a reset makes what they hold now the zero to count from. */
static int reset(const struct em_view *current, struct em_stats *now, struct em_state *state,
		 struct em_diag *diag)
{
	struct em_stats *carried __attribute__((cleanup(em_stats_freep))) = NULL;
	const struct em_record *applied = &current->applied;
	int rc = em_stats_new(&carried, applied->policy);

	if (rc)
		return em_diag_enomem(diag);
	/* now = live + carried; the new carried value is -live = carried - now. */
	rc = em_generation_load_baseline(state, applied, carried, diag);
	if (rc)
		return rc;
	em_stats_negate(now);
	em_stats_add(carried, applied->policy, now, applied->policy);
	return em_generation_save_baseline(state, applied, carried, diag);
}

static int print(const struct em_view *current, const struct em_stats *stats, bool json)
{
	const struct em_record *applied = &current->applied;
	const struct em_stats_context context = {
		.backend = applied->backend == EM_BACKEND_XDP_GENERIC
				   ? em_backend_name(EM_BACKEND_XDP)
				   : em_backend_name(applied->backend),
		.config = applied->config,
		.applied_at = applied->applied_at,
		.attachments = applied->attachments,
		.n_attachments = applied->n_attachments,
	};

	return (json ? em_stats_print_json : em_stats_print_text)(stdout, applied->policy, stats,
								  &context);
}

static int run(struct em_view *current, struct em_state *state, bool json, bool to_zero,
	       struct em_diag *diag)
{
	struct em_stats *stats __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc = em_view_read(current, state, diag);

	if (rc)
		return rc;
	if (!current->applied.generation)
		return em_diag_error(diag, -ENOENT, NULL, "nothing is applied");
	rc = em_view_stats(&stats, current, state, diag);
	if (rc)
		return rc;
	return to_zero ? reset(current, stats, state, diag) : print(current, stats, json);
}

int em_cmd_stats(const struct em_command *self, int argc, char **argv, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	bool json = false, to_zero = false, done;
	struct em_view current = {0};
	const struct em_option options[] = {
		{"json", 0, &json, NULL},
		{"reset", 0, &to_zero, NULL},
		{0},
	};
	int rc = em_cmd_options(self, argc, argv, options, NULL, &done, diag);

	if (rc || done)
		return rc;
	rc = em_state_open(&state, to_zero ? EM_STATE_WRITE : EM_STATE_READ, diag);
	if (!rc)
		rc = run(&current, state, json, to_zero, diag);
	em_view_clear(&current);
	return rc;
}
