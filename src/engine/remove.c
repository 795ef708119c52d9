/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/remove.h"

#include <errno.h>

#include "engine/inspect.h"
#include "host/grace.h"

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

/* 0: none of the backends has it any more, or -errno. */
static int look_for_program(uint32_t id)
{
	int rc = 0;

	for (size_t i = 0; !rc && id && em_backends[i]; i++)
		if (em_backends[i]->has_program)
			rc = em_backends[i]->has_program(id);
	return rc > 0 ? -EBUSY : rc;
}

/* Comes last: what is not there any more was nowhere else either. */
static int report_hidden(const struct em_view *view, struct em_diag *diag)
{
	const struct em_record *record = &view->record;

	if (!view->hidden)
		return 0;
	em_grace_wait();
	for (size_t i = 0; i < record->n_attachments; i++) {
		int rc = look_for_program(record->attachments[i].program);

		if (rc)
			return em_diag_error(diag, rc, NULL,
					     "%s: the program may still be on it; what is recorded "
					     "about it is kept: run entitymux remove again, where "
					     "nothing is hidden from it",
					     record->attachments[i].interface);
	}
	return 0;
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
	struct em_view view __attribute__((cleanup(em_inspect_clear))) = {0};
	int rc = em_state_open(&state, EM_STATE_WRITE, diag), first = 0, left;

	if (rc)
		return rc;
	/* Other problems of what is installed do not prevent its removal. */
	rc = em_inspect(&view, state, diag);
	if (rc != -EPERM && generation)
		rc = rc ? rc : check_undone(&view, generation, due, diag);
	if (rc == -EPERM || (rc && generation))
		return rc;
	left = report_moved(&view, diag);
	/* Only the record knows a program that has gone elsewhere. */
	left = left ? left : rc;
	for (size_t i = 0; em_backends[i]; i++) {
		rc = em_backends[i]->detach(diag);
		if (!rc)
			rc = em_backends[i]->clean(0, NULL, diag);
		first = first ? first : rc;
	}
	left = left ? left : report_hidden(&view, diag);
	first = first ? first : left;
	return first ? first : em_generation_clean(state, 0, diag);
}
