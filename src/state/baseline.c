/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "state/baseline.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/entities.h"
#include "state/lines.h"

#define FORMAT 1

/* A counter in the file, and its offset in the struct that the line describes. */
struct counter {
	const char *name;
	size_t offset;
	bool optional; /* left out where it is 0 */
};

#define LISTENER(name, member)                                                                     \
	{                                                                                          \
		name, offsetof(struct em_listener_stats, member), false                            \
	}
#define ENTITY(name, member)                                                                       \
	{                                                                                          \
		name, offsetof(struct em_count, member), false                                     \
	}

static const struct counter of_listener[] = {
	LISTENER("packets", total.packets),
	LISTENER("bytes", total.bytes),
	LISTENER("rewritten", rewritten),
	LISTENER("passed", passed),
	LISTENER("dropped", dropped),
	LISTENER("unknown", unknown),
	LISTENER("source", invalid[EM_REASON_SOURCE]),
	LISTENER("length", invalid[EM_REASON_LENGTH]),
	LISTENER("check", invalid[EM_REASON_CHECK]),
	{"copied", offsetof(struct em_listener_stats, copied), true},
	{"copy_errors", offsetof(struct em_listener_stats, copy_errors), true},
	{0},
};

static const struct counter of_entity[] = {
	ENTITY("packets", packets),
	ENTITY("bytes", bytes),
	{"last", offsetof(struct em_count, last), true},
	{"copied", offsetof(struct em_count, copied), true},
	{0},
};

static void write_counters(FILE *out, const struct counter *counters, const void *stats)
{
	for (; counters->name; counters++) {
		uint64_t value = *(const uint64_t *)((const char *)stats + counters->offset);

		if (value || !counters->optional)
			fprintf(out, " %s=%" PRIu64, counters->name, value);
	}
	fputc('\n', out);
}

static void write_entities(FILE *out, const struct em_format *format, const struct em_count *counts)
{
	char tag[EM_COVER_TEXT_MAX];

	if (*format->name)
		fprintf(out, "format %s\n", format->name);
	for (size_t i = 0; i < format->n_entities; i++) {
		if (!counts[i].packets && !counts[i].bytes && !counts[i].last)
			continue;
		fprintf(out, "entity %s", em_entity_tag_format(format, &format->entities[i], tag));
		write_counters(out, of_entity, &counts[i]);
	}
}

int em_baseline_write(FILE *out, const struct em_policy *policy, const struct em_stats *stats)
{
	fprintf(out, "format %d\n", FORMAT);
	if (stats->since)
		fprintf(out, "since %" PRIu64 "\n", stats->since);
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];
		const struct em_listener_stats *from = &stats->listeners[i];
		const struct em_count *count = from->entities;

		fprintf(out, "listener %s", listener->name);
		write_counters(out, of_listener, from);
		for (size_t j = 0; j < listener->n_formats; j++) {
			write_entities(out, &listener->formats[j], count);
			count += listener->formats[j].n_entities;
		}
	}
	return em_lines_flush(out);
}

/* The state of the reader. */
struct reader {
	const struct em_policy *policy;
	struct em_stats *stats;
	size_t listener;		/* the last one; unused without a format */
	const struct em_format *format; /* of that one; NULL: not in the policy */
	struct em_count *into;		/* of its entities */
	size_t guess;			/* as of em_stats_add_entity() */
	bool lost;			/* the last listener line was malformed */
};

/* Adds the counters of a line: all of them or, if any word is malformed, none. */
static bool read_counters(char *words, const struct counter *counters, uint64_t *values)
{
	char *word;

	while ((word = strsep(&words, " "))) {
		const char *name = strsep(&word, "=");
		uint64_t value;

		if (!word || !em_lines_number(word, &value))
			return false;
		for (size_t i = 0; counters[i].name; i++)
			if (!strcmp(counters[i].name, name))
				values[i] = value;
	}
	return true;
}

static void add_counters(void *into, const struct counter *counters, const uint64_t *values)
{
	for (size_t i = 0; counters[i].name; i++)
		*(uint64_t *)((char *)into + counters[i].offset) += values[i];
}

static void find_format(struct reader *reader, const char *name)
{
	const struct em_listener *listener = &reader->policy->listeners[reader->listener];

	reader->guess = 0;
	reader->format = NULL;
	if (reader->listener < reader->policy->n_listeners)
		reader->format = em_listener_format(listener, name);
	if (reader->format)
		reader->into = reader->stats->listeners[reader->listener].entities +
			       em_listener_entities_before(listener, reader->format);
}

static bool read_listener(struct reader *reader, char *rest)
{
	uint64_t values[sizeof(of_listener) / sizeof(of_listener[0])] = {0};
	const char *name = strsep(&rest, " ");

	reader->listener = reader->policy->n_listeners;
	find_format(reader, "");
	reader->lost = !*name || !read_counters(rest, of_listener, values);
	if (reader->lost)
		return false;
	for (size_t i = 0; i < reader->policy->n_listeners; i++) {
		if (strcmp(reader->policy->listeners[i].name, name))
			continue;
		reader->listener = i;
		find_format(reader, "");
		add_counters(&reader->stats->listeners[i], of_listener, values);
	}
	return true;
}

static bool read_entity(struct reader *reader, char *rest)
{
	uint64_t values[sizeof(of_entity) / sizeof(of_entity[0])] = {0};
	const struct em_format none = {0}, *format = reader->format ? reader->format : &none;
	const char *tag = strsep(&rest, " "), *expected;
	struct em_count count = {0};
	struct em_cover cover;
	int length = em_tag_parse(format, tag, &cover, &expected);

	if (reader->lost || length < 0 || !read_counters(rest, of_entity, values))
		return false;
	add_counters(&count, of_entity, values);
	if (reader->format && length == format->tag.length)
		em_stats_add_entity(reader->into, format, &cover, &count, &reader->guess);
	return true;
}

static bool read_since(const struct reader *reader, const char *rest)
{
	uint64_t since;

	if (!em_lines_number(rest, &since))
		return false;
	if (since > reader->stats->since)
		reader->stats->since = since;
	return true;
}

static bool read_line(struct reader *reader, const struct em_lines *lines)
{
	if (!strcmp(lines->key, "since"))
		return read_since(reader, lines->rest);
	if (!strcmp(lines->key, "listener"))
		return read_listener(reader, lines->rest);
	if (!strcmp(lines->key, "format") && !reader->lost)
		find_format(reader, lines->rest);
	if (!strcmp(lines->key, "entity"))
		return read_entity(reader, lines->rest);
	return true;
}

int em_baseline_read(FILE *in, const struct em_policy *policy, struct em_stats *stats,
		     unsigned long *lost)
{
	struct em_lines lines __attribute__((cleanup(em_lines_end))) = {.in = in};
	struct reader reader = {.policy = policy, .stats = stats, .lost = true};
	int rc = em_lines_begin(&lines, FORMAT);

	if (rc)
		return rc;
	while ((rc = em_lines_next(&lines)) > 0)
		*lost += !read_line(&reader, &lines);
	if (rc != -EBADMSG)
		return rc;
	*lost += 1; /* cut off */
	return 0;
}
