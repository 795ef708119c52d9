/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/remove.h"

#include <errno.h>

#include "engine/inspect.h"

/* We cannot detach an XDP program from an interface that was moved to another network namespace. */
static int report_moved(struct em_view *view, struct em_diag *diag)
{
	int rc = em_inspect_moved(view, diag);

	if (!rc && view->hidden)
		rc = em_diag_error(
			diag, -EPERM, NULL,
			"what is recorded about it is kept: run entitymux remove again, as "
			"root");
	for (size_t i = 0; i < view->n_problems; i++) {
		const struct em_obstacle *obstacle = &view->problems[i].obstacle;

		rc = em_diag_error(diag, -EBUSY, NULL, "%s: %s; clear it with: %s",
				   view->problems[i].interface, obstacle->what, obstacle->remedy);
	}
	return rc;
}

/* What is to be undone has come to an end, or has been confirmed, before we had the lock. */
static int check_undone(const struct em_view *view, uint32_t generation, bool due,
			struct em_diag *diag)
{
	if (generation && view->generation != generation)
		return em_diag_error(diag, -ESTALE, NULL,
				     "another policy has come into force meanwhile");
	if (due && view->pending.generation != generation)
		return em_diag_error(diag, -ECANCELED, NULL,
				     "the policy in force was confirmed meanwhile");
	return 0;
}

int em_remove(uint32_t generation, bool due, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_view view = {0};
	int rc = em_state_open(&state, EM_STATE_WRITE, diag), first = 0, left;

	if (rc)
		return rc;
	/* Other problems of what is installed do not prevent its removal. */
	rc = em_inspect(&view, state, diag);
	if (rc != -EPERM && generation)
		rc = rc ? rc : check_undone(&view, generation, due, diag);
	if (rc == -EPERM || (rc && generation)) {
		em_inspect_clear(&view);
		return rc;
	}
	left = report_moved(&view, diag);
	/* Only the record knows a program that has gone elsewhere. */
	left = left ? left : rc;
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
