/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "config/config.h"
#include "config/entities.h"
#include "policy/names.h"
#include "print/human.h"
#include "print/print.h"

/* "[", an address, "]:" and a port */
#define SENDER_MAX (INET6_ADDRSTRLEN + 10)

/* NULL: it is not known. */
static const char *format_sender(const struct em_unknown *unknown, char text[SENDER_MAX])
{
	const struct em_address *sender = &unknown->sender;
	char address[INET6_ADDRSTRLEN];

	if (!sender->family)
		return NULL;
	inet_ntop(sender->family, sender->bytes, address, sizeof(address));
	if (!unknown->sender_port) {
		snprintf(text, SENDER_MAX, "%s", address);
		return text;
	}
	snprintf(text, SENDER_MAX, sender->family == AF_INET6 ? "[%s]:%u" : "%s:%u", address,
		 unknown->sender_port);
	return text;
}

/* As text. */

struct columns {
	unsigned int tag;
	unsigned int packets;
};

static void widen(unsigned int *width, size_t needed)
{
	if (*width < needed)
		*width = (unsigned int)needed;
}

static struct columns measure(const struct em_document *out, const struct em_unknown *all, size_t n)
{
	struct columns columns = {strlen("TAG"), strlen("PACKETS")};
	char tag[EM_TAG_SHOWN_MAX];

	for (size_t i = 0; i < n; i++) {
		widen(&columns.tag, strlen(em_tag_show(all[i].format, all[i].tag, tag)));
		widen(&columns.packets,
		      em_document_count_width(out, em_rows_shown(all[i].packets)));
	}
	return columns;
}

static void print_headings(struct em_document *out, const struct columns *columns)
{
	em_document_style(out, EM_DOCUMENT_BOLD);
	em_document_string_cell(out, NULL, "  ", "TAG", columns->tag);
	em_document_string_cell(out, NULL, "  ", "", columns->packets - strlen("PACKETS"));
	em_document_text(out, "PACKETS   SEEN  SENDER");
	em_document_style(out, EM_DOCUMENT_PLAIN);
	em_document_text(out, "\n");
}

static void print_tag(struct em_document *out, const struct columns *columns,
		      const struct em_unknown *unknown)
{
	char tag[EM_TAG_SHOWN_MAX], age[EM_HUMAN_SIZE], cell[EM_HUMAN_SIZE + 8], sender[SENDER_MAX];
	const char *from = format_sender(unknown, sender);

	em_document_object(out, EM_DOCUMENT_ELEMENT);
	if (out->json)
		em_tag_format(unknown->format, unknown->tag, tag);
	else
		em_tag_show(unknown->format, unknown->tag, tag);
	em_document_string_cell(out, "tag", "  ", tag, columns->tag);
	em_document_string(out, "format", NULL,
			   *unknown->format->name ? unknown->format->name : NULL, "");
	em_document_count_cell(out, "packets", "  ", em_rows_shown(unknown->packets),
			       columns->packets);
	em_document_tenths(out, "last_seen", unknown->age / (EM_SECOND / 10));
	snprintf(cell, sizeof(cell), "  %5s", em_human_age(age, unknown->age));
	em_document_text(out, cell);
	em_document_string(out, "sender", "  ", from || out->json ? from : "?", "\n");
	em_document_close(out);
}

/* Those that are meant of one listener; all its tags are together. */
static void print_listener(struct em_document *out, const struct em_listener *listener,
			   const struct em_unknown *all, size_t n, char *const *words)
{
	const struct columns columns = measure(out, all, n);
	const struct em_format *format = NULL;

	em_document_object(out, EM_DOCUMENT_ELEMENT);
	em_document_text(out, "listener ");
	em_document_style(out, EM_DOCUMENT_BOLD);
	em_document_string(out, "name", "", listener->name, "");
	em_document_style(out, EM_DOCUMENT_PLAIN);
	em_document_number(out, NULL, ", port ", listener->port, n ? "\n" : ": nothing unknown\n");
	em_document_array(out, "unknown");
	for (size_t i = 0; i < n; i++) {
		if (!em_names_format(words, listener, all[i].format))
			continue;
		if (all[i].format != format) {
			format = all[i].format;
			em_document_string(out, NULL, "  format ",
					   *format->name ? format->name : NULL, "\n");
			print_headings(out, &columns);
		}
		print_tag(out, &columns, &all[i]);
	}
	em_document_close(out);
	em_document_close(out);
}

void em_print_unknown(struct em_document *out, const struct em_policy *policy,
		      const struct em_unknown_list *list, char *const *words)
{
	size_t first = 0, end;

	em_document_array(out, "listeners");
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		for (end = first; end < list->n && list->all[end].listener == listener;)
			end++;
		if (em_names_listener(words, listener))
			print_listener(out, listener, list->all + first, end - first, words);
		first = end;
	}
	em_document_close(out);
}

/* As a configuration. */

/* The tag as text, where it can be the name of one more entity of the format; else NULL. */
static char *propose_name(const struct em_unknown *unknown, char text[EM_TAG_MAX + 1])
{
	const struct em_format *format = unknown->format;

	for (size_t i = 0; i < format->tag.length; i++)
		if (unknown->tag[i] < ' ' || unknown->tag[i] > '~')
			return NULL;
	memcpy(text, unknown->tag, format->tag.length);
	text[format->tag.length] = '\0';
	if (em_entity_name_check(text))
		return NULL;
	for (size_t i = 0; i < format->n_entities; i++)
		if (format->entities[i].name && !strcmp(format->entities[i].name, text))
			return NULL;
	return text;
}

static void write_proposal(FILE *out, const struct em_unknown *unknown, uint16_t port)
{
	char name[EM_TAG_MAX + 1], sender[SENDER_MAX], age[EM_HUMAN_SIZE];
	struct em_entity entity = {.name = propose_name(unknown, name), .action = {EM_PORT, port}};
	const char *from = format_sender(unknown, sender);

	memcpy(entity.tag, unknown->tag, sizeof(entity.tag));
	em_config_write_entity(out, unknown->listener, unknown->format, &entity);
	fprintf(out, ", # packets %lld, last %s ago%s%s\n",
		(long long)em_rows_shown(unknown->packets), em_human_age(age, unknown->age),
		from ? ", from " : "", from ? from : "");
}

static void write_heading(FILE *out, const struct em_unknown *unknown)
{
	const char *format = unknown->format->name;

	fprintf(out, "# listener %s%s%s\n", unknown->listener->name, *format ? ", format " : "",
		format);
}

int em_print_unknown_config(FILE *out, const struct em_unknown_list *list, char *const *words,
			    struct em_ports *used)
{
	const struct em_format *format = NULL;
	uint16_t port = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct em_unknown *unknown = &list->all[i];

		if (!em_names_format(words, unknown->listener, unknown->format))
			continue;
		if (unknown->format != format) {
			format = unknown->format;
			port = unknown->listener->port;
			write_heading(out, unknown);
		}
		port = em_ports_next_free(used, port);
		if (!port)
			return -ENOSPC;
		em_ports_add(used, port);
		write_proposal(out, unknown, port);
	}
	return 0;
}
