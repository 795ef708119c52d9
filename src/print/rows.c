/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "print/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/names.h"

int64_t em_rows_shown(uint64_t counter)
{
	return counter > INT64_MAX ? 0 : (int64_t)counter;
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

static void add(struct em_rows *rows, const struct em_listener *listener,
		const struct em_listener_stats *stats, char *const *names)
{
	const struct em_count *count = stats->entities;

	for (size_t i = 0; i < listener->n_formats; i++) {
		const struct em_format *format = &listener->formats[i];

		for (size_t j = 0; j < format->n_entities; j++, count++)
			if (em_names_entity(names, listener, format, &format->entities[j]))
				rows->all[rows->n++] =
					(struct em_row){format,
							&format->entities[j],
							{em_rows_shown(count->packets),
							 em_rows_shown(count->bytes)}};
	}
}

int em_rows_init(struct em_rows *out, const struct em_listener *listener,
		 const struct em_listener_stats *stats, const struct em_rows_wanted *wanted)
{
	static int (*const orders[])(const void *, const void *) = {
		[EM_ROWS_BY_NAME] = by_name,
		[EM_ROWS_BY_PACKETS] = by_packets,
		[EM_ROWS_BY_BYTES] = by_bytes,
	};

	*out = (struct em_rows){.all = calloc(stats->n_entities + 1, sizeof(*out->all))};
	if (!out->all)
		return -ENOMEM;
	add(out, listener, stats, wanted->names);
	if (wanted->order != EM_ROWS_AS_CONFIGURED)
		qsort(out->all, out->n, sizeof(*out->all), orders[wanted->order]);
	if (wanted->top && out->n > wanted->top)
		out->n = wanted->top;
	return 0;
}

void em_rows_clear(struct em_rows *rows)
{
	free(rows->all);
	*rows = (struct em_rows){0};
}
