/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "config/compare.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"
#include "policy/copies.h"

/* Of another order, as many names are shown. */
#define LISTED_MAX 8

/* The first and the last place of a list that has something else than before. */
struct moved {
	bool any;
	size_t first, last;
};

/* The two of which changes are found; one may be missing. */
struct pair {
	const struct em_listener *from, *to;
	const struct em_format *from_format, *to_format;
	struct em_changes *changes;
	int error;
};

static void add(struct pair *pair, struct em_change change)
{
	struct em_change *all =
		reallocarray(pair->changes->all, pair->changes->n + 1, sizeof(*all));

	if (!all) {
		pair->error = -ENOMEM;
		free(change.before);
		free(change.after);
		return;
	}
	pair->changes->all = all;
	change.listener = pair->to && change.kind != EM_REMOVED ? pair->to : pair->from;
	if (!change.listener)
		change.listener = pair->to;
	all[pair->changes->n++] = change;
}

/* Keys. */

/* "NAME = VALUE;" as it is written: the value, with one blank for each white space. */
static char *take_value(char *text)
{
	char *value = strchr(text, '='), *end = text;
	bool blank = false;

	if (!value) {
		free(text);
		return NULL;
	}
	for (value += 1 + strspn(value + 1, " "); *value; value++) {
		if (isspace((unsigned char)*value)) {
			blank = true;
			continue;
		}
		if (blank)
			*end++ = ' ';
		blank = false;
		*end++ = *value;
	}
	/* The semicolon of the key itself. */
	end[-1] = '\0';
	return text;
}

/* NULL: not set, or *error is -ENOMEM. */
static char *value_of(const struct em_config_key *key, const void *object, int *error)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = object ? open_memstream(&text, &size) : NULL;

	if (!stream) {
		*error = object ? -ENOMEM : *error;
		return NULL;
	}
	key->write(stream, "", key, object);
	if (fclose(stream) || !text) {
		*error = -ENOMEM;
		free(text);
		return NULL;
	}
	return take_value(text);
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void compare_keys(struct pair *pair, const struct em_config_key *keys, const void *from,
			 const void *to, const struct em_format *format)
{
	for (; keys->name && !pair->error; keys++) {
		struct em_change change = {.kind = EM_CHANGED, .format = format, .key = keys->name};

		if (!keys->write || keys->through || !strcmp(keys->name, "name"))
			continue;
		change.before = value_of(keys, from, &pair->error);
		change.after = value_of(keys, to, &pair->error);
		if (!same(change.before, change.after)) {
			add(pair, change);
			continue;
		}
		free(change.before);
		free(change.after);
	}
}

/* Entities. */

static char *copy(struct pair *pair, const char *text)
{
	char *made = text ? strdup(text) : NULL;

	if (text && !made)
		pair->error = -ENOMEM;
	return made;
}

static void add_entity(struct pair *pair, enum em_change_kind kind, const struct em_entity *entity)
{
	add(pair,
	    (struct em_change){.kind = kind,
			       .format = kind == EM_REMOVED ? pair->from_format : pair->to_format,
			       .entity = entity});
}

static void add_entity_key(struct pair *pair, const struct em_entity *entity, const char *key,
			   const char *before, const char *after)
{
	if (same(before, after))
		return;
	add(pair, (struct em_change){.kind = EM_CHANGED,
				     .format = pair->to_format,
				     .entity = entity,
				     .key = key,
				     .before = copy(pair, before),
				     .after = copy(pair, after)});
}

/* NULL: it has none. */
static char *copies_of(struct pair *pair, const struct em_listener *listener,
		       const struct em_entity *entity)
{
	static const struct em_config_key copies = {.name = "copies",
						    .write = em_config_write_copies};

	return value_of(&copies, em_copies_own(listener, entity), &pair->error);
}

