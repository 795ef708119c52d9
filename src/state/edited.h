/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * edited - the entities of the policy in force that were edited live, and that an apply of the
 * configuration takes back.  One that was added and deleted again is none of them.
 */
#ifndef EM_EDITED_H
#define EM_EDITED_H

#include <stdbool.h>
#include <stddef.h>

#include "config/compare.h"

struct em_edited {
	char where[2 * EM_NAME_MAX + 2]; /* LISTENER, or LISTENER:FORMAT */
	char tag[EM_COVER_TEXT_MAX];	 /* what it covers, see em_entity_tag_format() */
	bool added;			 /* the configuration had none */
};

struct em_edited_list {
	struct em_edited *all; /* owned */
	size_t n;
};

/* Adds one.  Returns 0 or -ENOMEM. */
int em_edited_add(struct em_edited_list *list, const struct em_edited *edited);
void em_edited_clear(struct em_edited_list *list);

/* Whether the change is of one of the entities. */
bool em_edited_has(const struct em_edited_list *list, const struct em_change *change);

/*
 * Makes *out, which is cleared after a failure as well, of those before an edit and of what it has
 * changed.  What was saved to the configuration is not to be taken back.  Returns 0 or -ENOMEM.
 */
int em_edited_note(struct em_edited_list *out, const struct em_edited_list *before,
		   const struct em_changes *changes, bool saved);

#endif
