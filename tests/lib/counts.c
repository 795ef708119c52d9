/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * counts - what the counters have to be, and what `entitymux stats --json` says they are.
 */
#include "tests/lib/counts.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void counts_number(struct em_stats *stats, uint64_t number)
{
	for (size_t i = 0; i < stats->n_listeners; i++) {
		struct em_listener_stats *listener = &stats->listeners[i];

		listener->total.packets = number++;
		listener->total.bytes = number++;
		listener->rewritten = number++;
		listener->passed = number++;
		listener->dropped = number++;
		listener->unknown = number++;
		for (int reason = 0; reason < EM_REASONS; reason++)
			listener->invalid[reason] = number++;
		listener->copied = 100 + number;
		listener->copy_errors = 200 + number;
		for (size_t j = 0; j < listener->n_entities; j++) {
			listener->entities[j].packets = number++;
			listener->entities[j].bytes = number++;
			listener->entities[j].copied = 300 + number;
		}
	}
}

/* Where differences are written, and of what. */
struct report {
	FILE *out;
	const char *listener;
	const char *part; /* of the listener, or "" */
};

static void __attribute__((format(printf, 2, 3)))
differs(const struct report *report, const char *format, ...)
{
	va_list arguments;

	fprintf(report->out, "%s%s%s: ", report->listener, *report->part ? "." : "", report->part);
	va_start(arguments, format);
	vfprintf(report->out, format, arguments);
	va_end(arguments);
	fputc('\n', report->out);
}

static void compare_number(const struct report *report, const json_t *object, const char *key,
			   uint64_t expected)
{
	const json_t *number = json_object_get(object, key);
	uint64_t seen = (uint64_t)json_integer_value(number);

	if (!json_is_integer(number))
		differs(report, "%s is missing, expected %" PRIu64, key, expected);
	else if (seen != expected)
		differs(report, "%s is %" PRIu64 ", expected %" PRIu64, key, seen, expected);
}

static void compare_count(const struct report *report, const json_t *object,
			  const struct em_count *expected)
{
	compare_number(report, object, "packets", expected->packets);
	compare_number(report, object, "bytes", expected->bytes);
}

static void compare_name(const struct report *report, const json_t *object, const char *expected)
{
	const char *seen = json_string_value(json_object_get(object, "name"));

	if (!seen || strcmp(seen, expected))
		differs(report, "its name is %s", seen ? seen : "missing");
}

static void compare_action(const struct report *report, const json_t *object,
			   const struct em_action *expected)
{
	const char *action = json_string_value(json_object_get(object, "action"));
	const json_t *port = json_object_get(object, "port");

	if (!action || strcmp(action, em_verdict_name(expected->verdict)))
		differs(report, "its action is %s", action ? action : "missing");
	if (expected->verdict == EM_PORT)
		compare_number(report, object, "port", expected->port);
	else if (!json_is_null(port))
		differs(report, "its port is not null");
}

static void compare_size(const struct report *report, const json_t *array, size_t expected)
{
	if (json_array_size(array) != expected)
		differs(report, "%zu, expected %zu", json_array_size(array), expected);
}

/* Its entities are those of `seen` from `at` on. */
static void compare_format(struct report *report, const json_t *seen, size_t at,
			   const struct em_format *format, const struct em_count *expected)
{
	for (size_t i = 0; at + i < json_array_size(seen) && i < format->n_entities; i++) {
		const json_t *entity = json_array_get(seen, at + i);
		char text[EM_COVER_TEXT_MAX];

		report->part = em_entity_name(format, &format->entities[i], text);
		compare_name(report, entity, report->part);
		compare_action(report, entity, &format->entities[i].action);
		compare_count(report, entity, &expected[at + i]);
		compare_number(report, entity, "copied", expected[at + i].copied);
	}
}

static void compare_entities(struct report *report, const json_t *seen,
			     const struct em_listener *listener,
			     const struct em_listener_stats *expected)
{
	size_t at = 0;

	report->part = "entities";
	compare_size(report, seen, em_listener_entities(listener));
	for (size_t i = 0; i < listener->n_formats; i++) {
		compare_format(report, seen, at, &listener->formats[i], expected->entities);
		at += listener->formats[i].n_entities;
	}
}

static void compare_listener(FILE *out, const json_t *seen, const struct em_listener *listener,
			     const struct em_listener_stats *expected)
{
	struct report report = {.out = out, .listener = listener->name, .part = ""};
	const json_t *invalid = json_object_get(seen, "invalid");

	compare_name(&report, seen, listener->name);
	compare_count(&report, seen, &expected->total);
	compare_number(&report, seen, "rewritten", expected->rewritten);
	compare_number(&report, seen, "passed", expected->passed);
	compare_number(&report, seen, "dropped", expected->dropped);
	compare_number(&report, seen, "unknown", expected->unknown);
	compare_number(&report, seen, "copied", expected->copied);
	compare_number(&report, seen, "copy_errors", expected->copy_errors);
	report.part = "invalid";
	for (int reason = 0; reason < EM_REASONS; reason++)
		compare_number(&report, invalid, em_reason_name(reason), expected->invalid[reason]);
	compare_entities(&report, json_object_get(seen, "entities"), listener, expected);
}

char *counts_differences(const char *document, const struct em_policy *policy,
			 const struct em_stats *expected)
{
	json_t *root = json_loads(document, JSON_REJECT_DUPLICATES, NULL);
	const json_t *seen = json_object_get(root, "listeners");
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	compare_size(&(struct report){out, "listeners", ""}, seen, policy->n_listeners);
	for (size_t i = 0; i < json_array_size(seen) && i < policy->n_listeners; i++)
		compare_listener(out, json_array_get(seen, i), &policy->listeners[i],
				 &expected->listeners[i]);
	if (fclose(out))
		abort();
	json_decref(root);
	return text;
}
