/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "policy/names.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* The part of a word, of this length, as a pattern for the name. */
static bool matches(const char *part, size_t length, const char *name)
{
	char *pattern = strndup(part, length);
	bool found = pattern && fnmatch(pattern, name, 0) == 0;

	free(pattern);
	return found;
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

const char *em_names_unknown(char *const *words, const struct em_policy *policy)
{
	for (; words && *words; words++) {
		bool found = false;

		for (size_t i = 0; !found && i < policy->n_listeners; i++)
			found = means_listener(*words, &policy->listeners[i]) &&
				has_entity(*words, &policy->listeners[i]);
		if (!found)
			return *words;
	}
	return NULL;
}
