/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * edit - changes one entity of a policy that has been read and checked.
 */
#ifndef EM_POLICY_EDIT_H
#define EM_POLICY_EDIT_H

#include "policy/policy.h"

enum em_edit_kind { EM_EDIT_ADD, EM_EDIT_MOVE, EM_EDIT_DELETE };

/* One change of an entity, which is the one that covers just these tags. */
struct em_entity_edit {
	enum em_edit_kind kind;
	struct em_cover cover;
	struct em_action action; /* but with EM_EDIT_DELETE */
	/* Not owned; NULL: with EM_EDIT_MOVE the name stays, with EM_EDIT_ADD there is none. */
	const char *name;
};

/*
 * Changes the format of the listener.  An entity that is added takes the last place; one that is
 * there already with the same action and name stays as it is.  Reports what is then wrong, an
 * entity without a place as one that is in force.  Returns 0, -EM_EUSAGE or -ENOMEM, reported.
 */
int em_policy_edit(const struct em_listener *listener, struct em_format *format,
		   const struct em_entity_edit *change, struct em_diag *diag);

#endif
