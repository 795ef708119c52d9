// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "engine/transaction.h"
#include "print/stats.h"

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

	return (json ? em_stats_print_json : em_stats_print_text)(stdout, current->policy, stats,
								  &context);
}

static int run(struct em_view *current, struct em_state *state, bool json, bool to_zero,
	       struct em_diag *diag)
{
	struct em_stats *stats __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc = em_view_read(current, state, diag);

	if (rc)
		return rc;
	if (!current->datapath && !current->applied.generation)
		return em_diag_error(diag, -ENOENT, NULL, "nothing is applied");
	rc = em_view_load_policy(current, state, diag);
	if (rc)
		return rc;
	if (!current->policy || !current->applied.generation)
		return em_diag_error(diag, -EIO, NULL,
				     "what the counters are of is not known; apply again");
	if (to_zero)
		return em_view_reset_stats(current, state, diag);
	rc = em_view_stats(&stats, current, state, diag);
	return rc ? rc : print(current, stats, json);
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
