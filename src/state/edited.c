/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "state/edited.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int em_edited_add(struct em_edited_list *list, const struct em_edited *edited)
{
	struct em_edited *grown = reallocarray(list->all, list->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	grown[list->n++] = *edited;
	list->all = grown;
	return 0;
}

void em_edited_clear(struct em_edited_list *list)
{
	free(list->all);
	*list = (struct em_edited_list){0};
}

static struct em_edited edited_of(const struct em_change *change)
{
	struct em_edited edited = {.added = change->kind == EM_ADDED};
	const char *format = change->format->name;

	snprintf(edited.where, sizeof(edited.where), "%s%s%s", change->listener->name,
		 *format ? ":" : "", format);
	em_entity_tag_format(change->format, change->entity, edited.tag);
	return edited;
}

/* Its index, or that behind the last one. */
static size_t find(const struct em_edited_list *list, const struct em_edited *edited)
{
	size_t i = 0;

	while (i < list->n && (strcmp(list->all[i].tag, edited->tag) != 0 ||
			       strcmp(list->all[i].where, edited->where) != 0))
		i++;
	return i;
}

bool em_edited_has(const struct em_edited_list *list, const struct em_change *change)
{
	struct em_edited edited;

	if (!list->n || !change->entity)
		return false;
	edited = edited_of(change);
	return find(list, &edited) < list->n;
}

static void forget(struct em_edited_list *list, size_t i)
{
	list->n--;
	memmove(&list->all[i], &list->all[i + 1], (list->n - i) * sizeof(list->all[0]));
}

static int note(struct em_edited_list *list, const struct em_change *change, bool saved)
{
	struct em_edited edited = edited_of(change);
	size_t i = find(list, &edited);

	if (i == list->n)
		return saved ? 0 : em_edited_add(list, &edited);
	if (saved || (change->kind == EM_REMOVED && list->all[i].added))
		forget(list, i);
	return 0;
}

int em_edited_note(struct em_edited_list *out, const struct em_edited_list *before,
		   const struct em_changes *changes, bool saved)
{
	int rc = 0;

	*out = (struct em_edited_list){0};
	for (size_t i = 0; !rc && i < before->n; i++)
		rc = em_edited_add(out, &before->all[i]);
	for (size_t i = 0; !rc && i < changes->n; i++)
		if (changes->all[i].entity)
			rc = note(out, &changes->all[i], saved);
	if (rc)
		em_edited_clear(out);
	return rc;
}
