/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "policy/edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/finish.h"

static bool same_name(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_action(const struct em_action *a, const struct em_action *b)
{
	return a->verdict == b->verdict && (a->verdict != EM_PORT || a->port == b->port);
}

static int add(struct em_format *format, const struct em_entity_edit *change)
{
	size_t n = format->n_entities;
	struct em_entity *grown = reallocarray(format->entities, n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	format->entities = grown;
	grown[n] = (struct em_entity){.action = change->action};
	if (em_entity_set(&grown[n], change->name, &change->cover))
		return -ENOMEM;
	format->n_entities++;
	return 0;
}

static int move(struct em_entity *entity, const struct em_entity_edit *change)
{
	char *name = change->name ? strdup(change->name) : NULL;

	if (change->name && !name)
		return -ENOMEM;
	entity->action = change->action;
	if (name) {
		free(entity->name);
		entity->name = name;
	}
	return 0;
}

static void delete (struct em_format *format, size_t i)
{
	em_entity_clear(&format->entities[i]);
	format->n_entities--;
	format->n_listed -= i < format->n_listed;
	memmove(&format->entities[i], &format->entities[i + 1],
		(format->n_entities - i) * sizeof(format->entities[0]));
}

/* Returns 0, 1 where nothing is to be done, or -errno. */
static int change_one(const struct em_listener *listener, struct em_format *format,
		      struct em_entity *entity, const struct em_entity_edit *change,
		      struct em_diag *diag)
{
	struct em_entity wanted = {.action = change->action};
	char tag[EM_COVER_TEXT_MAX];
	int rc;

	if (change->kind == EM_EDIT_ADD) {
		if (entity && same_action(&entity->action, &change->action) &&
		    same_name(entity->name, change->name))
			return 1;
		if (!entity && em_listener_entities(listener) >= EM_ENTITIES_MAX)
			return em_diag_error(diag, -EM_EUSAGE, NULL,
					     "listener \"%s\": one entity too many, expected at "
					     "most %d",
					     listener->name, EM_ENTITIES_MAX);
		return add(format, change);
	}
	if (entity && change->kind == EM_EDIT_MOVE)
		return move(entity, change);
	if (entity) {
		delete (format, (size_t)(entity - format->entities));
		return 0;
	}
	if (em_entity_set(&wanted, NULL, &change->cover))
		return -ENOMEM;
	em_entity_tag_format(format, &wanted, tag);
	rc = em_diag_error(diag, -EM_EUSAGE, NULL, "listener \"%s\"%s%s: no entity has the tag %s",
			   listener->name, *format->name ? ":" : "", format->name, tag);
	em_entity_clear(&wanted);
	return rc;
}

int em_policy_edit(const struct em_listener *listener, struct em_format *format,
		   const struct em_entity_edit *change, struct em_diag *diag)
{
	size_t guess = 0;
	const struct em_entity *found = em_format_find_cover(format, &change->cover, &guess);
	int rc = change_one(listener, format,
			    found ? &format->entities[found - format->entities] : NULL, change,
			    diag);

	if (rc == -ENOMEM)
		return em_diag_enomem(diag);
	if (rc)
		return rc > 0 ? 0 : rc;
	rc = em_finish_entities(listener, format, diag);
	return rc == -ENOMEM ? em_diag_enomem(diag) : rc;
}
