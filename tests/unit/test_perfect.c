/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * The table of entities: each key has a slot of its own, whatever keys have in common.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bpf/perfect.h"

#define MANY 100000

/* Tags first, first + step, … of 8 bytes; `formats` of them have each. */
struct keys {
	uint64_t first;
	uint64_t step;
	size_t formats;
	size_t n;
	bool is_long; /* the tag is followed by 16 bytes that are the same */
	bool same;    /* all the same: hopeless */
};

static void hash_keys(const void *context, uint64_t multiplier, uint64_t *hashes)
{
	const struct keys *keys = context;

	for (size_t i = 0; i < keys->n; i++) {
		uint64_t word = keys->same ? 0 : keys->first + i / keys->formats * keys->step;
		struct em_abi_tag tag = {.low = word};

		if (keys->is_long)
			tag = (struct em_abi_tag){.top = word, .high = 1, .low = 2};
		hashes[i] = em_abi_hash_tag(&tag, em_abi_salt(i % keys->formats), multiplier,
					    keys->is_long);
	}
}

static void check_keys(const struct keys *keys)
{
	uint64_t *hashes = calloc(keys->n + 1, sizeof(*hashes));
	struct em_perfect table;
	unsigned char *taken;

	assert_non_null(hashes);
	assert_int_equal(em_perfect_build(&table, hash_keys, keys, keys->n), 0);
	assert_true(table.size.slots > 0 && table.size.slots <= keys->n + keys->n / 64 + 1);
	assert_true(table.n_pilots >= 1);
	taken = calloc(table.size.slots, 1);
	assert_non_null(taken);
	hash_keys(keys, table.size.multiplier, hashes);
	for (size_t i = 0; i < keys->n; i++) {
		uint32_t slot = em_perfect_slot(&table.size, table.pilots, hashes[i]);

		assert_true(slot < table.size.slots);
		assert_int_equal(taken[slot]++, 0);
	}
	/* Whatever is looked for, there is a slot to look at. */
	for (uint64_t hash = 1; hash; hash <<= 1) {
		uint32_t bucket = em_abi_bucket(~hash, table.size.shift);

		assert_true(bucket / EM_ABI_PILOTS_EACH < table.n_pilots);
		assert_true(em_perfect_slot(&table.size, table.pilots, ~hash) < table.size.slots);
	}
	free(taken);
	free(hashes);
	em_perfect_clear(&table);
}

static void test_sizes(void **state)
{
	(void)state;
	for (size_t n = 0; n < 70; n++)
		check_keys(&(struct keys){.step = 1, .formats = 1, .n = n});
	check_keys(&(struct keys){.step = 1, .formats = 1, .n = MANY});
}

/* Only some bits of the tags differ: the first, the last, or some between. */
static void test_alike(void **state)
{
	(void)state;
	for (int bit = 0; bit < 64 - 16; bit += 3)
		check_keys(
			&(struct keys){.first = 7, .step = 1ULL << bit, .formats = 1, .n = 65536});
	check_keys(&(struct keys){.step = 1ULL << 56, .formats = 1, .n = 256});
	check_keys(&(struct keys){.step = 0x0101010101010101, .formats = 1, .n = 256});
}

static void test_formats(void **state)
{
	(void)state;
	check_keys(&(struct keys){.step = 1, .formats = 200, .n = MANY});
	check_keys(&(struct keys){.step = 1ULL << 48, .formats = 8, .n = 65536});
}

static void test_long_tags(void **state)
{
	(void)state;
	check_keys(&(struct keys){.step = 1, .formats = 1, .n = MANY, .is_long = true});
	check_keys(&(struct keys){.step = 1ULL << 48, .formats = 2, .n = 65536, .is_long = true});
}

static void test_hopeless(void **state)
{
	const struct keys keys = {.formats = 1, .n = 2, .same = true};
	struct em_perfect table;

	(void)state;
	assert_int_equal(em_perfect_build(&table, hash_keys, &keys, keys.n), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),	 cmocka_unit_test(test_alike),
		cmocka_unit_test(test_formats),	 cmocka_unit_test(test_long_tags),
		cmocka_unit_test(test_hopeless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