static void compare_copies(struct pair *pair, const struct em_entity *from,
			   const struct em_entity *to)
{
	char *before, *after;

	if (!from->copies && !to->copies)
		return;
	before = copies_of(pair, pair->from, from);
	after = copies_of(pair, pair->to, to);
	add_entity_key(pair, to, "copies", before, after);
	free(before);
	free(after);
}

static void compare_entity(struct pair *pair, const struct em_entity *from,
			   const struct em_entity *to)
{
	char before[EM_ACTION_TEXT_MAX], after[EM_ACTION_TEXT_MAX];

	add_entity_key(pair, to, "port", em_action_format(&from->action, before),
		       em_action_format(&to->action, after));
	compare_copies(pair, from, to);
	add_entity_key(pair, to, "name", from->name, to->name);
}

/* The entity of the other format that covers the same; NULL: there is none. */
static const struct em_entity *find(const struct em_format *other, const struct em_entity *entity,
				    size_t *guess)
{
	struct em_cover cover;

	em_entity_cover(entity, &cover);
	return em_format_find_cover(other, &cover, guess);
}

/* Order. */

typedef const char *name_fn(const void *of, size_t i, char text[EM_COVER_TEXT_MAX]);

static const char *name_of_entity(const void *of, size_t i, char text[EM_COVER_TEXT_MAX])
{
	const struct em_format *format = of;

	return em_entity_name(format, &format->entities[i], text);
}

static const char *name_of_format(const void *of, size_t i, char text[EM_COVER_TEXT_MAX])
{
	(void)text;
	return ((const struct em_listener *)of)->formats[i].name;
}

static const char *name_of_listener(const void *of, size_t i, char text[EM_COVER_TEXT_MAX])
{
	(void)text;
	return ((const struct em_policy *)of)->listeners[i].name;
}

/* The names from one place to another one. */
static char *list(struct pair *pair, name_fn *name, const void *of, const struct moved *moved)
{
	char text[LISTED_MAX * (EM_COVER_TEXT_MAX + 2) + sizeof("...")] = "";
	char one[EM_COVER_TEXT_MAX];
	size_t used = 0, i = moved->first;

	for (; i <= moved->last && i < moved->first + LISTED_MAX; i++)
		used += snprintf(text + used, sizeof(text) - used, "%s%s",
				 i > moved->first ? ", " : "", name(of, i, one));
	if (i <= moved->last)
		snprintf(text + used, sizeof(text) - used, ", ...");
	return copy(pair, text);
}

static void note_moved(struct moved *moved, size_t i)
{
	if (!moved->any)
		moved->first = i;
	moved->any = true;
	moved->last = i;
}

static void add_order(struct pair *pair, struct em_change change, name_fn *name, const void *from,
		      const void *to, const struct moved *moved)
{
	change.kind = EM_CHANGED;
	change.before = list(pair, name, from, moved);
	change.after = list(pair, name, to, moved);
	add(pair, change);
}

/* In the order of the configuration. */
static void compare_entities(struct pair *pair)
{
	const struct em_format *from = pair->from_format, *to = pair->to_format;
	bool comparable = from->tag.length == to->tag.length;
	size_t guess = 0, n_both = 0;
	struct moved moved = {0};

	for (size_t i = 0; !pair->error && i < to->n_entities; i++) {
		const struct em_entity *entity = &to->entities[i];
		const struct em_entity *before = comparable ? find(from, entity, &guess) : NULL;

		if (!before) {
			add_entity(pair, EM_ADDED, entity);
			continue;
		}
		compare_entity(pair, before, entity);
		n_both++;
		if (before != &from->entities[i])
			note_moved(&moved, i);
	}
	if (moved.any && n_both == from->n_entities && n_both == to->n_entities)
		add_order(pair, (struct em_change){.format = to, .key = "entities"}, name_of_entity,
			  from, to, &moved);
	guess = 0;
	for (size_t i = 0; !pair->error && i < from->n_entities; i++)
		if (!comparable || !find(to, &from->entities[i], &guess))
			add_entity(pair, EM_REMOVED, &from->entities[i]);
}

/* Formats and listeners. */

