/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* The lines of `stats --watch`: numbers for people, and rates between two snapshots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "print/human.h"
#include "print/rates.h"

static void test_human(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{0, "0"},	   {0.04, "0"},	     {0.06, "0.1"},    {0.96, "1"},
		{1.24, "1.2"},	   {9.94, "9.9"},    {9.96, "10"},     {42.4, "42"},
		{999.4, "999"},	   {999.5, "1k"},    {1249, "1.25k"},  {1200, "1.2k"},
		{43210, "43.2k"},  {99960, "100k"},  {999499, "999k"}, {999500, "1M"},
		{5600000, "5.6M"}, {100e6, "100M"},  {1e9, "1G"},      {7.2e12, "7.2T"},
		{1e15, "1P"},	   {9.2e18, "9.2E"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[EM_HUMAN_SIZE];

		assert_string_equal(em_human(text, cases[i].value), cases[i].text);
	}
	for (int count = 9998; count < 10001; count++) {
		char text[EM_HUMAN_SIZE];

		assert_string_equal(em_human_count(text, count), count == 9998	 ? "9998"
								 : count == 9999 ? "9999"
										 : "10k");
	}
}

static struct em_snapshot snapshot_of(const char *listeners)
{
	char path[] = "/tmp/entitymux-test-XXXXXX";
	struct em_snapshot snapshot = {0};
	struct em_diag diag;
	FILE *file = fdopen(mkstemp(path), "w");

	assert_non_null(file);
	fprintf(file, "listeners = ( %s );\n", listeners);
	assert_int_equal(fclose(file), 0);
	em_diag_init(&diag, stderr);
	assert_int_equal(em_config_read(&snapshot.policy, path, &diag), 0);
	assert_int_equal(em_stats_new(&snapshot.stats, snapshot.policy), 0);
	unlink(path);
	return snapshot;
}

static void expect(const struct em_snapshot *before, const struct em_snapshot *now, double seconds,
		   const struct em_rows_wanted *wanted, const char *expected)
{
	struct em_rates rates;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(em_rates_init(&rates, before, now, seconds, wanted), 0);
	em_rates_print_headings(out, &rates);
	fputc('\n', out);
	for (size_t i = 0; i < rates.n; i++) {
		fputc(em_rates_is_listener(&rates, i) ? '*' : ' ', out);
		em_rates_print_line(out, &rates, i);
		fputc('\n', out);
	}
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, expected);
	em_rates_clear(&rates);
	free(text);
}

#define LISTENER(name, port, entities)                                                             \
	"{ name = \"" name "\"; interfaces = [ \"eth0\" ]; port = " port ";"                       \
	" tag = { offset = 4; length = 1; }; entities = ( " entities " ); }"
#define A "{ name = \"a\"; tag = \"0x01\"; port = 6001; }"
#define B "{ name = \"b long\"; tag = \"0x02\"; port = \"drop\"; }"
#define C "{ name = \"ü\"; tag = \"0x03\"; port = \"pass\"; }"

static void count(struct em_count *count, uint64_t packets, uint64_t bytes)
{
	*count = (struct em_count){packets, bytes};
}

/* The later policy has other entities, in another order: rates are those of what both have. */
static void test_rates(void **state)
{
	struct em_snapshot before =
		snapshot_of(LISTENER("gone", "5001", "") ", " LISTENER("l", "5000", B ", " A));
	struct em_snapshot now = snapshot_of(LISTENER("l", "5000", A ", " C ", " B));
	struct em_rows_wanted wanted = {.order = EM_ROWS_BY_PACKETS};

	(void)state;
	count(&before.stats->listeners[1].entities[0], 100, 1000);
	count(&before.stats->listeners[1].entities[1], 5, 50);
	count(&before.stats->listeners[1].total, 105, 1050);
	count(&now.stats->listeners[0].entities[0], 6, 80);
	count(&now.stats->listeners[0].entities[1], 2000, 4000000);
	count(&now.stats->listeners[0].entities[2], 200, 3000);
	count(&now.stats->listeners[0].total, 2308, 4003180);
	now.stats->listeners[0].rewritten = 1;
	now.stats->listeners[0].passed = 2000;
	now.stats->listeners[0].dropped = 100;
	now.stats->listeners[0].unknown = 2;
	now.stats->listeners[0].invalid[EM_REASON_LENGTH] = 100;
	/* Negative, after a reset in between. */
	before.stats->listeners[1].invalid[EM_REASON_CHECK] = 7;
	expect(&before, &now, 2, &wanted,
	       "NAME       PORT  PACKETS/S  BYTES/S\n"
	       "*l          5000       1.1k       2M  ####################\n"
	       "   rewritten 0.5, passed 1k, dropped 50, unknown 1, invalid 50 (source 0, length "
	       "50,"
	       " check 0)\n"
	       "   ü        pass         1k       2M  ####################\n"
	       "   b long   drop         50       1k  #\n"
	       "   a        6001        0.5       15  #\n");
	em_snapshot_clear(&before);
	em_snapshot_clear(&now);
}

static void test_first(void **state)
{
	struct em_snapshot now =
		snapshot_of(LISTENER("l", "5000", C ", " A) ", " LISTENER("m", "5001", ""));
	char name[] = "l/[a-z]", *names[] = {name, NULL};
	struct em_rows_wanted wanted = {.names = names};

	(void)state;
	now.stats->listeners[0].unknown = 2;
	expect(NULL, &now, 5, &wanted,
	       "NAME   PORT  PACKETS/S  BYTES/S\n"
	       "*l      5000          -        -  \n"
	       "   rewritten -, passed -, dropped -, unknown -, invalid -\n"
	       "   a    6001          -        -  \n");
	em_snapshot_clear(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_human),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
