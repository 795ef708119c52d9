/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "policy/names.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

/* The part of a word, of this length, as a pattern for the name. */
static bool matches(const char *part, size_t length, const char *name)
{
	char *pattern = strndup(part, length);
	/* A name may have what is special in a pattern. */
	bool literal = !strncmp(part, name, length) && !name[length];
	bool found = pattern && fnmatch(pattern, name, 0) == 0;

	free(pattern);
	return found || literal;
}

static size_t before_entity(const char *word)
{
	return strcspn(word, "/");
}

static size_t before_format(const char *word)
{
	return strcspn(word, ":/");
}

static bool means_listener(const char *word, const struct em_listener *listener)
{
	return matches(word, before_format(word), listener->name);
}

static bool means_format(const char *word, const struct em_format *format)
{
	size_t start = before_format(word), end = before_entity(word);

	return start == end || matches(word + start + 1, end - start - 1, format->name);
}

static bool means_entity(const char *word, const struct em_format *format,
			 const struct em_entity *entity)
{
	char text[EM_COVER_TEXT_MAX];

	word += before_entity(word);
	return !*word || matches(word + 1, strlen(word + 1), em_entity_name(format, entity, text));
}

static bool has_entity(const char *word, const struct em_listener *listener)
{
	for (size_t i = 0; i < listener->n_formats; i++) {
		const struct em_format *format = &listener->formats[i];

		if (!means_format(word, format))
			continue;
		if (!word[before_entity(word)])
			return true;
		for (size_t j = 0; j < format->n_entities; j++)
			if (means_entity(word, format, &format->entities[j]))
				return true;
	}
	return false;
}

bool em_names_listener(char *const *words, const struct em_listener *listener)
{
	bool found = !words || !*words;

	for (; !found && *words; words++)
		found = means_listener(*words, listener) && has_entity(*words, listener);
	return found;
}

bool em_names_format(char *const *words, const struct em_listener *listener,
		     const struct em_format *format)
{
	bool found = !words || !*words;

	for (; !found && *words; words++)
		found = means_listener(*words, listener) && means_format(*words, format);
	return found;
}

bool em_names_entity(char *const *words, const struct em_listener *listener,
		     const struct em_format *format, const struct em_entity *entity)
{
	bool found = !words || !*words;

	for (; !found && *words; words++)
		found = means_listener(*words, listener) && means_format(*words, format) &&
			means_entity(*words, format, entity);
	return found;
}

/* The first listener that the word means, or NULL with the name of the nearest one. */
static const struct em_listener *find_listener(const char *word, const struct em_policy *policy,
					       const char **near)
{
	char *name = strndup(word, before_format(word));
	struct em_nearest nearest = em_nearest_of(name ? name : word);
	const struct em_listener *found = NULL;

	for (size_t i = 0; !found && i < policy->n_listeners; i++) {
		if (means_listener(word, &policy->listeners[i]))
			found = &policy->listeners[i];
		em_nearest_offer(&nearest, policy->listeners[i].name);
	}
	*near = nearest.found;
	free(name);
	return found;
}

/* The entity of the listener that is most similar; NULL: none is, or only one without a name. */
static const char *near_entity(const char *word, const struct em_listener *listener)
{
	struct em_nearest nearest = em_nearest_of(word + before_entity(word) + 1);

	for (size_t i = 0; i < listener->n_formats; i++) {
		const struct em_format *format = &listener->formats[i];

		for (size_t j = 0; means_format(word, format) && j < format->n_entities; j++)
			if (format->entities[j].name)
				em_nearest_offer(&nearest, format->entities[j].name);
	}
	return nearest.found;
}

static int report(const char *word, const struct em_policy *policy, const char *command,
		  struct em_diag *diag)
{
	const char *near;
	const struct em_listener *listener = find_listener(word, policy, &near);

	if (!listener)
		return em_diag_error(diag, -ENOENT, NULL, "%s: no listener is named %.*s%s%s%s",
				     command, (int)before_format(word), word,
				     near ? "; did you mean " : "", near ? near : "",
				     near ? "?" : "");
	if (!word[before_entity(word)])
		return em_diag_error(diag, -ENOENT, NULL, "%s: no format is named %s", command,
				     word);
	near = near_entity(word, listener);
	return em_diag_error(diag, -ENOENT, NULL, "%s: no entity is named %s%s%.*s%s%s", command,
			     word, near ? "; did you mean " : "",
			     near ? (int)before_entity(word) + 1 : 0, word, near ? near : "",
			     near ? "?" : "");
}

static bool is_known(const char *word, const struct em_policy *policy)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		if (means_listener(word, &policy->listeners[i]) &&
		    has_entity(word, &policy->listeners[i]))
			return true;
	return false;
}

int em_names_check(char *const *words, const struct em_policy *policy, const char *command,
		   struct em_diag *diag)
{
	for (; words && *words; words++)
		if (!is_known(*words, policy))
			return report(*words, policy, command, diag);
	return 0;
}

bool em_names_is_entity(const char *word)
{
	return strchr(word, '/');
}