static const struct em_format *find_format(const struct em_listener *listener, const char *name)
{
	for (size_t i = 0; i < listener->n_formats; i++)
		if (!strcmp(listener->formats[i].name, name))
			return &listener->formats[i];
	return NULL;
}

static void compare_formats(struct pair *pair)
{
	for (size_t i = 0; !pair->error && i < pair->to->n_formats; i++) {
		pair->to_format = &pair->to->formats[i];
		pair->from_format = find_format(pair->from, pair->to_format->name);
		if (!pair->from_format) {
			add(pair, (struct em_change){EM_ADDED, .format = pair->to_format});
			continue;
		}
		compare_keys(pair, em_config_format_keys, pair->from_format, pair->to_format,
			     pair->to_format);
		compare_entities(pair);
	}
	for (size_t i = 0; !pair->error && i < pair->from->n_formats; i++)
		if (!find_format(pair->to, pair->from->formats[i].name))
			add(pair,
			    (struct em_change){EM_REMOVED, .format = &pair->from->formats[i]});
}

/* Formats of the same names in another order: the first that fits decides. */
static bool is_reordered(const struct em_listener *from, const struct em_listener *to)
{
	if (from->n_formats != to->n_formats)
		return false;
	for (size_t i = 0; i < to->n_formats; i++)
		if (!find_format(from, to->formats[i].name))
			return false;
	for (size_t i = 0; i < to->n_formats; i++)
		if (strcmp(from->formats[i].name, to->formats[i].name))
			return true;
	return false;
}

static void compare_listeners(struct pair *pair)
{
	compare_keys(pair, em_config_listener_keys, pair->from, pair->to, NULL);
	compare_keys(pair, em_config_shared_keys, pair->from, pair->to, NULL);
	if (is_reordered(pair->from, pair->to))
		add_order(pair, (struct em_change){.key = "formats"}, name_of_format, pair->from,
			  pair->to, &(struct moved){.last = pair->to->n_formats - 1});
	compare_formats(pair);
}

static const struct em_listener *find_listener(const struct em_policy *policy, const char *name)
{
	for (size_t i = 0; policy && i < policy->n_listeners; i++)
		if (!strcmp(policy->listeners[i].name, name))
			return &policy->listeners[i];
	return NULL;
}

/* Listeners of the same names in another order: that of what is counted. */
static void compare_order(struct pair *pair, const struct em_policy *from,
			  const struct em_policy *to)
{
	struct moved moved = {0};

	for (size_t i = 0; i < to->n_listeners; i++) {
		if (from->n_listeners != to->n_listeners ||
		    !find_listener(from, to->listeners[i].name))
			return;
		if (strcmp(from->listeners[i].name, to->listeners[i].name) != 0)
			note_moved(&moved, i);
	}
	if (moved.any)
		add_order(pair, (struct em_change){.key = "listeners"}, name_of_listener, from, to,
			  &moved);
}

int em_compare(struct em_changes *out, const struct em_policy *from, const struct em_policy *to)
{
	struct pair pair = {.changes = out};

	*out = (struct em_changes){0};
	if (from)
		compare_order(&pair, from, to);
	for (size_t i = 0; !pair.error && i < to->n_listeners; i++) {
		pair.to = &to->listeners[i];
		pair.from = find_listener(from, pair.to->name);
		if (pair.from)
			compare_listeners(&pair);
		else
			add(&pair, (struct em_change){EM_ADDED});
	}
	pair.to = NULL;
	for (size_t i = 0; from && !pair.error && i < from->n_listeners; i++) {
		pair.from = &from->listeners[i];
		if (!find_listener(to, pair.from->name))
			add(&pair, (struct em_change){EM_REMOVED});
	}
	return pair.error;
}

void em_changes_clear(struct em_changes *changes)
{
	for (size_t i = 0; i < changes->n; i++) {
		free(changes->all[i].before);
		free(changes->all[i].after);
	}
	free(changes->all);
	*changes = (struct em_changes){0};
}
