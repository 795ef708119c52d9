/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* Counters: sums, and the file of a baseline. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "config/config.h"
#include "policy/stats.h"
#include "state/baseline.h"
#include "tests/lib/counts.h"

#define LISTENER(name, port, length, entities)                                                     \
	"{ name = \"" name "\"; interfaces = [ \"eth0\" ]; port = " port ";"                       \
	" tag = { offset = 4; length = " length "; }; entities = ( " entities " ); }"
#define AND	", "
#define PLANT_A "{ name = \"plant-a\"; tag = \"0xdeadbeef\"; port = 6001; }"
#define PLANT_B "{ name = \"plant-b\"; tag = \"text:PLTB\"; port = 6002; }"
#define AROUND	"{ tag = \"0xdead/16\"; port = 6003; }"
#define WITHIN	"{ tag = \"0xdead0000..0xdeadbeee\"; port = 6004; }"
#define UNNAMED "{ tag = \"0x00000001\"; port = 60003; }"

static struct em_policy *policy_of(const char *listeners)
{
	char path[] = "/tmp/entitymux-test-XXXXXX";
	struct em_policy *policy = NULL;
	struct em_diag diag;
	FILE *file = fdopen(mkstemp(path), "w");

	assert_non_null(file);
	fprintf(file, "listeners = ( %s );\n", listeners);
	assert_int_equal(fclose(file), 0);
	em_diag_init(&diag, stderr);
	assert_int_equal(em_config_read(&policy, path, &diag), 0);
	unlink(path);
	return policy;
}

static struct em_stats *stats_of(const struct em_policy *policy)
{
	struct em_stats *stats = NULL;

	assert_int_equal(em_stats_new(&stats, policy), 0);
	return stats;
}

static struct em_stats *numbered(const struct em_policy *policy, uint64_t number)
{
	struct em_stats *stats = stats_of(policy);

	counts_number(stats, number);
	return stats;
}

static void assert_same(const struct em_stats *a, const struct em_stats *b)
{
	assert_int_equal(a->n_listeners, b->n_listeners);
	for (size_t i = 0; i < a->n_listeners; i++) {
		const struct em_listener_stats *left = &a->listeners[i], *right = &b->listeners[i];

		assert_memory_equal(&left->total, &right->total, sizeof(left->total));
		assert_int_equal(left->rewritten, right->rewritten);
		assert_int_equal(left->passed, right->passed);
		assert_int_equal(left->dropped, right->dropped);
		assert_int_equal(left->unknown, right->unknown);
		assert_int_equal(left->copied, right->copied);
		assert_int_equal(left->copy_errors, right->copy_errors);
		assert_memory_equal(left->invalid, right->invalid, sizeof(left->invalid));
		assert_int_equal(left->n_entities, right->n_entities);
		assert_memory_equal(left->entities, right->entities,
				    left->n_entities * sizeof(*left->entities));
	}
}

static char *saved(const struct em_policy *policy, const struct em_stats *stats)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(em_baseline_write(out, policy, stats), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* The lines that were lost, or what the reading failed with. */
static int load(const char *text, const struct em_policy *policy, struct em_stats *stats)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	unsigned long lost = 0;
	int rc;

	assert_non_null(in);
	rc = em_baseline_read(in, policy, stats, &lost);
	fclose(in);
	return rc ? rc : (int)lost;
}

static void test_new(void **state)
{
	struct em_policy *policy = policy_of(LISTENER("a", "1", "4", PLANT_A AND PLANT_B)
						     AND LISTENER("b", "2", "4", ""));
	struct em_stats *stats = stats_of(policy);

	(void)state;
	assert_int_equal(stats->n_listeners, 2);
	assert_int_equal(stats->listeners[0].n_entities, 2);
	assert_int_equal(stats->listeners[0].entities[1].bytes, 0);
	assert_int_equal(stats->listeners[1].n_entities, 0);
	em_stats_free(stats);
	em_stats_free(NULL);
	em_policy_free(policy);
}

