/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "config/entities.h"
#include "policy/copies.h"
#include "policy/names.h"
#include "print/human.h"
#include "print/print.h"

static void print_head(struct em_document *out, const struct em_record *record)
{
	em_document_string(out, "backend", "backend:     ", em_print_backend(record->backend),
			   "\n");
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

static void print_counter(struct em_document *out, const char *key, const char *before,
			  uint64_t counter)
{
	em_document_count(out, key, before, em_rows_shown(counter), "");
}

/* What is not sorted deserves a look, where there is any. */
static void print_unsorted(struct em_document *out, const char *key, uint64_t counter)
{
	if (counter)
		em_document_style(out, EM_DOCUMENT_YELLOW);
	print_counter(out, key, "", counter);
	if (counter)
		em_document_style(out, EM_DOCUMENT_PLAIN);
}

/* For people only where the listener has copies, or had them. */
static void print_copied(struct em_document *out, const struct em_listener *listener,
			 const struct em_listener_stats *stats)
{
	if (!out->json && !em_copies_any(listener) && !stats->copied)
		return;
	print_counter(out, "copied", ", copied ", stats->copied);
	em_document_text(out, stats->copy_errors ? ", copy errors " : "");
	if (out->json || stats->copy_errors)
		print_unsorted(out, "copy_errors", stats->copy_errors);
}

static void print_counters(struct em_document *out, const struct em_listener *listener,
			   const struct em_listener_stats *stats)
{
	print_counter(out, "packets", "\n  packets ", stats->total.packets);
	print_counter(out, "bytes", ", bytes ", stats->total.bytes);
	print_counter(out, "rewritten", ", rewritten ", stats->rewritten);
	print_counter(out, "passed", ", passed ", stats->passed);
	print_counter(out, "dropped", ", dropped ", stats->dropped);
	em_document_text(out, ", unknown ");
	print_unsorted(out, "unknown", stats->unknown);
	em_document_text(out, ", invalid (");
	em_document_object(out, "invalid");
	for (int reason = 0; reason < EM_REASONS; reason++) {
		em_document_text(out, reason ? ", " : "");
		em_document_text(out, em_reason_name(reason));
		em_document_text(out, " ");
		print_unsorted(out, em_reason_name(reason), stats->invalid[reason]);
	}
	em_document_close(out);
	em_document_text(out, ")");
	print_copied(out, listener, stats);
	em_document_text(out, "\n");
}

/* The widths of the columns, including their headings. */
struct columns {
	unsigned int name;
	unsigned int tag;
	unsigned int packets;
	unsigned int bytes;
	unsigned int copied;		/* 0: no such column */
	bool seen;			/* it is known when entities were seen */
	const struct em_ports *sockets; /* as in em_rows_wanted */
};

static void widen(unsigned int *width, size_t needed)
{
	if (*width < needed)
		*width = (unsigned int)needed;
}

static struct columns measure(const struct em_document *out, const struct em_rows *rows, bool mixed)
{
	struct columns columns = {.name = strlen("NAME"),
				  .tag = strlen("TAG"),
				  .packets = strlen("PACKETS"),
				  .bytes = strlen("BYTES")};

	for (size_t i = 0; i < rows->n; i++)
		if (rows->all[i].count.copied)
			columns.copied = strlen("COPIED");
	for (size_t i = 0; i < rows->n; i++) {
		const struct em_row *row = &rows->all[i];
		char name[EM_ROW_NAME_MAX], tag[EM_COVER_SHOWN_MAX];

		widen(&columns.name, em_utf8_columns(em_row_name(row, mixed, name)));
		widen(&columns.tag, strlen(em_entity_tag_show(row->format, row->entity, tag)));
		widen(&columns.packets, em_document_count_width(out, (int64_t)row->count.packets));
		widen(&columns.bytes, em_document_count_width(out, (int64_t)row->count.bytes));
		if (columns.copied)
			widen(&columns.copied,
			      em_document_count_width(out, (int64_t)row->count.copied));
	}
	return columns;
}

static const char *format_age(const struct em_row *row, char text[EM_HUMAN_SIZE])
{
	if (row->seen != EM_SEEN_AT)
		return row->seen == EM_SEEN_NEVER ? "never" : "?";
	return em_human_age(text, row->age);
}

static void print_seen(struct em_document *out, const struct columns *columns,
		       const struct em_row *row)
{
	char text[EM_HUMAN_SIZE], cell[EM_HUMAN_SIZE + 8];

	if (!out->json) {
		snprintf(cell, sizeof(cell), "  %5s", format_age(row, text));
		if (columns->seen)
			em_document_text(out, cell);
	} else if (row->seen == EM_SEEN_AT) {
		em_document_tenths(out, "last_seen", row->age / (EM_SECOND / 10));
	} else {
		em_document_string(out, "last_seen", NULL, NULL, "");
	}
}

static void print_listening(struct em_document *out, const struct columns *columns,
			    const struct em_action *action)
{
	bool listening;

	if (!columns->sockets || action->verdict != EM_PORT) {
		em_document_string(out, "listening", NULL, NULL, "");
		return;
	}
	listening = em_ports_has(columns->sockets, action->port);
	em_document_bool(out, "listening", listening ? "" : "  no socket", listening);
}

/* Headings of numbers are at most as wide as the column, and aligned right like the numbers. */
static void print_headings(struct em_document *out, const struct columns *columns)
{
	em_document_text(out, "\n");
	em_document_style(out, EM_DOCUMENT_BOLD);
	em_document_string_cell(out, NULL, "  ", "NAME", columns->name);
	em_document_string_cell(out, NULL, "  ", "TAG", columns->tag);
	em_document_text(out, "   PORT");
	em_document_string_cell(out, NULL, "  ", "", columns->packets - strlen("PACKETS"));
	em_document_text(out, "PACKETS");
	em_document_string_cell(out, NULL, "  ", "", columns->bytes - strlen("BYTES"));
	em_document_text(out, "BYTES");
	if (columns->copied) {
		em_document_string_cell(out, NULL, "  ", "", columns->copied - strlen("COPIED"));
		em_document_text(out, "COPIED");
	}
	em_document_text(out, columns->seen ? "   SEEN" : "");
	em_document_style(out, EM_DOCUMENT_PLAIN);
	em_document_text(out, "\n");
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
	char name[EM_ROW_NAME_MAX], tag[EM_COVER_SHOWN_MAX];

	em_document_object(out, EM_DOCUMENT_ELEMENT);
	em_document_string_cell(out, "name", "  ", em_row_name(row, mixed && !out->json, name),
				columns->name);
	if (*row->format->name)
		em_document_string(out, "format", NULL, row->format->name, "");
	if (out->json)
		print_cover(out, row->format, row->entity);
	else
		em_document_string_cell(out, NULL, "  ",
					em_entity_tag_show(row->format, row->entity, tag),
					columns->tag);
	em_print_action(out, "  ", &row->entity->action, strlen("65535"));
	em_document_count_cell(out, "packets", "  ", (int64_t)row->count.packets, columns->packets);
	em_document_count_cell(out, "bytes", "  ", (int64_t)row->count.bytes, columns->bytes);
	if (out->json || columns->copied)
		em_document_count_cell(out, "copied", "  ", (int64_t)row->count.copied,
				       columns->copied);
	print_seen(out, columns, row);
	print_listening(out, columns, &row->entity->action);
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

static int print_entities(struct em_document *out, const struct em_policy *policy,
			  const struct em_stats *stats, size_t index,
			  const struct em_rows_wanted *wanted)
{
	const struct em_listener *listener = &policy->listeners[index];
	bool mixed = wanted->order != EM_ROWS_AS_CONFIGURED;
	bool all = (!wanted->names || !*wanted->names) && !wanted->silent;
	struct columns columns = {0};
	struct em_rows rows;
	int rc = em_rows_init(&rows, policy, stats, index, wanted);

	if (rc)
		return rc;
	if (!out->json)
		columns = measure(out, &rows, mixed);
	columns.seen = stats->read_at;
	columns.sockets = wanted->sockets;
	em_document_array(out, "entities");
	if (!out->json && rows.n)
		print_headings(out, &columns);
	if (!mixed)
		print_by_format(out, listener, &columns, &rows, all);
	for (size_t i = 0; mixed && i < rows.n; i++)
		print_entity(out, &columns, &rows.all[i], true);
	em_document_close(out);
	em_rows_clear(&rows);
	return 0;
}

static int print_listener(struct em_document *out, const struct em_policy *policy,
			  const struct em_stats *stats, size_t index,
			  const struct em_rows_wanted *wanted)
{
	const struct em_listener *listener = &policy->listeners[index];
	int rc;

	em_document_object(out, EM_DOCUMENT_ELEMENT);
	em_document_text(out, "\nlistener ");
	em_document_style(out, EM_DOCUMENT_BOLD);
	em_document_string(out, "name", "", listener->name, "");
	em_document_style(out, EM_DOCUMENT_PLAIN);
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
	print_counters(out, listener, &stats->listeners[index]);
	rc = print_entities(out, policy, stats, index, wanted);
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
			rc = print_listener(out, policy, stats, i, wanted);
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
