// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "config/config.h"
#include "engine/probe.h"

/* Without a configuration, and there may be none yet, it is about the host alone. */
static int read_config(struct em_policy **out, const char *path, struct em_diag *diag)
{
	if (path || !access(EM_DEFAULT_CONFIG, F_OK))
		return em_config_read(out, path ? path : EM_DEFAULT_CONFIG, diag);
	em_diag_note(diag, "there is no %s; this is about the host alone", EM_DEFAULT_CONFIG);
	return 0;
}

/* The exit status is that of the apply that is foretold. */
static int run(struct em_probe *probe, const struct em_policy *policy, const char *config,
	       bool json, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	int rc = em_state_open(&state, EM_STATE_READ, diag);

	if (!rc)
		rc = em_probe_run(probe, policy, config, state, diag);
	if (rc)
		return rc;
	if (json)
		rc = em_probe_print_json(probe);
	else
		em_probe_print_text(probe);
	return rc || !policy ? rc : em_probe_choice(probe)->error;
}

int em_cmd_probe(const struct em_command *self, int argc, char **argv, struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	const char *path = NULL;
	struct em_probe probe = {0};
	char absolute[PATH_MAX];
	bool json = false, done;
	const struct em_option options[] = {{"json", 0, &json, NULL}, {0}};
	int rc = em_cmd_options(self, argc, argv, options, &path, &done, diag);

	if (rc || done)
		return rc;
	rc = read_config(&policy, path, diag);
	if (rc)
		return rc;
	path = path ? path : EM_DEFAULT_CONFIG;
	rc = run(&probe, policy, realpath(path, absolute) ? absolute : path, json, diag);
	em_probe_clear(&probe);
	return rc;
}