static void test_add(void **state)
{
	struct em_policy *old = policy_of(LISTENER("gone", "1", "4", PLANT_A) AND LISTENER(
		"kept", "2", "4", PLANT_A AND PLANT_B) AND LISTENER("retagged", "3", "4", PLANT_A));
	struct em_policy *policy =
		policy_of(LISTENER("retagged", "3", "2", "{ tag = \"0xdead\"; port = 1; }")
				  AND LISTENER("kept", "9", "4", UNNAMED AND PLANT_B AND PLANT_A)
					  AND LISTENER("new", "4", "4", PLANT_A));
	struct em_stats *from = numbered(old, 100);
	struct em_stats *into = stats_of(policy);
	struct em_stats *expected = stats_of(policy);

	(void)state;
	/* gone is 100-110, kept 111-123, retagged 124-134 */
	expected->listeners[0].total = (struct em_count){124, 125, 0};
	expected->listeners[0].rewritten = 126;
	expected->listeners[0].passed = 127;
	expected->listeners[0].dropped = 128;
	expected->listeners[0].unknown = 129;
	for (int reason = 0; reason < EM_REASONS; reason++)
		expected->listeners[0].invalid[reason] = 130 + reason;
	expected->listeners[1].total = (struct em_count){111, 112, 0};
	expected->listeners[1].rewritten = 113;
	expected->listeners[1].passed = 114;
	expected->listeners[1].dropped = 115;
	expected->listeners[1].unknown = 116;
	for (int reason = 0; reason < EM_REASONS; reason++)
		expected->listeners[1].invalid[reason] = 117 + reason;
	expected->listeners[0].copied = 233;
	expected->listeners[0].copy_errors = 333;
	expected->listeners[1].copied = 220;
	expected->listeners[1].copy_errors = 320;
	expected->listeners[1].entities[1] = (struct em_count){122, 123, 0, .copied = 424};
	expected->listeners[1].entities[2] = (struct em_count){120, 121, 0, .copied = 422};
	em_stats_add(into, policy, from, old);
	assert_same(into, expected);

	em_stats_add(into, policy, into, policy);
	assert_int_equal(into->listeners[1].entities[2].bytes, 242);
	assert_int_equal(into->listeners[1].invalid[EM_REASON_CHECK], 238);
	em_stats_free(expected);
	em_stats_free(into);
	em_stats_free(from);
	em_policy_free(policy);
	em_policy_free(old);
}

static void test_negate(void **state)
{
	struct em_policy *policy = policy_of(LISTENER("a", "1", "4", PLANT_A AND PLANT_B));
	struct em_stats *stats = numbered(policy, 5);
	struct em_stats *sum = numbered(policy, 5);
	struct em_stats *zero = stats_of(policy);

	(void)state;
	em_stats_negate(stats);
	assert_int_equal(stats->listeners[0].total.packets, (uint64_t)-5);
	em_stats_add(sum, policy, stats, policy);
	assert_same(sum, zero);
	em_stats_free(zero);
	em_stats_free(sum);
	em_stats_free(stats);
	em_policy_free(policy);
}

static void test_settle(void **state)
{
	struct em_policy *policy = policy_of(LISTENER("a", "1", "4", PLANT_A AND PLANT_B));
	struct em_stats *negative = numbered(policy, 5);
	struct em_stats *positive = numbered(policy, 5);
	struct em_stats *same = numbered(policy, 5);
	struct em_stats *zero = stats_of(policy);

	(void)state;
	em_stats_negate(negative);
	em_stats_settle(negative);
	assert_same(negative, zero);
	em_stats_settle(positive);
	assert_same(positive, same);
	em_stats_free(zero);
	em_stats_free(same);
	em_stats_free(positive);
	em_stats_free(negative);
	em_policy_free(policy);
}

static void test_save(void **state)
{
	struct em_policy *policy =
		policy_of(LISTENER("a", "1", "4", UNNAMED AND PLANT_A AND PLANT_B AND WITHIN));
	struct em_stats *stats = numbered(policy, 1);
	char *text;

	(void)state;
	stats->listeners[0].entities[0] = (struct em_count){0, 0, 0};
	stats->listeners[0].entities[1] = (struct em_count){(uint64_t)-1, 0, 0};
	stats->listeners[0].entities[2] = (struct em_count){0, 5, 0};
	stats->listeners[0].entities[3] = (struct em_count){6, 7, 0, .copied = 8};
	text = saved(policy, stats);
	assert_string_equal(text, "format 1\n"
				  "listener a packets=1 bytes=2 rewritten=3 passed=4 dropped=5 "
				  "unknown=6 source=7 length=8 check=9 copied=110 "
				  "copy_errors=210\n"
				  "entity 0xdeadbeef packets=18446744073709551615 bytes=0\n"
				  "entity 0x504c5442 packets=0 bytes=5\n"
				  "entity 0xdead0000..0xdeadbeee packets=6 bytes=7 copied=8\n");
	free(text);
	em_stats_free(stats);
	em_policy_free(policy);
}

