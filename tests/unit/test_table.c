/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * table: each key has a slot of its own, where a search finds it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "bpf/table.h"

#define MANY 100000

/* How far behind its first slot a key is, around the end of the table. */
static uint32_t distance(const struct em_table *table, uint32_t hash, uint32_t slot)
{
	return (slot - hash) & (table->size.slots - 1);
}

static void check_table(const uint32_t *hashes, size_t n)
{
	struct em_table table;
	unsigned char *taken;

	assert_int_equal(em_table_build(&table, hashes, n, EM_TABLE_PROBES), 0);
	assert_int_equal(table.size.slots & (table.size.slots - 1), 0);
	assert_true((n == 1 || table.size.slots >= 2 * n) && table.size.slots > 0);
	taken = calloc(table.size.slots, 1);
	assert_non_null(taken);
	for (size_t i = 0; i < n; i++) {
		assert_true(table.slots[i] < table.size.slots);
		assert_int_equal(taken[table.slots[i]]++, 0);
		assert_true(distance(&table, hashes[i], table.slots[i]) < table.size.probes);
	}
	/* No gap on the way to a key: a free slot ends the search. */
	for (size_t i = 0; i < n; i++)
		for (uint32_t at = hashes[i]; distance(&table, at, table.slots[i]); at++)
			assert_int_equal(taken[at & (table.size.slots - 1)], 1);
	free(taken);
	em_table_clear(&table);
}

static void test_sizes(void **state)
{
	uint32_t *hashes = calloc(MANY, sizeof(*hashes));

	(void)state;
	assert_non_null(hashes);
	for (uint32_t i = 0; i < MANY; i++)
		hashes[i] = em_abi_hash(i, 0, 0);
	for (size_t n = 0; n < 20; n++)
		check_table(hashes, n);
	check_table(hashes, MANY);
	free(hashes);
}

static void test_wraps_around(void **state)
{
	const uint32_t hashes[] = {7, 7, 7, 6};

	(void)state;
	check_table(hashes, 4);
}

/* Alike in the bits that a small table uses. */
static void test_grows(void **state)
{
	uint32_t hashes[256];
	struct em_table table;

	(void)state;
	for (uint32_t i = 0; i < 256; i++)
		hashes[i] = i << 9;
	check_table(hashes, 256);
	assert_int_equal(em_table_build(&table, hashes, 256, EM_TABLE_PROBES), 0);
	assert_true(table.size.slots > 512);
	em_table_clear(&table);
}

static void test_hopeless(void **state)
{
	uint32_t hashes[256] = {0};
	struct em_table table;

	(void)state;
	assert_int_equal(em_table_build(&table, hashes, 256, EM_TABLE_PROBES), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_wraps_around),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_hopeless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
