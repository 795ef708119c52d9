/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "config/entities.h"
#include "print/print.h"

/*
 * A counter as it is printed.  No count reaches 2^63: a larger value is a negative sum, which would
 * mean nothing to a reader.
 */
static int64_t shown(uint64_t counter)
{
	return counter > INT64_MAX ? 0 : (int64_t)counter;
}

static void print_head(struct em_document *out, const struct em_record *record)
{
	enum em_backend backend =
		record->backend == EM_BACKEND_XDP_GENERIC ? EM_BACKEND_XDP : record->backend;

	em_document_string(out, "backend", "backend:     ", em_backend_name(backend), "\n");
	em_document_string(out, "config", "config:      ", record->config, "\n");
	em_document_string(out, "applied_at", "applied:     ", record->applied_at, "\n");
	em_document_text(out, "interfaces:");
	em_document_array(out, "interfaces");
	for (size_t i = 0; i < record->n_attachments; i++) {
		const struct em_attachment *attachment = &record->attachments[i];

		em_document_object(out, EM_DOCUMENT_ELEMENT);
		em_document_string(out, "name", i ? ", " : "  ", attachment->interface, "");
		em_document_string(out, "hook", " (", em_hook_name(attachment->hook), ")");
		em_document_close(out);
	}
	em_document_close(out);
	em_document_text(out, "\n");
}

static void print_counters(struct em_document *out, const struct em_listener_stats *stats)
{
	em_document_number(out, "packets", "\n  packets ", shown(stats->total.packets), "");
	em_document_number(out, "bytes", ", bytes ", shown(stats->total.bytes), "");
	em_document_number(out, "rewritten", ", rewritten ", shown(stats->rewritten), "");
	em_document_number(out, "passed", ", passed ", shown(stats->passed), "");
	em_document_number(out, "dropped", ", dropped ", shown(stats->dropped), "");
	em_document_number(out, "unknown", ", unknown ", shown(stats->unknown), "");
	em_document_text(out, ", invalid (");
	em_document_object(out, "invalid");
	for (int reason = 0; reason < EM_REASONS; reason++) {
		em_document_text(out, reason ? ", " : "");
		em_document_text(out, em_reason_name(reason));
		em_document_number(out, em_reason_name(reason), " ", shown(stats->invalid[reason]),
				   "");
	}
	em_document_close(out);
	em_document_text(out, ")\n");
}

/* The widths of the columns, including their headings. */
struct columns {
	unsigned int name;
	unsigned int tag;
	unsigned int packets;
	unsigned int bytes;
};

static void widen(unsigned int *width, size_t needed)
{
	if (*width < needed)
		*width = (unsigned int)needed;
}

static size_t digits(int64_t counter)
{
	return (size_t)snprintf(NULL, 0, "%" PRId64, counter);
}

static void measure_format(struct columns *columns, const struct em_format *format)
{
	char name[EM_COVER_TEXT_MAX], tag[EM_COVER_SHOWN_MAX];

	for (size_t i = 0; i < format->n_entities; i++) {
		const struct em_entity *entity = &format->entities[i];

		widen(&columns->name, em_utf8_columns(em_entity_name(format, entity, name)));
		widen(&columns->tag, strlen(em_entity_tag_show(format, entity, tag)));
	}
}

static struct columns measure(const struct em_listener *listener,
			      const struct em_listener_stats *stats)
{
	struct columns columns = {.name = strlen("NAME"),
				  .tag = strlen("TAG"),
				  .packets = strlen("PACKETS"),
				  .bytes = strlen("BYTES")};
	int64_t packets = 0, bytes = 0;

	for (size_t i = 0; i < listener->n_formats; i++)
		measure_format(&columns, &listener->formats[i]);
	for (size_t i = 0; i < stats->n_entities; i++) {
		const struct em_count *count = &stats->entities[i];

		packets = shown(count->packets) > packets ? shown(count->packets) : packets;
		bytes = shown(count->bytes) > bytes ? shown(count->bytes) : bytes;
	}
	widen(&columns.packets, digits(packets));
	widen(&columns.bytes, digits(bytes));
	return columns;
}