static void test_load(void **state)
{
	struct em_policy *policy =
		policy_of(LISTENER("a", "1", "4", UNNAMED AND PLANT_A AND AROUND AND WITHIN)
				  AND LISTENER("b", "2", "2", "{ tag = \"0xbeef\"; port = 7; }"));
	struct em_policy *other = policy_of(
		LISTENER("b", "1", "2", "") AND LISTENER("a", "2", "4", WITHIN AND PLANT_A));
	struct em_stats *stats = numbered(policy, 1), *negative = numbered(policy, 1);
	struct em_stats *loaded = stats_of(policy), *fewer = stats_of(other);
	struct em_stats *expected = stats_of(other);
	char *text = saved(policy, stats);

	(void)state;
	assert_int_equal(load(text, policy, loaded), 0);
	assert_same(loaded, stats);

	/* Other listeners, tags and orders: as a sum of the same would be. */
	assert_int_equal(load(text, other, fewer), 0);
	em_stats_add(expected, other, stats, policy);
	assert_same(fewer, expected);
	assert_int_equal(fewer->listeners[1].entities[0].packets, 16);
	assert_int_equal(fewer->listeners[1].entities[1].packets, 12);
	free(text);

	/* It adds, and a negative comes back as one. */
	em_stats_negate(negative);
	text = saved(policy, negative);
	assert_int_equal(load(text, policy, loaded), 0);
	em_stats_add(stats, policy, negative, policy);
	assert_same(loaded, stats);
	assert_int_equal(loaded->listeners[0].total.packets, 0);
	free(text);
	em_stats_free(expected);
	em_stats_free(fewer);
	em_stats_free(loaded);
	em_stats_free(negative);
	em_stats_free(stats);
	em_policy_free(other);
	em_policy_free(policy);
}

/* Of a listener that is gone, and of a listener whose tag has another length now. */
static void test_load_others(void **state)
{
	struct em_policy *policy =
		policy_of(LISTENER("a", "1", "2", "{ tag = \"0xdead\"; port = 7; }"));
	struct em_stats *stats = stats_of(policy), *zero = stats_of(policy);

	(void)state;
	assert_int_equal(load("format 1\n"
			      "listener gone packets=1\nentity 0xdead packets=8 bytes=9\n"
			      "listener a packets=0\nentity 0xdeadbeef packets=8 bytes=9\n",
			      policy, stats),
			 0);
	assert_same(stats, zero);
	em_stats_free(zero);
	em_stats_free(stats);
	em_policy_free(policy);
}

/* A newer version has counters and lines that this one has not. */
static void test_load_unknown(void **state)
{
	struct em_policy *policy = policy_of(LISTENER("a", "1", "4", PLANT_A));
	struct em_stats *stats = stats_of(policy);

	(void)state;
	assert_int_equal(load("format 1\nshards 4 x\n"
			      "listener a mirrored=9 packets=3 ttl=1\nshard 2\n"
			      "entity 0xdeadbeef bytes=7 mirrored=1 packets=2\n\n",
			      policy, stats),
			 0);
	assert_int_equal(stats->listeners[0].total.packets, 3);
	assert_int_equal(stats->listeners[0].total.bytes, 0);
	assert_int_equal(stats->listeners[0].entities[0].packets, 2);
	assert_int_equal(stats->listeners[0].entities[0].bytes, 7);
	em_stats_free(stats);
	em_policy_free(policy);
}

#define HEAD "format 1\nlistener a packets=1\n"

/* What makes sense is not lost with what does not. */
static void test_load_malformed(void **state)
{
	static const struct {
		const char *text;
		int lost; /* or an error */
		uint64_t packets, of_entity;
	} malformed[] = {
		{"", -EBADMSG, 0, 0},
		{"format\n", -EBADMSG, 0, 0},
		{"format 0\n", -EBADMSG, 0, 0},
		{"format 2\n", -EBADMSG, 0, 0},
		{"format 1", -EBADMSG, 0, 0},
		{"listener a packets=1\n", -EBADMSG, 0, 0},
		{"format 1\nentity 0xdeadbeef packets=1\n", 1, 0, 0}, /* of no listener */
		{"format 1\nlistener a packets=1 \nentity 0xdeadbeef packets=1\n", 2, 0, 0},
		{"format 1\nlistener a packets=-1\nlistener a packets=2\n", 1, 2, 0},
		{"format 1\nlistener a packets=0x1\n", 1, 0, 0},
		{"format 1\nlistener a packets=18446744073709551616\n", 1, 0, 0},
		{"format 1\nlistener a packets\n", 1, 0, 0},
		{"format 1\nlistener\n", 1, 0, 0},
		{HEAD "entity\nentity 0xdeadbeef packets=5\n", 1, 1, 5},
		{HEAD "entity 0xdeadbeef 1 2\n", 1, 1, 0},
		{HEAD "entity deadbeef packets=1\n", 1, 1, 0},
		{HEAD "entity 0xdeadbeef packets=5\nentity 0xdeadbeef packe", 1, 1, 5},
	};
	struct em_policy *policy = policy_of(LISTENER("a", "1", "4", PLANT_A));

	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		struct em_stats *stats = stats_of(policy);

		if (load(malformed[i].text, policy, stats) != malformed[i].lost)
			fail_msg("lost something else: %s", malformed[i].text);
		assert_int_equal(stats->listeners[0].total.packets, malformed[i].packets);
		assert_int_equal(stats->listeners[0].entities[0].packets, malformed[i].of_entity);
		em_stats_free(stats);
	}
	em_policy_free(policy);
}

