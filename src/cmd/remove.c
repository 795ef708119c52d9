// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/cmd.h"
#include "engine/transaction.h"

int em_cmd_remove(const struct em_command *self, int argc, char **argv, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	const struct em_option options[] = {{0}};
	bool done;
	int rc = em_cmd_options(self, argc, argv, options, NULL, &done, diag);

	if (rc || done)
		return rc;
	rc = em_state_open(&state, EM_STATE_WRITE, diag);
	if (!rc)
		rc = em_apply_remove(state, diag);
	return rc;
}
