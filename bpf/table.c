/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define SLOTS_MAX (1U << 26)

/* Fills `taken`.  Returns how many slots a search may have to look at. */
static uint32_t place(const uint32_t *hashes, size_t n, uint32_t slots, bool *taken, uint32_t *out)
{
	uint32_t probes = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t distance = 0;

		while (taken[(hashes[i] + distance) & (slots - 1)])
			distance++;
		out[i] = (hashes[i] + distance) & (slots - 1);
		taken[out[i]] = true;
		if (distance >= probes)
			probes = distance + 1;
	}
	return probes;
}

static int try_size(struct em_table *table, const uint32_t *hashes, size_t n)
{
	bool *taken = calloc(table->size.slots, sizeof(*taken));

	if (!taken)
		return -ENOMEM;
	table->size.probes = place(hashes, n, table->size.slots, taken, table->slots);
	free(taken);
	return 0;
}

int em_table_build(struct em_table *out, const uint32_t *hashes, size_t n, uint32_t probes_max)
{
	struct em_table table = {.size.slots = 1, .slots = calloc(n + 1, sizeof(*table.slots))};
	int rc;

	if (!table.slots)
		return -ENOMEM;
	/* One key needs no hash. */
	while (n > 1 && table.size.slots < 2 * n)
		table.size.slots *= 2;
	rc = try_size(&table, hashes, n);
	while (!rc && table.size.probes > probes_max) {
		table.size.slots *= 2;
		rc = table.size.slots > SLOTS_MAX ? -E2BIG : try_size(&table, hashes, n);
	}
	if (rc) {
		free(table.slots);
		return rc;
	}
	*out = table;
	return 0;
}

void em_table_clear(struct em_table *table)
{
	free(table->slots);
	*table = (struct em_table){0};
}