static void test_full(void **state)
{
	struct em_policy *policy = policy_of(LISTENER("a", "1", "4", PLANT_A));
	struct em_stats *stats = numbered(policy, 1);
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(out);
	assert_int_equal(em_baseline_write(out, policy, stats), -ENOSPC);
	fclose(out);
	em_stats_free(stats);
	em_policy_free(policy);
}

/* Of two looks at counters without a clock, and before the first. */
static void test_note(void **state)
{
	struct em_policy *policy =
		policy_of(LISTENER("a", "1", "4", UNNAMED AND PLANT_A AND PLANT_B));
	struct em_stats *sums = stats_of(policy), *live = stats_of(policy);
	struct em_stats *seen = stats_of(policy);
	struct em_count *sum = sums->listeners[0].entities, *now = live->listeners[0].entities;

	(void)state;
	sums->read_at = 900;
	now[0].packets = 5;
	sum[1].last = 30; /* of a backend with a clock */
	sum[1].packets = 7;
	em_stats_note(sums, live, NULL);
	assert_int_equal(sums->since, 900);
	assert_int_equal(em_count_seen(&sum[0]), EM_SEEN_UNKNOWN);
	assert_int_equal(sum[1].last, 30);
	assert_int_equal(em_count_seen(&sum[2]), EM_SEEN_NEVER);

	em_stats_take_times(live, sums);
	em_stats_add(seen, policy, live, policy);
	assert_int_equal(seen->since, 900);
	sums->read_at = 1000;
	now[1].packets = 1;
	now[2].packets = 1;
	em_stats_note(sums, live, seen);
	assert_int_equal(sums->since, 900);
	assert_int_equal(em_count_seen(&sum[0]), EM_SEEN_UNKNOWN);
	assert_int_equal(sum[1].last, 1000);
	assert_int_equal(sum[2].last, 1000);
	em_stats_free(sums);
	em_stats_free(live);
	em_stats_free(seen);
	em_policy_free(policy);
}

static void test_silent(void **state)
{
	const struct em_stats stats = {.read_at = 100 * EM_SECOND, .since = 95 * EM_SECOND};
	static const struct {
		struct em_count count;
		enum em_seen seen;
		uint32_t longest; /* that it is known to be silent; 0: not a second */
	} counts[] = {
		{{0, 0, 0}, EM_SEEN_NEVER, UINT32_MAX},
		{{1, 1, 0}, EM_SEEN_UNKNOWN, 5},
		{{0, 0, EM_LAST_UNKNOWN}, EM_SEEN_UNKNOWN, 5},
		{{0, 0, 98 * EM_SECOND}, EM_SEEN_AT, 2},
		{{9, 9, 40 * EM_SECOND}, EM_SEEN_AT, 60},
		{{9, 9, 101 * EM_SECOND}, EM_SEEN_AT, 0}, /* it came while we read */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		const struct em_count *count = &counts[i].count;

		assert_int_equal(em_count_seen(count), counts[i].seen);
		if (counts[i].longest)
			assert_true(em_stats_is_silent(&stats, count, counts[i].longest));
		if (counts[i].longest < UINT32_MAX)
			assert_false(em_stats_is_silent(&stats, count, counts[i].longest + 1));
	}
}

/* They are kept as they are: a negative counter has them, too, and of two the later one counts. */
static void test_times(void **state)
{
	struct em_policy *policy = policy_of(LISTENER("a", "1", "4", PLANT_A AND PLANT_B));
	struct em_stats *stats = stats_of(policy), *loaded = stats_of(policy);
	char *text;

	(void)state;
	stats->since = 7;
	stats->listeners[0].entities[1].last = 99;
	em_stats_negate(stats);
	text = saved(policy, stats);
	assert_non_null(strstr(text, "\nsince 7\n"));
	assert_non_null(strstr(text, "\nentity 0x504c5442 packets=0 bytes=0 last=99\n"));
	loaded->listeners[0].entities[1].last = 98;
	assert_int_equal(load(text, policy, loaded), 0);
	assert_int_equal(loaded->since, 7);
	assert_int_equal(loaded->listeners[0].entities[1].last, 99);
	loaded->listeners[0].entities[1].last = 100;
	loaded->since = 8;
	assert_int_equal(load(text, policy, loaded), 0);
	assert_int_equal(loaded->since, 8);
	assert_int_equal(loaded->listeners[0].entities[1].last, 100);
	assert_int_equal(load("format 1\nsince x\n", policy, loaded), 1);
	free(text);
	em_stats_free(stats);
	em_stats_free(loaded);
	em_policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_negate),
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_save),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_others),
		cmocka_unit_test(test_load_unknown),
		cmocka_unit_test(test_load_malformed),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_note),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
