/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <errno.h>

#include "cmd/cmd.h"
#include "config/config.h"
#include "engine/inspect.h"

static int load(struct em_policy **out, struct em_state *state, struct em_diag *diag)
{
	struct em_view view __attribute__((cleanup(em_inspect_clear)));
	int rc = em_inspect(&view, state, diag);

	if (rc)
		return rc;
	if (!em_inspect_is_applied(&view))
		return em_diag_error(diag, -ENOENT, NULL, "nothing is applied");
	rc = em_generation_load_policy(state, view.generation, out, diag);
	if (!rc && !*out)
		rc = em_diag_error(diag, -EIO, NULL,
				   "the policy in force is not known; apply again");
	return rc;
}

static int run(const void *options, char *const *words, struct em_document *out,
	       struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	int rc = em_state_open(&state, EM_STATE_READ, diag);

	(void)options, (void)words;
	if (!rc)
		rc = load(&policy, state, diag);
	if (rc)
		return rc;
	rc = em_config_write(policy, out->out, NULL, NULL);
	return rc ? em_diag_errno(diag, rc, NULL, "standard output") : 0;
}

const struct em_command em_cmd_showconf = {
	.name = "showconf",
	.help = "Print the policy in force as a configuration.",
	.run = run,
};
