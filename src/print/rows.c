/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "print/rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/names.h"

int64_t em_rows_shown(uint64_t counter)
{
	return counter > INT64_MAX ? 0 : (int64_t)counter;
}

const char *em_row_name(const struct em_row *row, bool with_format, char text[EM_ROW_NAME_MAX])
{
	char name[EM_COVER_TEXT_MAX];
	const char *own = em_entity_name(row->format, row->entity, name);

	if (!with_format || !*row->format->name)
		snprintf(text, EM_ROW_NAME_MAX, "%s", own);
	else
		snprintf(text, EM_ROW_NAME_MAX, "%s:%s", row->format->name, own);
	return text;
}

static int by_name(const void *a, const void *b)
{
	char text_a[EM_COVER_TEXT_MAX], text_b[EM_COVER_TEXT_MAX];
	const struct em_row *x = a, *y = b;
	int order = strcmp(x->format->name, y->format->name);

	return order ? order
		     : strcmp(em_entity_name(x->format, x->entity, text_a),
			      em_entity_name(y->format, y->entity, text_b));
}

static int compare(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int by_packets(const void *a, const void *b)
{
	const struct em_row *x = a, *y = b;
	int order = compare(x->count.packets, y->count.packets);

	return order ? order : by_name(a, b);
}

static int by_bytes(const void *a, const void *b)
{
	const struct em_row *x = a, *y = b;
	int order = compare(x->count.bytes, y->count.bytes);

	return order ? order : by_name(a, b);
}

static int by_last(const void *a, const void *b)
{
	const struct em_row *x = a, *y = b;
	int order = compare(y->seen, x->seen);

	if (!order)
		order = compare(y->age, x->age);
	return order ? order : by_name(a, b);
}

static void add(struct em_rows *rows, const struct em_stats *stats, const struct em_format *format,
		const struct em_entity *entity, const struct em_count *count)
{
	struct em_row *row = &rows->all[rows->n++];

	*row = (struct em_row){.format = format, .entity = entity, .seen = em_count_seen(count)};
	row->count.packets = em_rows_shown(count->packets);
	row->count.bytes = em_rows_shown(count->bytes);
	row->count.copied = em_rows_shown(count->copied);
	if (row->seen == EM_SEEN_AT)
		row->age = em_stats_age(stats, count);
}

static void add_all(struct em_rows *rows, const struct em_listener *listener,
		    const struct em_stats *stats, const struct em_count *count,
		    const struct em_rows_wanted *wanted)
{
	for (size_t i = 0; i < listener->n_formats; i++) {
		const struct em_format *format = &listener->formats[i];

		for (size_t j = 0; j < format->n_entities; j++, count++)
			if ((!wanted->silent || em_stats_is_silent(stats, count, wanted->silent)) &&
			    em_names_entity(wanted->names, listener, format, &format->entities[j]))
				add(rows, stats, format, &format->entities[j], count);
	}
}

int em_rows_init(struct em_rows *out, const struct em_policy *policy, const struct em_stats *stats,
		 size_t listener, const struct em_rows_wanted *wanted)
{
	static int (*const orders[])(const void *, const void *) = {
		[EM_ROWS_BY_NAME] = by_name,
		[EM_ROWS_BY_PACKETS] = by_packets,
		[EM_ROWS_BY_BYTES] = by_bytes,
		[EM_ROWS_BY_LAST] = by_last,
	};
	const struct em_listener_stats *counts = &stats->listeners[listener];

	*out = (struct em_rows){.all = calloc(counts->n_entities + 1, sizeof(*out->all))};
	if (!out->all)
		return -ENOMEM;
	add_all(out, &policy->listeners[listener], stats, counts->entities, wanted);
	if (wanted->order != EM_ROWS_AS_CONFIGURED)
		qsort(out->all, out->n, sizeof(*out->all), orders[wanted->order]);
	if (wanted->top && out->n > wanted->top)
		out->n = wanted->top;
	return 0;
}

int em_rows_any(const struct em_policy *policy, const struct em_stats *stats,
		const struct em_rows_wanted *wanted)
{
	for (size_t i = 0; i < stats->n_listeners; i++) {
		struct em_rows rows;
		int rc = em_rows_init(&rows, policy, stats, i, wanted);
		bool any = rows.n;

		em_rows_clear(&rows);
		if (rc || any)
			return rc ? rc : 1;
	}
	return 0;
}

void em_rows_clear(struct em_rows *rows)
{
	free(rows->all);
	*rows = (struct em_rows){0};
}
