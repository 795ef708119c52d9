/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * compare - what changes from one policy to another, in the words of the configuration.
 *
 * Listeners are matched by name, formats by name, entities by what they cover.  Where they are the
 * same, another order is a difference: a change of the key "listeners", "formats" or "entities".
 */
#ifndef EM_COMPARE_H
#define EM_COMPARE_H

#include <stddef.h>

#include "policy/policy.h"

enum em_change_kind { EM_ADDED, EM_REMOVED, EM_CHANGED };

/* Of a listener, a format, or an entity, or of a key of one. */
struct em_change {
	enum em_change_kind kind;
	/* Of the policy that has it, of the new one if both; NULL: of the order of listeners. */
	const struct em_listener *listener;
	const struct em_format *format; /* NULL: of the listener */
	const struct em_entity *entity; /* NULL: of the listener or the format */
	const char *key;		/* NULL: all of it; not owned */
	char *before, *after;		/* its values, owned; NULL: it is not set */
};

struct em_changes {
	struct em_change *all; /* owned; in the order of the configuration, what is removed last */
	size_t n;
};

/*
 * The policies, of which `from` may be NULL, outlive the result; freed by em_changes_clear(), also
 * after a failure.  Returns 0 or -ENOMEM.
 */
int em_compare(struct em_changes *out, const struct em_policy *from, const struct em_policy *to);
void em_changes_clear(struct em_changes *changes);

#endif