/* Headings of numbers are at most as wide as the column, and aligned right like the numbers. */
static void print_headings(struct em_document *out, const struct columns *columns)
{
	em_document_string_cell(out, NULL, "\n  ", "NAME", columns->name);
	em_document_string_cell(out, NULL, "  ", "TAG", columns->tag);
	em_document_text(out, "   PORT");
	em_document_string_cell(out, NULL, "  ", "", columns->packets - strlen("PACKETS"));
	em_document_text(out, "PACKETS");
	em_document_string_cell(out, NULL, "  ", "", columns->bytes - strlen("BYTES"));
	em_document_text(out, "BYTES\n");
}

/* Only a number is a port. */
static void print_action(struct em_document *out, const struct em_action *action)
{
	const char *name = em_verdict_name(action->verdict);

	em_document_string(out, "action", NULL, name, "");
	if (action->verdict == EM_PORT)
		em_document_number_cell(out, "port", "  ", action->port, strlen("65535"));
	else
		em_document_string(out, "port", "   ", out->json ? NULL : name, "");
}

/* For programs. */
static void print_cover(struct em_document *out, const struct em_format *format,
			const struct em_entity *entity)
{
	char text[EM_TAG_TEXT_MAX];

	em_tag_format(format, entity->tag, text);
	em_document_string(out, "tag", NULL, entity->last ? NULL : text, "");
	if (!entity->last)
		return;
	em_document_string(out, "first", NULL, text, "");
	em_document_string(out, "last", NULL, em_tag_format(format, entity->last, text), "");
}

static void print_entity(struct em_document *out, const struct columns *columns,
			 const struct em_format *format, const struct em_entity *entity,
			 const struct em_count *count)
{
	char name[EM_COVER_TEXT_MAX], tag[EM_COVER_SHOWN_MAX];

	em_document_object(out, EM_DOCUMENT_ELEMENT);
	em_document_string_cell(out, "name", "  ", em_entity_name(format, entity, name),
				columns->name);
	if (*format->name)
		em_document_string(out, "format", NULL, format->name, "");
	if (out->json)
		print_cover(out, format, entity);
	else
		em_document_string_cell(out, NULL, "  ", em_entity_tag_show(format, entity, tag),
					columns->tag);
	print_action(out, &entity->action);
	em_document_number_cell(out, "packets", "  ", shown(count->packets), columns->packets);
	em_document_number_cell(out, "bytes", "  ", shown(count->bytes), columns->bytes);
	em_document_close(out);
	em_document_text(out, "\n");
}

static void print_entities(struct em_document *out, const struct em_listener *listener,
			   const struct em_listener_stats *stats)
{
	const struct columns columns = out->json ? (struct columns){0} : measure(listener, stats);
	const struct em_count *count = stats->entities;

	em_document_array(out, "entities");
	if (!out->json && stats->n_entities)
		print_headings(out, &columns);
	for (size_t i = 0; i < listener->n_formats; i++) {
		const struct em_format *format = &listener->formats[i];

		if (!out->json && *format->name)
			em_document_string(out, NULL, "  format ", format->name, "\n");
		for (size_t j = 0; j < format->n_entities; j++)
			print_entity(out, &columns, format, &format->entities[j], count++);
	}
	em_document_close(out);
}

static void print_listener(struct em_document *out, const struct em_listener *listener,
			   const struct em_listener_stats *stats)
{
	em_document_object(out, EM_DOCUMENT_ELEMENT);
	em_document_string(out, "name", "\nlistener ", listener->name, "");
	em_document_number(out, "port", ", port ", listener->port, "");
	if (listener->vlan)
		em_document_number(out, "vlan", ", vlan ", listener->vlan, "");
	else
		em_document_string(out, "vlan", NULL, NULL, "");
	em_document_text(out, " on");
	em_document_array(out, "interfaces");
	for (size_t i = 0; i < listener->n_interfaces; i++)
		em_document_string(out, EM_DOCUMENT_ELEMENT, i ? ", " : " ",
				   listener->interfaces[i].name, "");
	em_document_close(out);
	print_counters(out, stats);
	print_entities(out, listener, stats);
	em_document_close(out);
}

void em_print_counters(struct em_document *out, const struct em_policy *policy,
		       const struct em_stats *stats)
{
	em_document_array(out, "listeners");
	for (size_t i = 0; i < stats->n_listeners; i++)
		print_listener(out, &policy->listeners[i], &stats->listeners[i]);
	em_document_close(out);
}

void em_print_stats(struct em_document *out, const struct em_record *record,
		    const struct em_policy *policy, const struct em_stats *stats)
{
	print_head(out, record);
	em_print_counters(out, policy, stats);
}
