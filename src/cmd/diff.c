/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "config/compare.h"
#include "engine/transaction.h"
#include "print/print.h"

/* What is in force, all of it empty where nothing is. */
struct force {
	struct em_policy *policy;
	struct em_view view;
};

static void clear_force(struct force *force)
{
	em_policy_free(force->policy);
	em_inspect_clear(&force->view);
}

static int load(struct force *force, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	int rc = em_state_open(&state, EM_STATE_READ, diag);

	if (!rc)
		rc = em_inspect(&force->view, state, diag);
	if (rc || !em_inspect_is_applied(&force->view))
		return rc;
	rc = em_generation_load_policy(state, force->view.generation, &force->policy, diag);
	if (!rc && !force->policy)
		rc = em_diag_error(diag, -EIO, NULL,
				   "the policy in force is not known; apply again");
	return rc;
}

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

/* Compares, prints, and returns 0 or -EM_EDRIFT where something is different. */
static int compare(const struct force *force, const struct em_transaction *foreseen,
		   struct em_document *out, struct em_diag *diag)
{
	const struct em_record *record = &force->view.record;
	bool applied = em_inspect_is_applied(&force->view);
	struct em_changes changes;
	int rc = em_compare(&changes, force->policy, foreseen->policy);

	if (rc) {
		em_changes_clear(&changes);
		return em_diag_enomem(diag);
	}
	em_print_diff(out, applied ? record : NULL, foreseen, &changes);
	if (!applied || changes.n || record->backend != foreseen->plan.backend ||
	    !same_hooks(record, &foreseen->plan) || !record->config ||
	    strcmp(record->config, foreseen->config))
		rc = -EM_EDRIFT;
	em_changes_clear(&changes);
	return rc;
}

static int run(const void *options, char *const *words, struct em_document *out,
	       struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	struct force force __attribute__((cleanup(clear_force))) = {0};
	const char *path = words[0] ? words[0] : EM_DEFAULT_CONFIG;
	struct em_transaction transaction = {.dry_run = true};
	char absolute[PATH_MAX];
	int rc = em_cmd_read_policy(&policy, path, diag);

	(void)options;
	if (!rc)
		rc = load(&force, diag);
	if (rc)
		return rc;
	transaction.policy = policy;
	transaction.config = realpath(path, absolute) ? absolute : path;
	transaction.wanted = policy->backend;
	rc = em_transaction_apply(&transaction, diag);
	if (!rc)
		rc = compare(&force, &transaction, out, diag);
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
