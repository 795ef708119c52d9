/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <errno.h>

#include "cmd/cmd.h"
#include "print/print.h"

struct options {
	bool reset;
};

static const struct em_option options[] = {
	{"reset", 0, NULL, NULL, offsetof(struct options, reset),
	 "set all of them to zero instead"},
	{0},
};

static int show(struct em_state *state, struct em_document *out, struct em_diag *diag)
{
	struct em_stats *stats __attribute__((cleanup(em_stats_freep))) = NULL;
	struct em_view view __attribute__((cleanup(em_inspect_clear)));
	struct em_counts counts __attribute__((cleanup(em_counts_close))) = {0};
	int rc = em_inspect(&view, state, diag);

	if (rc)
		return rc;
	if (!em_inspect_is_applied(&view))
		return em_diag_error(diag, -ENOENT, NULL, "nothing is applied");
	rc = em_counts_open(&counts, view.generation, view.ops, state, diag);
	if (rc)
		return rc;
	if (!counts.policy || !view.record.generation)
		return em_diag_error(diag, -EIO, NULL,
				     "what the counters are of is not known; apply again");
	rc = em_counts_read(&stats, &counts, state, diag);
	if (!rc)
		em_print_stats(out, &view.record, counts.policy, stats);
	return rc;
}

static int run(const void *given, char *const *words, struct em_document *out, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	const struct options *wanted = given;
	int rc;

	(void)words;
	if (!wanted->reset) {
		rc = em_state_open(&state, EM_STATE_READ, diag);
		return rc ? rc : show(state, out, diag);
	}
	rc = em_transaction_reset(diag);
	if (rc)
		return rc;
	out->done = "the counters are set to zero";
	em_document_bool(out, "reset", NULL, true);
	return 0;
}

const struct em_command em_cmd_stats = {
	.name = "stats",
	.help = "Show the counters, or set them to zero.",
	.json = true,
	.options = options,
	.size = sizeof(struct options),
	.run = run,
};
