/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "cmd/cmd.h"
#include "engine/backend.h"

static int run(const void *options, char *const *words, struct em_document *out,
	       struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	int rc = em_cmd_read_policy(&policy, words[0] ? words[0] : EM_DEFAULT_CONFIG, diag);

	(void)options;
	/* The generation that the first apply installs. */
	if (!rc)
		rc = em_nft_print_ruleset(out->out, policy, 1, diag);
	return rc;
}

const struct em_command em_cmd_ruleset = {
	.name = "ruleset",
	.help = "Print the ruleset of the nft backend, for nft -f.",
	.words = "[CONFIG]",
	.words_help = EM_CONFIG_HELP,
	.n_words = 1,
	.run = run,
};
