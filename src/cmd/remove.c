/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "cmd/cmd.h"
#include "engine/transaction.h"

static int run(const void *options, char *const *words, struct em_document *out,
	       struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	int rc = em_state_open(&state, EM_STATE_WRITE, diag);

	(void)options, (void)words, (void)out;
	if (!rc)
		rc = em_apply_remove(state, diag);
	return rc;
}

const struct em_command em_cmd_remove = {
	.name = "remove",
	.help = "Take everything away again.",
	.run = run,
};
