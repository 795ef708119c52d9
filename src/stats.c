/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stats - counters of a policy: sums of them, their printers, and their file.
 *
 * The file has a line for each listener, and after it one for each of its entities that counted
 * anything; all numbers are unsigned decimals modulo 2^64:
 *
 *	listener NAME PACKETS BYTES REWRITTEN UNKNOWN SOURCE LENGTH CHECK
 *	entity TAG PACKETS BYTES
 */
#include "stats.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "datapath.h"
#include "entities.h"

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

static void negate_count(struct em_count *count)
{
	count->packets = -count->packets;
	count->bytes = -count->bytes;
}

void em_stats_negate(struct em_stats *stats)
{
	for (size_t i = 0; i < stats->n_listeners; i++) {
		struct em_listener_stats *listener = &stats->listeners[i];

		negate_count(&listener->total);
		listener->rewritten = -listener->rewritten;
		listener->unknown = -listener->unknown;
		for (int reason = 0; reason < EM_REASONS; reason++)
			listener->invalid[reason] = -listener->invalid[reason];
		for (size_t j = 0; j < listener->n_entities; j++)
			negate_count(&listener->entities[j]);
	}
}

/*
 * A counter as it is printed.  No count gets to 2^63: what is above is a negative sum, of which
 * neither a person nor a reader of the document could make anything.
 */
static json_int_t shown(uint64_t counter)
{
	return counter > INT64_MAX ? 0 : (json_int_t)counter;
}

