/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "cmd/cmd.h"
#include "print/print.h"

static int show(struct em_view *view, struct em_state *state, struct em_document *out,
		struct em_diag *diag)
{
	int rc = em_view_read(view, state, diag);
	bool applied, whole;

	if (rc)
		return rc;
	applied = view->datapath || view->applied.generation;
	whole = applied && em_view_is_whole(view);
	em_print_status(out, view, applied, whole);
	return applied && !whole ? -EM_EDRIFT : 0;
}

static int run(const void *options, char *const *words, struct em_document *out,
	       struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_view view = {0};
	int rc = em_state_open(&state, EM_STATE_READ, diag);

	(void)options, (void)words;
	if (!rc)
		rc = show(&view, state, out, diag);
	em_view_clear(&view);
	return rc;
}

const struct em_command em_cmd_status = {
	.name = "status",
	.help = "Show what is applied, by which backend, and whether it is still in place.",
	.json = true,
	.run = run,
};
