/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "engine/keep.h"
#include "print/print.h"

static bool same_hooks(const struct em_record *record, const struct em_plan *plan)
{
	if (record->n_attachments != plan->n_attachments)
		return false;
	for (size_t i = 0; i < plan->n_attachments; i++)
		if (record->attachments[i].ifindex != plan->attachments[i].ifindex ||
		    record->attachments[i].hook != plan->attachments[i].hook)
			return false;
	return true;
}

static bool is_different(const struct em_transaction *foreseen)
{
	const struct em_record *record = &foreseen->view.record;

	return !em_inspect_is_applied(&foreseen->view) || foreseen->changes.n || record->edits ||
	       record->backend != foreseen->plan.backend || !same_hooks(record, &foreseen->plan) ||
	       !em_keep_has_programs(foreseen) || !record->config ||
	       strcmp(record->config, foreseen->config) != 0;
}

static int run(const void *options, char *const *words, struct em_document *out,
	       struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	const char *path = words[0] ? words[0] : EM_DEFAULT_CONFIG;
	struct em_transaction transaction = {.dry_run = true};
	char absolute[PATH_MAX];
	int rc = em_cmd_read_policy(&policy, path, diag);

	(void)options;
	if (rc)
		return rc;
	transaction.policy = policy;
	transaction.config = realpath(path, absolute) ? absolute : path;
	transaction.wanted = policy->backend;
	rc = em_transaction_apply(&transaction, diag);
	if (!rc && !transaction.compared)
		rc = em_diag_error(diag, -EIO, NULL,
				   "the policy in force is not known; apply again");
	if (!rc)
		em_print_diff(out, &transaction);
	if (!rc && is_different(&transaction))
		rc = -EM_EDRIFT;
	em_transaction_clear(&transaction);
	return rc;
}

const struct em_command em_cmd_diff = {
	.name = "diff",
	.help = "Show what apply would change.",
	.words = "[CONFIG]",
	.words_help = EM_CONFIG_HELP,
	.n_words = 1,
	.json = true,
	.run = run,
};
