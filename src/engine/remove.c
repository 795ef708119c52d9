/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/remove.h"

#include <errno.h>

#include "engine/inspect.h"

/* We cannot detach an XDP program from an interface that was moved to another network namespace. */
static int report_moved(struct em_view *view, struct em_diag *diag)
{
	int rc = em_inspect_moved(view, diag);

	for (size_t i = 0; i < view->n_problems; i++) {
		const struct em_obstacle *obstacle = &view->problems[i].obstacle;

		rc = em_diag_error(diag, -EBUSY, NULL, "%s: %s; clear it with: %s",
				   view->problems[i].interface, obstacle->what, obstacle->remedy);
	}
	return rc;
}

int em_remove(uint32_t due, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_view view = {0};
	int rc = em_state_open(&state, EM_STATE_WRITE, diag), first = 0, left;

	if (rc)
		return rc;
	/* Other problems of what is installed do not prevent its removal. */
	rc = em_inspect(&view, state, diag);
	if (rc == -EPERM || (due && view.pending.generation != due)) {
		em_inspect_clear(&view);
		return rc;
	}
	left = report_moved(&view, diag);
	/* Only the record knows a program that has gone elsewhere. */
	if (!left && em_error_is_passing(rc))
		left = rc;
	em_inspect_clear(&view);
	for (size_t i = 0; em_backends[i]; i++) {
		rc = em_backends[i]->detach(diag);
		if (!rc)
			rc = em_backends[i]->clean(0, NULL, diag);
		first = first ? first : rc;
	}
	first = first ? first : left;
	return first ? first : em_generation_clean(state, 0, diag);
}
