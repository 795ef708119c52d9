/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "cmd/cmd.h"
#include "config/config.h"
#include "engine/resolve.h"
#include "print/print.h"

struct options {
	const char *folder;
};

static const struct em_option options[] = {
	{"folder", 0, "DIR", NULL, offsetof(struct options, folder),
	 "relative paths in it are relative to DIR"},
	{0},
};

static int run(const void *given, char *const *words, struct em_document *out, struct em_diag *diag)
{
	const struct options *wanted = given;
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	const char *path = words[0] ? words[0] : EM_DEFAULT_CONFIG;
	int rc = wanted->folder ? em_config_read_in(&policy, path, wanted->folder, diag)
				: em_cmd_read_config(&policy, path, diag);

	/* The configuration may be for another host. */
	if (!rc)
		rc = em_resolve(policy, false, diag);
	if (!rc)
		em_print_check(out, path, policy);
	return rc;
}

const struct em_command em_cmd_check = {
	.name = "check",
	.help = "Read and check the configuration; list what a backend could not carry.",
	.words = "[CONFIG]",
	.words_help = EM_CONFIG_HELP,
	.n_words = 1,
	.json = true,
	.options = options,
	.size = sizeof(struct options),
	.run = run,
};
