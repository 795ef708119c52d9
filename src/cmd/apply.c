// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "config/config.h"
#include "engine/transaction.h"

static const char *result_of(const struct em_apply *apply)
{
	if (apply->unchanged)
		return "unchanged";
	return apply->dry_run ? "would apply" : "applied";
}

static void print_text(const struct em_apply *apply)
{
	const struct em_plan *plan = &apply->plan;

	printf("%s: %s: backend %s (%s)\n", apply->config, result_of(apply),
	       em_backend_name(plan->backend), plan->reason);
	for (size_t i = 0; i < plan->n_attachments; i++)
		printf("  %s: %s\n", plan->attachments[i].interface,
		       em_hook_name(plan->attachments[i].hook));
}

static int print_json(const struct em_apply *apply)
{
	const struct em_plan *plan = &apply->plan;
	json_t *interfaces = json_array(), *document;
	int rc;

	for (size_t i = 0; i < plan->n_attachments; i++)
		json_array_append_new(
			interfaces, json_pack("{s:s, s:s}", "name", plan->attachments[i].interface,
					      "hook", em_hook_name(plan->attachments[i].hook)));
	document = json_pack("{s:i, s:s, s:s, s:s, s:s, s:o}", "schema", 1, "config", apply->config,
			     "result", result_of(apply), "backend", em_backend_name(plan->backend),
			     "reason", plan->reason, "interfaces", interfaces);
	rc = document ? json_dumpf(document, stdout, JSON_INDENT(2)) : -1;
	json_decref(document);
	printf("\n");
	return rc ? -EIO : 0;
}

static int apply_locked(struct em_apply *apply, bool json, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	int rc = em_state_open(&state, apply->dry_run ? EM_STATE_READ : EM_STATE_WRITE, diag);

	if (!rc)
		rc = em_apply_policy(apply, state, diag);
	if (rc)
		return rc;
	if (json)
		return print_json(apply);
	print_text(apply);
	return 0;
}

static int choose_wanted(struct em_apply *apply, const char *backend, struct em_diag *diag)
{
	int parsed = backend ? em_backend_parse(backend) : (int)apply->policy->backend;

	if (parsed < 0)
		return em_diag_error(diag, -EM_EUSAGE, NULL,
				     "--backend=%s: expected auto, xdp, xdp-generic, tc or nft",
				     backend);
	apply->wanted = parsed;
	return 0;
}

int em_cmd_apply(const struct em_command *self, int argc, char **argv, struct em_diag *diag)
{
	const char *path = EM_DEFAULT_CONFIG, *backend = NULL;
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	struct em_apply apply = {0};
	char absolute[PATH_MAX];
	bool json = false, done;
	const struct em_option options[] = {
		{"dry-run", 'n', &apply.dry_run, NULL},
		{"backend", 0, NULL, &backend},
		{"json", 0, &json, NULL},
		{0},
	};
	int rc = em_cmd_options(self, argc, argv, options, &path, &done, diag);

	if (rc || done)
		return rc;
	rc = em_config_read(&policy, path, diag);
	if (rc)
		return rc;
	apply.policy = policy;
	apply.config = realpath(path, absolute) ? absolute : path;
	rc = choose_wanted(&apply, backend, diag);
	if (!rc)
		rc = apply_locked(&apply, json, diag);
	em_plan_clear(&apply.plan);
	return rc;
}
