/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "config/entities.h"
#include "policy/names.h"
#include "print/print.h"

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
	em_document_number(out, "packets", "\n  packets ", em_rows_shown(stats->total.packets), "");
	em_document_number(out, "bytes", ", bytes ", em_rows_shown(stats->total.bytes), "");
	em_document_number(out, "rewritten", ", rewritten ", em_rows_shown(stats->rewritten), "");
	em_document_number(out, "passed", ", passed ", em_rows_shown(stats->passed), "");
	em_document_number(out, "dropped", ", dropped ", em_rows_shown(stats->dropped), "");
	em_document_number(out, "unknown", ", unknown ", em_rows_shown(stats->unknown), "");
	em_document_text(out, ", invalid (");
	em_document_object(out, "invalid");
	for (int reason = 0; reason < EM_REASONS; reason++) {
		em_document_text(out, reason ? ", " : "");
		em_document_text(out, em_reason_name(reason));
		em_document_number(out, em_reason_name(reason), " ",
				   em_rows_shown(stats->invalid[reason]), "");
	}
	em_document_close(out);
	em_document_text(out, ")\n");
}

#define FULL_NAME_MAX (EM_COVER_TEXT_MAX + EM_COVER_TEXT_MAX)

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

/* Where formats are mixed, an entity has the name of its own before it. */
static const char *full_name(const struct em_row *row, bool mixed, char text[FULL_NAME_MAX])
{
	char name[EM_COVER_TEXT_MAX];
	const char *own = em_entity_name(row->format, row->entity, name);

	if (!mixed || !*row->format->name)
		snprintf(text, FULL_NAME_MAX, "%s", own);
	else
		snprintf(text, FULL_NAME_MAX, "%s:%s", row->format->name, own);
	return text;
}

static struct columns measure(const struct em_rows *rows, bool mixed)
{
	struct columns columns = {.name = strlen("NAME"),
				  .tag = strlen("TAG"),
				  .packets = strlen("PACKETS"),
				  .bytes = strlen("BYTES")};
	uint64_t packets = 0, bytes = 0;

	for (size_t i = 0; i < rows->n; i++) {
		const struct em_row *row = &rows->all[i];
		char name[FULL_NAME_MAX], tag[EM_COVER_SHOWN_MAX];

		widen(&columns.name, em_utf8_columns(full_name(row, mixed, name)));
		widen(&columns.tag, strlen(em_entity_tag_show(row->format, row->entity, tag)));
		packets = row->count.packets > packets ? row->count.packets : packets;
		bytes = row->count.bytes > bytes ? row->count.bytes : bytes;
	}
	widen(&columns.packets, digits((int64_t)packets));
	widen(&columns.bytes, digits((int64_t)bytes));
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
			 const struct em_row *row, bool mixed)
{
	char name[FULL_NAME_MAX], tag[EM_COVER_SHOWN_MAX];

	em_document_object(out, EM_DOCUMENT_ELEMENT);
	em_document_string_cell(out, "name", "  ", full_name(row, mixed && !out->json, name),
				columns->name);
	if (*row->format->name)
		em_document_string(out, "format", NULL, row->format->name, "");
	if (out->json)
		print_cover(out, row->format, row->entity);
	else
		em_document_string_cell(out, NULL, "  ",
					em_entity_tag_show(row->format, row->entity, tag),
					columns->tag);
	print_action(out, &row->entity->action);
	em_document_number_cell(out, "packets", "  ", (int64_t)row->count.packets,
				columns->packets);
	em_document_number_cell(out, "bytes", "  ", (int64_t)row->count.bytes, columns->bytes);
	em_document_close(out);
	em_document_text(out, "\n");
}

/* In the order of the configuration; formats that were not asked for have no heading. */
static void print_by_format(struct em_document *out, const struct em_listener *listener,
			    const struct columns *columns, const struct em_rows *rows, bool all)
{
	size_t next = 0;

	for (size_t i = 0; i < listener->n_formats; i++) {
		const struct em_format *format = &listener->formats[i];

		if (!out->json && *format->name &&
		    (all || (next < rows->n && rows->all[next].format == format)))
			em_document_string(out, NULL, "  format ", format->name, "\n");
		for (; next < rows->n && rows->all[next].format == format; next++)
			print_entity(out, columns, &rows->all[next], false);
	}
}

static int print_entities(struct em_document *out, const struct em_listener *listener,
			  const struct em_listener_stats *stats,
			  const struct em_rows_wanted *wanted)
{
	bool mixed = wanted->order != EM_ROWS_AS_CONFIGURED;
	struct columns columns = {0};
	struct em_rows rows;
	int rc = em_rows_init(&rows, listener, stats, wanted);

	if (rc)
		return rc;
	if (!out->json)
		columns = measure(&rows, mixed);
	em_document_array(out, "entities");
	if (!out->json && rows.n)
		print_headings(out, &columns);
	if (!mixed)
		print_by_format(out, listener, &columns, &rows, !wanted->names || !*wanted->names);
	for (size_t i = 0; mixed && i < rows.n; i++)
		print_entity(out, &columns, &rows.all[i], true);
	em_document_close(out);
	em_rows_clear(&rows);
	return 0;
}

static int print_listener(struct em_document *out, const struct em_listener *listener,
			  const struct em_listener_stats *stats,
			  const struct em_rows_wanted *wanted)
{
	int rc;

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
	rc = print_entities(out, listener, stats, wanted);
	em_document_close(out);
	return rc;
}

int em_print_counters(struct em_document *out, const struct em_policy *policy,
		      const struct em_stats *stats, const struct em_rows_wanted *wanted)
{
	int rc = 0;

	em_document_array(out, "listeners");
	for (size_t i = 0; !rc && i < stats->n_listeners; i++)
		if (em_names_listener(wanted->names, &policy->listeners[i]))
			rc = print_listener(out, &policy->listeners[i], &stats->listeners[i],
					    wanted);
	em_document_close(out);
	return rc;
}

int em_print_stats(struct em_document *out, const struct em_record *record,
		   const struct em_policy *policy, const struct em_stats *stats,
		   const struct em_rows_wanted *wanted)
{
	print_head(out, record);
	return em_print_counters(out, policy, stats, wanted);
}
