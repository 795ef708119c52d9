/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print/print.h"

/* Of a longer byte string the beginning is shown. */
#define SHOWN_MAX 16

/* Text of why; a longer one is cut. */
struct text {
	char text[512];
	size_t length;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	size_t room = sizeof(text->text) - text->length;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text->text + text->length, room, format, arguments);
	va_end(arguments);
	if (n > 0)
		text->length += (size_t)n < room ? (size_t)n : room - 1;
}

static void add_hex(struct text *text, const uint8_t *bytes, const uint8_t *mask, size_t length)
{
	add(text, "0x");
	for (size_t i = 0; i < length && i < SHOWN_MAX; i++)
		add(text, "%02x", bytes[i] & (mask ? mask[i] : 0xff));
	if (length > SHOWN_MAX)
		add(text, "...");
}

static uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void add_values(struct text *text, const struct em_check *check)
{
	if (!check->n_values)
		add(text, "%" PRIu64 "..%" PRIu64, check->min, check->max);
	for (uint8_t i = 0; i < check->n_values; i++)
		add(text, "%s%" PRIu64, i ? ", " : "", check->values[i]);
}

static bool is_partial(const struct em_check *check)
{
	for (size_t i = 0; check->mask && i < check->length; i++)
		if (check->mask[i] != 0xff)
			return true;
	return false;
}

static void add_mask(struct text *text, const struct em_check *check)
{
	if (!is_partial(check))
		return;
	add(text, ", with mask ");
	add_hex(text, check->mask, NULL, check->length);
}

static void add_number(struct text *text, const struct em_check *check, const uint8_t *bytes)
{
	const char *outside = check->n_values ? "is none of" : "is outside";
	const char *inside = check->n_values ? "is one of" : "is within";

	add(text, "%" PRIu64 " %s ", em_check_number(check, bytes),
	    check->negated ? inside : outside);
	add_values(text, check);
	add_mask(text, check);
}

static void add_bytes(struct text *text, const struct em_check *check, const uint8_t *bytes)
{
	add_hex(text, bytes, check->mask, check->length);
	add(text, check->negated ? " is " : " is not ");
	add_hex(text, check->bytes, NULL, check->length);
	add_mask(text, check);
}

/* The payload's length as the UDP header states it, or what is in the frame, if that is less. */
static void add_length(struct text *text, const struct em_classification *class,
		       const struct em_format *format)
{
	int length = get16(class->payload - 4) - 8;
	int min = (int)em_format_need(format), max = (int)format->payload_max;

	if (min < (int)format->payload_min)
		min = (int)format->payload_min;
	if (length >= min && length <= max)
		add(text, "the frame ends within the first %d bytes of payload", min);
	else
		add(text, "%d bytes of payload, expected %d..%d", length, min, max);
}

static void add_misfit(struct text *text, const struct em_classification *class, size_t i)
{
	const struct em_format *format = &class->listener->formats[i];
	const struct em_check *check = class->misfits[i].check;

	if (class->misfits[i].reason == EM_REASON_SOURCE) {
		add(text, "it is for %s only", em_family_name(em_format_family(format)));
		return;
	}
	if (!check) {
		add_length(text, class, format);
		return;
	}
	add(text, "check %zu at offset %u: ", (size_t)(check - format->checks) + 1, check->offset);
	if (check->kind == EM_CHECK_NUMBER)
		add_number(text, check, class->payload + check->offset);
	else
		add_bytes(text, check, class->payload + check->offset);
}

static void print_misfit(struct em_document *out, const struct em_classification *class, size_t i)
{
	const struct em_format *format = &class->listener->formats[i];
	struct text text = {0};

	add_misfit(&text, class, i);
	em_document_object(out, EM_DOCUMENT_ELEMENT);
	em_document_text(out, i ? "; " : ": ");
	if (*format->name)
		em_document_string(out, "format", "", format->name, ": ");
	em_document_string(out, "reason", NULL, em_reason_name(class->misfits[i].reason), "");
	em_document_string(out, "text", "", text.text, "");
	em_document_close(out);
}

static void print_source(struct em_document *out, const struct em_classification *class)
{
	uint8_t family = em_listener_family(class->listener);
	char address[INET6_ADDRSTRLEN] = "";
	struct text text = {0};

	inet_ntop(class->source.family, class->source.bytes, address, sizeof(address));
	if (family != AF_UNSPEC && family != class->source.family)
		add(&text, "the tag is of %s only", em_family_name(family));
	else
		add(&text, "%s is outside sources", address);
	em_document_object(out, EM_DOCUMENT_ELEMENT);
	em_document_string(out, "reason", NULL, em_reason_name(EM_REASON_SOURCE), "");
	em_document_string(out, "text", ": ", text.text, "");
	em_document_close(out);
}

