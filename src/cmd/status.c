/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "cmd/cmd.h"
#include "print/print.h"

static int run(const void *options, char *const *words, struct em_document *out,
	       struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_view view __attribute__((cleanup(em_inspect_clear))) = {0};
	int rc = em_state_open(&state, EM_STATE_READ, diag);

	(void)options, (void)words;
	if (!rc)
		rc = em_inspect(&view, state, diag);
	if (!rc)
		rc = em_inspect_links(&view, diag);
	if (rc)
		return rc;
	em_print_status(out, &view);
	return em_inspect_is_applied(&view) && !em_inspect_is_whole(&view) ? -EM_EDRIFT : 0;
}

const struct em_command em_cmd_status = {
	.name = "status",
	.help = "Show what is applied, by which backend, and whether it is still in place.",
	.json = true,
	.run = run,
};
