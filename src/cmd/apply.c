/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <limits.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "print/print.h"

struct options {
	bool dry_run;
	const char *backend;
	const char *confirm;
};

static const struct em_option options[] = {
	{"dry-run", 'n', NULL, NULL, offsetof(struct options, dry_run),
	 "only print what would be done"},
	{"backend", 0, "BACKEND", em_backend_names, offsetof(struct options, backend),
	 "the backend to use, whatever the configuration says"},
	{"confirm", 0, "SECONDS", NULL, offsetof(struct options, confirm),
	 "undo it after that time, unless entitymux confirm follows"},
	{0},
};

static int run(const void *given, char *const *words, struct em_document *out, struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	const char *path = words[0] ? words[0] : EM_DEFAULT_CONFIG;
	const struct options *wanted = given;
	struct em_transaction transaction = {.dry_run = wanted->dry_run};
	char absolute[PATH_MAX];
	size_t seconds = 0;
	int rc;

	if (!em_cmd_number(wanted->confirm, EM_CMD_CONFIRM_MAX, &seconds))
		return em_diag_error(diag, -EM_EUSAGE, NULL,
				     "apply: --confirm=%.64s: expected seconds, 1-86400",
				     wanted->confirm);
	rc = em_cmd_read_policy(&policy, path, diag);
	if (rc)
		return rc;
	transaction.confirm = (unsigned int)seconds;
	transaction.policy = policy;
	transaction.config = realpath(path, absolute) ? absolute : path;
	transaction.wanted = wanted->backend ? (enum em_backend)em_backend_parse(wanted->backend)
					     : policy->backend;
	rc = em_transaction_apply(&transaction, diag);
	if (!rc && !wanted->dry_run)
		out->done = "the policy is in force";
	if (!rc)
		em_print_apply(out, &transaction);
	em_transaction_clear(&transaction);
	return rc;
}

const struct em_command em_cmd_apply = {
	.name = "apply",
	.help = "Check the configuration, choose a backend, install or update the policy.",
	.words = "[CONFIG]",
	.words_help = EM_CONFIG_HELP,
	.n_words = 1,
	.json = true,
	.options = options,
	.size = sizeof(struct options),
	.run = run,
};
