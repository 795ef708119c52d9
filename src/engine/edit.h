/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * edit - one change to the policy in force, which a transaction then puts in its place.
 *
 * The transaction calls it with its lock held: of two edits at a time none is lost.
 */
#ifndef EM_EDIT_H
#define EM_EDIT_H

#include "config/save.h"
#include "engine/inspect.h"

struct em_edit {
	/* The request, not owned. */
	const char *where;	      /* LISTENER, or LISTENER:FORMAT */
	const char *tag;	      /* as in a configuration */
	bool save;		      /* in the entities file as well */
	struct em_entity_edit change; /* without the cover */

	/* The result: the policy in force with the change; owned. */
	struct em_policy *policy;
	/* As it was before; owned, until the transaction takes it.  Not to outlive the policy. */
	struct em_policy *before;
	struct em_save saved;
};

/*
 * Loads the policy in force, changes it, and writes the entities file beside the one there is.
 * Returns 0 or -errno, reported.  The caller calls em_edit_clear() in any case.
 */
int em_edit_begin(struct em_edit *edit, const struct em_view *view, struct em_state *state,
		  struct em_diag *diag);
/* Saves what is to be saved, where the change is in force.  Returns 0 or -errno, reported. */
int em_edit_end(struct em_edit *edit, bool in_force, struct em_diag *diag);
void em_edit_clear(struct em_edit *edit);

#endif
