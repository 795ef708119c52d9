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
	 "set all of them to zero instead, and print nothing"},
	{0},
};

static int show(struct em_view *current, struct em_state *state, bool to_zero,
		struct em_document *out, struct em_diag *diag)
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
	if (!rc)
		em_print_stats(out, &current->applied, current->policy, stats);
	return rc;
}

static int run(const void *given, char *const *words, struct em_document *out, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	const struct options *wanted = given;
	struct em_view current = {0};
	int rc = em_state_open(&state, wanted->reset ? EM_STATE_WRITE : EM_STATE_READ, diag);

	(void)words;
	if (!rc)
		rc = show(&current, state, wanted->reset, out, diag);
	em_view_clear(&current);
	return rc;
}

const struct em_command em_cmd_stats = {
	.name = "stats",
	.help = "Show the counters, or set them to zero.",
	.json = true,
	.options = options,
	.size = sizeof(struct options),
	.run = run,
};
