/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stats_print - the counters of a policy, as text and as JSON.
 */
#include "print/stats.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "config/entities.h"

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
			em_tag_format(listener, entity->tag, tag), entity->action.port,
			columns.packets, shown(count->packets), columns.bytes, shown(count->bytes));
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
			 em_tag_format(listener, entity->tag, tag), "port", entity->action.port,
			 "packets", shown(count->packets), "bytes", shown(count->bytes));
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
