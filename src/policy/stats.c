/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stats - counters of a policy: sums of them, and their file.
 *
 * The file has a line for each listener, and after it one for each of its entities that counted
 * anything; all numbers are unsigned decimals modulo 2^64:
 *
 *	listener NAME PACKETS BYTES REWRITTEN UNKNOWN SOURCE LENGTH CHECK
 *	entity TAG PACKETS BYTES
 */
#include "policy/stats.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/entities.h"

int em_stats_new(struct em_stats **out, const struct em_policy *policy)
{
	struct em_stats *stats __attribute__((cleanup(em_stats_freep))) = calloc(1, sizeof(*stats));

	if (!stats)
		return -ENOMEM;
	stats->listeners = calloc(policy->n_listeners, sizeof(*stats->listeners));
	if (!stats->listeners && policy->n_listeners)
		return -ENOMEM;
	stats->n_listeners = policy->n_listeners;
	for (size_t i = 0; i < stats->n_listeners; i++) {
		size_t n = policy->listeners[i].n_entities;
		struct em_listener_stats *listener = &stats->listeners[i];

		listener->entities = calloc(n, sizeof(*listener->entities));
		if (!listener->entities && n)
			return -ENOMEM;
		listener->n_entities = n;
	}
	*out = stats;
	stats = NULL;
	return 0;
}

void em_stats_free(struct em_stats *stats)
{
	if (!stats)
		return;
	for (size_t i = 0; i < stats->n_listeners; i++)
		free(stats->listeners[i].entities);
	free(stats->listeners);
	free(stats);
}

void em_stats_freep(struct em_stats **stats)
{
	em_stats_free(*stats);
}

static void add_count(struct em_count *into, const struct em_count *from)
{
	into->packets += from->packets;
	into->bytes += from->bytes;
}

/* All but the entities. */
static void add_listener(struct em_listener_stats *into, const struct em_listener_stats *from)
{
	add_count(&into->total, &from->total);
	into->rewritten += from->rewritten;
	into->unknown += from->unknown;
	for (int reason = 0; reason < EM_REASONS; reason++)
		into->invalid[reason] += from->invalid[reason];
}

/*
 * Adds to the entity with this tag, where there is one.  *guess is the index at which it is looked
 * for first: two policies have most of their entities in the same order, and a search among a
 * million is a hundred times the addition.
 */
static void add_entity(struct em_listener_stats *into, const struct em_listener *listener,
		       const uint8_t *tag, const struct em_count *count, size_t *guess)
{
	const struct em_entity *entity = NULL;

	if (*guess < listener->n_entities)
		entity = &listener->entities[*guess];
	if (!entity || memcmp(entity->tag, tag, listener->tag.length))
		entity = em_listener_find(listener, tag);
	if (!entity)
		return;
	*guess = (size_t)(entity - listener->entities);
	add_count(&into->entities[(*guess)++], count);
}

static void add_entities(struct em_listener_stats *into, const struct em_listener *listener,
			 const struct em_listener_stats *from, const struct em_listener *old)
{
	size_t guess = 0;

	if (old->tag.length != listener->tag.length)
		return;
	for (size_t i = 0; i < old->n_entities; i++)
		if (from->entities[i].packets || from->entities[i].bytes)
			add_entity(into, listener, old->entities[i].tag, &from->entities[i],
				   &guess);
}

/* The index of the listener, or n_listeners where the policy has none of this name. */
static size_t find_listener(const struct em_policy *policy, const char *name)
{
	size_t i;

	for (i = 0; i < policy->n_listeners; i++)
		if (!strcmp(policy->listeners[i].name, name))
			break;
	return i;
}

void em_stats_add(struct em_stats *into, const struct em_policy *policy,
		  const struct em_stats *from, const struct em_policy *old)
{
	for (size_t i = 0; i < old->n_listeners; i++) {
		size_t found = find_listener(policy, old->listeners[i].name);

		if (found == policy->n_listeners)
			continue;
		add_listener(&into->listeners[found], &from->listeners[i]);
		add_entities(&into->listeners[found], &policy->listeners[found],
			     &from->listeners[i], &old->listeners[i]);
	}
}

static uint64_t negated(uint64_t value)
{
	return -value;
}

static uint64_t settled(uint64_t value)
{
	return value >> 63 ? 0 : value;
}

static void change_count(struct em_count *count, uint64_t (*change)(uint64_t value))
{
	count->packets = change(count->packets);
	count->bytes = change(count->bytes);
}

