/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "cmd/cmd.h"
#include "print/print.h"

struct options {
	const char *config;
};

static const struct em_option options[] = {
	{"config", 0, "CONFIG", NULL, offsetof(struct options, config),
	 "whether it is what is in force; left out: the one that was applied", true},
	{0},
};

static int inspect(struct em_view *view, struct em_state *state, struct em_diag *diag)
{
	int rc = em_inspect(view, state, diag);

	if (!rc)
		rc = em_inspect_links(view, diag);
	if (!rc)
		rc = em_inspect_sockets(view, diag);
	return rc;
}

/* The configuration as it is now. */
static int compare(struct em_view *view, struct em_state *state, const char *path,
		   struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	int rc;

	if (!*path)
		path = view->record.generation ? view->record.config : EM_DEFAULT_CONFIG;
	rc = em_cmd_read_policy(&policy, path, diag);
	return rc ? rc : em_inspect_config(view, state, policy, diag);
}

static int run(const void *given, char *const *words, struct em_document *out, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_view view __attribute__((cleanup(em_inspect_clear))) = {0};
	const struct options *wanted = given;
	int rc = em_state_open(&state, EM_STATE_READ, diag);

	(void)words;
	if (!rc)
		rc = inspect(&view, state, diag);
	if (!rc && wanted->config)
		rc = compare(&view, state, wanted->config, diag);
	if (rc)
		return rc;
	em_print_status(out, &view);
	if (view.config == EM_VIEW_CONFIG_OTHER)
		return -EM_EDRIFT;
	return em_inspect_is_applied(&view) && !em_inspect_is_whole(&view) ? -EM_EDRIFT : 0;
}

const struct em_command em_cmd_status = {
	.name = "status",
	.help = "Show what is applied, by which backend, and whether it is still in place.",
	.json = true,
	.options = options,
	.size = sizeof(struct options),
	.run = run,
};
