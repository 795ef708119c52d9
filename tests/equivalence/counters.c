/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counters - what the counters have to be, and what `entitymux stats --json` says they are.
 */
#include "counters.h"

#include <jansson.h>
#include <string.h>

void counters_add(struct em_stats *stats, const struct em_policy *policy,
		  const struct em_classification *class)
{
	struct em_listener_stats *listener;

	if (class->result == EM_NOT_OURS)
		return;
	listener = &stats->listeners[class->listener - policy->listeners];
	listener->total.packets++;
	listener->total.bytes += class->bytes;
	if (class->result == EM_REWRITTEN) {
		struct em_count *entity =
			&listener->entities[class->entity - class->listener->entities];

		entity->packets++;
		entity->bytes += class->bytes;
		listener->rewritten++;
	} else if (class->result == EM_UNKNOWN) {
		listener->unknown++;
	} else {
		listener->invalid[class->reason]++;
	}
}

/* What has been found to differ. */
struct report {
	FILE *out;
	const char *listener;
	unsigned int n;
};

static void compare(struct report *report, const json_t *object, const char *key, uint64_t expected,
		    const char *entity)
{
	const json_t *number = json_object_get(object, key);
	uint64_t seen = (uint64_t)json_integer_value(number);

	if (json_is_integer(number) && seen == expected)
		return;
	report->n++;
	fprintf(report->out, "%s%s%s: %s is %llu, expected %llu\n", report->listener,
		*entity ? "." : "", entity, key, (unsigned long long)seen,
		(unsigned long long)expected);
}

static void compare_listener(struct report *report, const json_t *seen,
			     const struct em_listener *listener,
			     const struct em_listener_stats *expected)
{
	const json_t *entities = json_object_get(seen, "entities");
	const json_t *invalid = json_object_get(seen, "invalid");

	report->listener = listener->name;
	compare(report, seen, "packets", expected->total.packets, "");
	compare(report, seen, "bytes", expected->total.bytes, "");
	compare(report, seen, "rewritten", expected->rewritten, "");
	compare(report, seen, "unknown", expected->unknown, "");
	for (int reason = 0; reason < EM_REASONS; reason++)
		compare(report, invalid, em_reason_name(reason), expected->invalid[reason],
			"invalid");
	for (size_t i = 0; i < listener->n_entities; i++) {
		char text[EM_TAG_TEXT_MAX];
		const char *name = em_entity_name(listener, &listener->entities[i], text);
		const json_t *entity = json_array_get(entities, i);

		compare(report, entity, "packets", expected->entities[i].packets, name);
		compare(report, entity, "bytes", expected->entities[i].bytes, name);
	}
}

bool counters_agree(const char *document, const struct em_policy *policy,
		    const struct em_stats *expected, char *text, size_t size)
{
	json_t *root = json_loads(document, JSON_REJECT_DUPLICATES, NULL);
	const json_t *listeners = json_object_get(root, "listeners");
	struct report report = {.out = fmemopen(text, size, "w")};

	if (!report.out)
		return false;
	for (size_t i = 0; i < policy->n_listeners; i++)
		compare_listener(&report, json_array_get(listeners, i), &policy->listeners[i],
				 &expected->listeners[i]);
	fclose(report.out);
	json_decref(root);
	return report.n == 0;
}
