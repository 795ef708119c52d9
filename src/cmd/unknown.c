/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "engine/unknown_view.h"
#include "policy/names.h"
#include "print/print.h"

struct options {
	bool config;
};

static const struct em_option options[] = {
	{"config", 0, NULL, NULL, offsetof(struct options, config),
	 "print them as entities, to be pasted into the configuration"},
	{0},
};

static int print_config(struct em_document *out, const struct em_unknown_view *view,
			char *const *words, struct em_diag *diag)
{
	struct em_ports *used __attribute__((cleanup(em_freep))) = NULL;
	int rc = em_unknown_view_ports(&used, view->policy, diag);

	if (rc)
		return rc;
	if (em_print_unknown_config(out->out, &view->list, words, used))
		return em_diag_error(diag, -ENOSPC, NULL,
				     "unknown: no free port is left for the other tags");
	return 0;
}

static int run(const void *given, char *const *words, struct em_document *out, struct em_diag *diag)
{
	struct em_unknown_view view __attribute__((cleanup(em_unknown_view_clear))) = {0};
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	const struct options *wanted = given;
	int rc;

	for (char *const *word = words; *word; word++)
		if (em_names_is_entity(*word))
			return em_diag_error(diag, -EM_EUSAGE, NULL,
					     "unknown: %s: expected LISTENER or LISTENER:FORMAT",
					     *word);
	if (wanted->config && out->json)
		return em_diag_error(diag, -EM_EUSAGE, NULL,
				     "unknown: --json and --config exclude each other");
	rc = em_state_open(&state, EM_STATE_READ, diag);
	if (!rc)
		rc = em_unknown_view_read(&view, state, diag);
	if (rc)
		return rc;
	if (!view.policy)
		return em_diag_error(diag, -ENOENT, NULL, "nothing is applied");
	rc = em_names_check(words, view.policy, "unknown", diag);
	if (rc)
		return rc;
	if (wanted->config)
		return print_config(out, &view, words, diag);
	em_print_unknown(out, view.policy, &view.list, words);
	return 0;
}

const struct em_command em_cmd_unknown = {
	.name = "unknown",
	.help = "Show the tags seen lately that no entity has.",
	.words = "[LISTENER[:FORMAT]]...",
	.words_help = "The names may be patterns, as in the shell; none of them means all.",
	.n_words = UINT_MAX,
	.json = true,
	.options = options,
	.size = sizeof(struct options),
	.run = run,
};