static void change_all(struct em_stats *stats, uint64_t (*change)(uint64_t value))
{
	for (size_t i = 0; i < stats->n_listeners; i++) {
		struct em_listener_stats *listener = &stats->listeners[i];

		change_count(&listener->total, change);
		listener->rewritten = change(listener->rewritten);
		listener->unknown = change(listener->unknown);
		for (int reason = 0; reason < EM_REASONS; reason++)
			listener->invalid[reason] = change(listener->invalid[reason]);
		for (size_t j = 0; j < listener->n_entities; j++)
			change_count(&listener->entities[j], change);
	}
}

void em_stats_negate(struct em_stats *stats)
{
	change_all(stats, negated);
}

void em_stats_settle(struct em_stats *stats)
{
	change_all(stats, settled);
}

/* What became of the stream: some of the writing goes unchecked on the way. */
static int stream_status(FILE *out)
{
	errno = 0;
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

int em_stats_save(FILE *out, const struct em_policy *policy, const struct em_stats *stats)
{
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];
		const struct em_listener_stats *from = &stats->listeners[i];
		char tag[EM_TAG_TEXT_MAX];

		fprintf(out, "listener %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
			listener->name, from->total.packets, from->total.bytes, from->rewritten,
			from->unknown);
		for (int reason = 0; reason < EM_REASONS; reason++)
			fprintf(out, " %" PRIu64, from->invalid[reason]);
		fputc('\n', out);
		for (size_t j = 0; j < listener->n_entities; j++)
			if (from->entities[j].packets || from->entities[j].bytes)
				fprintf(out, "entity %s %" PRIu64 " %" PRIu64 "\n",
					em_tag_format(listener, listener->entities[j].tag, tag),
					from->entities[j].packets, from->entities[j].bytes);
	}
	return stream_status(out);
}

/* Where a file that is being read has got to. */
struct reader {
	const struct em_policy *policy;
	struct em_stats *stats;
	bool begun;	 /* a listener's line has been read */
	size_t listener; /* the last one; n_listeners where the policy has it no more */
	size_t guess;	 /* as of add_entity() */
};

/* Takes a word from the front of the rest of a line. */
static bool take_number(char **rest, uint64_t *number)
{
	const char *word = strsep(rest, " ");
	char *end;

	if (!word || !isdigit((unsigned char)*word))
		return false;
	errno = 0;
	*number = strtoull(word, &end, 10);
	return errno == 0 && *end == '\0';
}

static bool take_count(char **rest, struct em_count *count)
{
	return take_number(rest, &count->packets) && take_number(rest, &count->bytes);
}

static int read_listener(struct reader *reader, char *rest)
{
	const char *name = strsep(&rest, " ");
	struct em_listener_stats from = {0};

	if (!name || !take_count(&rest, &from.total) || !take_number(&rest, &from.rewritten) ||
	    !take_number(&rest, &from.unknown))
		return -EBADMSG;
	for (int reason = 0; reason < EM_REASONS; reason++)
		if (!take_number(&rest, &from.invalid[reason]))
			return -EBADMSG;
	if (rest)
		return -EBADMSG;
	reader->begun = true;
	reader->guess = 0;
	reader->listener = find_listener(reader->policy, name);
	if (reader->listener < reader->policy->n_listeners)
		add_listener(&reader->stats->listeners[reader->listener], &from);
	return 0;
}

static int read_entity(struct reader *reader, char *rest)
{
	const char *tag = strsep(&rest, " "), *expected;
	const struct em_listener *listener;
	uint8_t bytes[EM_TAG_MAX];
	struct em_count count;
	int length;

	if (!reader->begun || !tag || !take_count(&rest, &count) || rest)
		return -EBADMSG;
	length = em_bytes_parse(tag, bytes, sizeof(bytes), &expected);
	if (length < 0)
		return -EBADMSG;
	if (reader->listener == reader->policy->n_listeners)
		return 0;
	listener = &reader->policy->listeners[reader->listener];
	if (length == listener->tag.length)
		add_entity(&reader->stats->listeners[reader->listener], listener, bytes, &count,
			   &reader->guess);
	return 0;
}

static int read_line(struct reader *reader, char *line)
{
	char *rest = line;
	const char *kind = strsep(&rest, " ");

	if (!strcmp(kind, "listener"))
		return read_listener(reader, rest);
	if (!strcmp(kind, "entity"))
		return read_entity(reader, rest);
	return -EBADMSG;
}

int em_stats_load(FILE *in, const struct em_policy *policy, struct em_stats *stats)
{
	struct reader reader = {.policy = policy, .stats = stats};
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int r = 0;

	errno = 0;
	while (r == 0 && (length = getline(&line, &size, in)) > 0) {
		if (line[length - 1] == '\n') {
			line[length - 1] = '\0';
			r = read_line(&reader, line);
		} else {
			r = -EBADMSG; /* cut off */
		}
		errno = 0;
	}
	if (r == 0 && !feof(in))
		r = errno ? -errno : -EIO;
	free(line);
	return r;
}
