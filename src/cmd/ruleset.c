// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/cmd.h"
#include "config/config.h"

int em_cmd_ruleset(const struct em_command *self, int argc, char **argv, struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	const struct em_option options[] = {{0}};
	const char *path = EM_DEFAULT_CONFIG;
	bool done;
	int rc = em_cmd_options(self, argc, argv, options, &path, &done, diag);

	if (rc || done)
		return rc;
	rc = em_config_read(&policy, path, diag);
	/* The first generation: what a first apply installs. */
	if (!rc)
		rc = em_nft_print_ruleset(stdout, policy, 1, diag);
	return rc;
}