static void print_invalid(struct em_document *out, const struct em_classification *class)
{
	em_document_string(out, "reason", ": ", em_reason_name(class->reason), "");
	em_document_array(out, "why");
	if (class->reason == EM_REASON_SOURCE)
		print_source(out, class);
	for (size_t i = 0; i < class->n_misfits; i++)
		print_misfit(out, class, i);
	em_document_close(out);
}

/* The tag of a valid datagram, as it is compared with those of the entities. */
static void print_valid(struct em_document *out, const struct em_classification *class)
{
	char text[EM_TAG_SHOWN_MAX], name[EM_COVER_TEXT_MAX];
	uint8_t tag[EM_TAG_MAX];

	em_format_tag(class->format, &class->source, class->payload, tag);
	if (*class->format->name)
		em_document_string(out, "format", ": format ", class->format->name, "");
	if (out->json)
		em_tag_format(class->format, tag, text);
	else
		em_tag_show(class->format, tag, text);
	em_document_string(out, "tag", ": tag ", text, "");
	if (class->entity)
		em_document_string(out, "entity", class->entity->name ? ": " : NULL,
				   em_entity_name(class->format, class->entity, name), "");
}

static void print_copies(struct em_document *out, const struct em_classification *class)
{
	if (!class->n_copies)
		return;
	em_document_array(out, "copies");
	for (size_t i = 0; i < class->n_copies; i++)
		em_document_number(out, EM_DOCUMENT_ELEMENT, i ? ", " : ", copies to ",
				   class->copies[i], "");
	em_document_close(out);
}

static void print_action(struct em_document *out, const struct em_classification *class)
{
	const struct em_action *action = &class->action;

	if (action->verdict == EM_PORT)
		em_document_number(out, "port", " -> ", action->port, "");
	else
		em_document_string(out, "port", out->json ? NULL : " -> ",
				   out->json ? NULL : em_verdict_name(action->verdict), "");
	print_copies(out, class);
	em_document_string(out, "verdict", NULL, action->verdict == EM_DROP ? "drop" : "pass", "");
}

void em_print_reason(struct em_document *out, const struct em_explanation *explanation)
{
	const struct em_classification *class = &explanation->class;

	em_document_string(out, "listener", "", class->listener->name, ": ");
	em_document_string(out, "result", "", em_result_name(class->result), "");
	if (class->result == EM_INVALID)
		print_invalid(out, class);
	else
		print_valid(out, class);
}

void em_print_explanation(struct em_document *out, const struct em_explanation *explanation)
{
	const struct em_classification *class = &explanation->class;
	bool ours = class->result != EM_NOT_OURS;

	em_document_number(out, "packet", "", (int64_t)explanation->packet, ": ");
	em_document_string(out, "listener", "", ours ? class->listener->name : NULL, ": ");
	em_document_string(out, "result", "", em_result_name(class->result), "");
	if (!ours)
		em_document_string(out, "why", ": ", class->stranger, "");
	else if (class->result == EM_INVALID)
		print_invalid(out, class);
	else
		print_valid(out, class);
	if (ours)
		print_action(out, class);
	else
		em_document_string(out, "verdict", NULL, "pass", "");
	if (explanation->cut) {
		em_document_number(out, "captured", " (only ", (int64_t)explanation->captured, "");
		em_document_number(out, "length", " of ", (int64_t)explanation->length,
				   " bytes were captured, the others are taken for 0)");
	}
	em_document_text(out, "\n");
	em_document_next(out);
}

int em_print_explained(struct em_document *out, const struct em_policy *policy,
		       const struct em_stats *stats, uint64_t packets)
{
	const struct em_rows_wanted all = {.names = NULL};
	uint64_t ours = 0;

	for (size_t i = 0; i < stats->n_listeners; i++)
		ours += stats->listeners[i].total.packets;
	em_document_schema(out);
	em_document_number(out, "packets", "\npackets ", (int64_t)packets, "");
	em_document_number(out, "not_ours", ", not ours ", (int64_t)(packets - ours), "\n");
	return em_print_counters(out, policy, stats, &all);
}