/* What became of the stream: some of the writing goes unchecked on the way. */
static int stream_status(FILE *out)
{
	errno = 0;
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

static void print_head(FILE *out, const struct em_stats_context *context)
{
	fprintf(out,
		"backend:     %s\nconfig:      %s\napplied:     %s\ninterfaces:", context->backend,
		context->config, context->applied_at);
	for (size_t i = 0; i < context->n_attachments; i++)
		fprintf(out, "%s %s (%s)", i ? "," : " ", context->attachments[i].interface,
			em_hook_name(context->attachments[i].hook));
	fputc('\n', out);
}

static void print_listener(FILE *out, const struct em_listener *listener,
			   const struct em_listener_stats *stats)
{
	fprintf(out, "\nlistener %s, port %u on", listener->name, listener->port);
	for (size_t i = 0; i < listener->n_interfaces; i++)
		fprintf(out, "%s %s", i ? "," : "", listener->interfaces[i]);
	fprintf(out, "\n  packets %lld, bytes %lld, rewritten %lld, unknown %lld, invalid (",
		shown(stats->total.packets), shown(stats->total.bytes), shown(stats->rewritten),
		shown(stats->unknown));
	for (int reason = 0; reason < EM_REASONS; reason++)
		fprintf(out, "%s%s %lld", reason ? ", " : "", em_reason_name(reason),
			shown(stats->invalid[reason]));
	fputs(")\n", out);
}

/* The widths of the columns that depend on what is in them, their headings included. */
struct columns {
	int name;
	int packets;
	int bytes;
};

static void widen(int *width, int needed)
{
	if (*width < needed)
		*width = needed;
}

static struct columns measure(const struct em_listener *listener,
			      const struct em_listener_stats *stats)
{
	struct columns columns = {.name = strlen("NAME")};
	json_int_t packets = 0, bytes = 0;
	char text[EM_TAG_TEXT_MAX];

	for (size_t i = 0; i < listener->n_entities; i++) {
		const struct em_count *count = &stats->entities[i];

		widen(&columns.name,
		      (int)strlen(em_entity_name(listener, &listener->entities[i], text)));
		packets = packets > shown(count->packets) ? packets : shown(count->packets);
		bytes = bytes > shown(count->bytes) ? bytes : shown(count->bytes);
	}
	columns.packets = snprintf(NULL, 0, "%lld", packets);
	columns.bytes = snprintf(NULL, 0, "%lld", bytes);
	widen(&columns.packets, strlen("PACKETS"));
	widen(&columns.bytes, strlen("BYTES"));
	return columns;
}

static void print_entities(FILE *out, const struct em_listener *listener,
			   const struct em_listener_stats *stats)
{
	const struct columns columns = measure(listener, stats);
	const int tag_width = 2 + 2 * listener->tag.length;
	char name[EM_TAG_TEXT_MAX], tag[EM_TAG_TEXT_MAX];

	if (!listener->n_entities)
		return;
	fprintf(out, "\n  %-*s  %-*s  %5s  %*s  %*s\n", columns.name, "NAME", tag_width, "TAG",
		"PORT", columns.packets, "PACKETS", columns.bytes, "BYTES");
	for (size_t i = 0; i < listener->n_entities; i++) {
		const struct em_entity *entity = &listener->entities[i];
		const struct em_count *count = &stats->entities[i];

		fprintf(out, "  %-*s  %-*s  %5u  %*lld  %*lld\n", columns.name,
			em_entity_name(listener, entity, name), tag_width,
			em_tag_format(listener, entity->tag, tag), entity->port, columns.packets,
			shown(count->packets), columns.bytes, shown(count->bytes));
	}
}

int em_stats_print_text(FILE *out, const struct em_policy *policy, const struct em_stats *stats,
			const struct em_stats_context *context)
{
	print_head(out, context);
	for (size_t i = 0; i < policy->n_listeners; i++) {
		print_listener(out, &policy->listeners[i], &stats->listeners[i]);
		print_entities(out, &policy->listeners[i], &stats->listeners[i]);
	}
	return stream_status(out);
}

/*
 * A string of the document.  JSON is UTF-8, paths and names of interfaces are any bytes: of a text
 * that is not UTF-8 only the ASCII is kept.
 */
static json_t *string(const char *text)
{
	json_t *string = json_string(text);
	char *ascii;

	if (string)
		return string;
	ascii = strdup(text);
	if (!ascii)
		return NULL;
	for (char *at = ascii; *at; at++)
		if (!isascii((unsigned char)*at))
			*at = '?';
	string = json_string(ascii);
	free(ascii);
	return string;
}

/* Prints and frees an object; NULL is one that could not be made. */
static int print_object(FILE *out, json_t *object, size_t flags)
{
	int r;

	if (!object)
		return -ENOMEM;
	errno = 0;
	r = json_dumpf(object, out, flags) ? (errno ? -errno : -EIO) : 0;
	json_decref(object);
	return r;
}

static json_t *attachments_json(const struct em_stats_context *context)
{
	json_auto_t *array = json_array();

	for (size_t i = 0; i < context->n_attachments; i++) {
		const struct em_attachment *attachment = &context->attachments[i];

		if (json_array_append_new(array, json_pack("{s:o, s:s}", "name",
							   string(attachment->interface), "hook",
							   em_hook_name(attachment->hook))))
			return NULL;
	}
	return json_incref(array);
}

static json_t *interfaces_json(const struct em_listener *listener)
{
	json_auto_t *array = json_array();

	for (size_t i = 0; i < listener->n_interfaces; i++)
		if (json_array_append_new(array, string(listener->interfaces[i])))
			return NULL;
	return json_incref(array);
}

static json_t *listener_json(const struct em_listener *listener,
			     const struct em_listener_stats *stats)
{
	return json_pack("{s:s, s:i, s:o, s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I}}", "name",
			 listener->name, "port", listener->port, "interfaces",
			 interfaces_json(listener), "packets", shown(stats->total.packets), "bytes",
			 shown(stats->total.bytes), "rewritten", shown(stats->rewritten), "unknown",
			 shown(stats->unknown), "invalid", "source",
			 shown(stats->invalid[EM_REASON_SOURCE]), "length",
			 shown(stats->invalid[EM_REASON_LENGTH]), "check",
			 shown(stats->invalid[EM_REASON_CHECK]));
}

static json_t *entity_json(const struct em_listener *listener, const struct em_entity *entity,
			   const struct em_count *count)
{
	char name[EM_TAG_TEXT_MAX], tag[EM_TAG_TEXT_MAX];

	return json_pack("{s:o, s:s, s:i, s:I, s:I}", "name",
			 string(em_entity_name(listener, entity, name)), "tag",
			 em_tag_format(listener, entity->tag, tag), "port", entity->port, "packets",
			 shown(count->packets), "bytes", shown(count->bytes));
}

/* One object in memory at a time: a listener may have a million entities. */
static int print_listener_json(FILE *out, const struct em_listener *listener,
			       const struct em_listener_stats *stats)
{
	int r;

	fputs("    { ", out);
	r = print_object(out, listener_json(listener, stats), JSON_EMBED);
	fputs(",\n      \"entities\": [", out);
	for (size_t i = 0; r == 0 && i < listener->n_entities; i++) {
		fputs(i ? ",\n        " : "\n        ", out);
		r = print_object(
			out, entity_json(listener, &listener->entities[i], &stats->entities[i]), 0);
	}
	fputs(" ] }", out);
	return r;
}

int em_stats_print_json(FILE *out, const struct em_policy *policy, const struct em_stats *stats,
			const struct em_stats_context *context)
{
	int r;

	fputs("{ ", out);
	r = print_object(out,
			 json_pack("{s:i, s:s, s:o, s:s, s:o}", "schema", 1, "backend",
				   context->backend, "config", string(context->config),
				   "applied_at", context->applied_at, "interfaces",
				   attachments_json(context)),
			 JSON_EMBED);
	fputs(",\n  \"listeners\": [\n", out);
	for (size_t i = 0; r == 0 && i < policy->n_listeners; i++) {
		if (i)
			fputs(",\n", out);
		r = print_listener_json(out, &policy->listeners[i], &stats->listeners[i]);
	}
	fputs(" ] }\n", out);
	return r ? r : stream_status(out);
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
