/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "policy/unknown.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

void em_unknown_clear(struct em_unknown_list *list)
{
	free(list->all);
	*list = (struct em_unknown_list){0};
}

int em_unknown_add(struct em_unknown_list *list, const struct em_unknown *unknown)
{
	/* It grows by doubling. */
	if ((list->n & (list->n - 1)) == 0) {
		struct em_unknown *grown =
			reallocarray(list->all, list->n ? 2 * list->n : 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->all = grown;
	}
	list->all[list->n++] = *unknown;
	return 0;
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Listeners are in one array, and so are the formats of a listener. */
static int compare_formats(const struct em_unknown *a, const struct em_unknown *b)
{
	int order = compare((uintptr_t)a->listener, (uintptr_t)b->listener);

	return order ? order : compare((uintptr_t)a->format, (uintptr_t)b->format);
}

static int compare_tags(const struct em_unknown *a, const struct em_unknown *b)
{
	int order = compare_formats(a, b);

	return order ? order : memcmp(a->tag, b->tag, sizeof(a->tag));
}

/* Of the same tag, the one with more packets was read later. */
static int by_tag(const void *a, const void *b)
{
	const struct em_unknown *x = a, *y = b;
	int order = compare_tags(x, y);

	return order ? order : compare(y->packets, x->packets);
}

static int by_age(const void *a, const void *b)
{
	const struct em_unknown *x = a, *y = b;
	int order = compare((uintptr_t)x->listener, (uintptr_t)y->listener);

	return order ? order : compare(x->age, y->age);
}

static int by_packets(const void *a, const void *b)
{
	const struct em_unknown *x = a, *y = b;
	int order = compare_formats(x, y);

	if (!order)
		order = compare(y->packets, x->packets);
	return order ? order : compare_tags(x, y);
}

static void sort(struct em_unknown_list *list, int (*order)(const void *a, const void *b))
{
	if (list->n)
		qsort(list->all, list->n, sizeof(*list->all), order);
}

static void drop_twins(struct em_unknown_list *list)
{
	size_t kept = 0;

	sort(list, by_tag);
	for (size_t i = 0; i < list->n; i++)
		if (!kept || compare_tags(&list->all[kept - 1], &list->all[i]))
			list->all[kept++] = list->all[i];
	list->n = kept;
}

static void drop_old(struct em_unknown_list *list)
{
	size_t kept = 0, of_listener = 0;

	sort(list, by_age);
	for (size_t i = 0; i < list->n; i++) {
		const struct em_unknown *unknown = &list->all[i];

		if (i && unknown->listener != list->all[i - 1].listener)
			of_listener = 0;
		if (of_listener == EM_UNKNOWN_MAX || unknown->age >= EM_UNKNOWN_SECONDS * EM_SECOND)
			continue;
		of_listener++;
		list->all[kept++] = *unknown;
	}
	list->n = kept;
}

void em_unknown_arrange(struct em_unknown_list *list)
{
	drop_twins(list);
	drop_old(list);
	sort(list, by_packets);
}
