/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * What a policy knows of itself: need, find, names, prefixes, interfaces, and em_policy_finish().
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "config/entities.h"
#include "policy/policy.h"

/* A policy of n listeners "l0", "l1", … on port 5000 of "eth0", in the lines 10, 20, … */
static struct em_policy *make(size_t n)
{
	struct em_policy *policy;
	const char *file;

	assert_int_equal(em_policy_new(&policy), 0);
	file = em_policy_file(policy, "t.conf");
	policy->listeners = calloc(n, sizeof(*policy->listeners));
	policy->n_listeners = n;
	for (size_t i = 0; i < n; i++) {
		struct em_listener *listener = &policy->listeners[i];
		struct em_format *format = calloc(1, sizeof(*format));

		listener->place =
			(struct em_place){.file = file, .line = 10 * (unsigned int)i + 10};
		snprintf(listener->name, sizeof(listener->name), "l%zu", i);
		listener->interfaces = calloc(EM_INTERFACES_MAX, sizeof(*listener->interfaces));
		listener->n_interfaces = 1;
		strcpy(listener->interfaces[0].name, "eth0");
		listener->port = 5000;
		listener->formats = format;
		listener->n_formats = 1;
		format->payload_max = EM_PAYLOAD_MAX;
		format->tag.n_pieces = 1;
		format->tag.length = 4;
		format->tag.pieces[0].length = 4;
		memset(format->tag.mask, 0xff, sizeof(format->tag.mask));
	}
	return policy;
}

static void add(struct em_policy *policy, uint32_t tag, const char *name)
{
	struct em_format *format = policy->listeners[0].formats;
	const struct em_entity entity = {
		.place = {policy->files[0], 100 + (unsigned int)format->n_entities},
		.name = name ? strdup(name) : NULL,
		.tag = {tag >> 24, tag >> 16 & 0xff, tag >> 8 & 0xff, tag & 0xff},
		.action = {EM_PORT, 6000},
	};

	assert_int_equal(em_entities_append(format, &entity), 0);
	format->n_listed = format->n_entities;
}

static void expect_finish(struct em_policy *policy, int code, const char *expected)
{
	char *messages;
	size_t size;
	FILE *stream = open_memstream(&messages, &size);
	struct em_diag diag;

	em_diag_init(&diag, stream);
	assert_int_equal(em_policy_finish(policy, &diag), code);
	fclose(stream);
	assert_string_equal(messages, expected);
	free(messages);
}

static void test_files(void **state)
{
	struct em_policy *policy = make(0);
	const char *a = em_policy_file(policy, "a");

	(void)state;
	assert_string_equal(a, "a");
	assert_ptr_not_equal(em_policy_file(policy, "b"), a);
	assert_ptr_equal(em_policy_file(policy, "a"), a);
	assert_int_equal(policy->n_files, 3);
	em_policy_free(policy);
	em_policy_free(NULL);
}

static void test_need(void **state)
{
	struct em_policy *policy = make(1);
	struct em_format *format = policy->listeners[0].formats;

	(void)state;
	assert_int_equal(em_format_need(format), 4);
	format->tag.n_pieces = 2;
	format->tag.pieces[0] = (struct em_piece){.offset = 20, .length = 2};
	format->tag.pieces[1] = (struct em_piece){.offset = 10, .length = 2};
	assert_int_equal(em_format_need(format), 22);
	format->n_checks = 1;
	format->checks[0] = (struct em_check){.offset = 1020, .length = 4};
	assert_int_equal(em_format_need(format), 1024);
	em_policy_free(policy);
}

static void test_find(void **state)
{
	static const uint32_t tags[] = {0xdeadbeef, 0, 0x01020304, 0xffffffff, 0x01020305};
	struct em_policy *policy = make(1);
	struct em_format *format = policy->listeners[0].formats;
	char text[EM_COVER_TEXT_MAX];

	(void)state;
	expect_finish(policy, 0, "");
	assert_null(em_format_find(format, (const uint8_t *)"\1\2\3\4", NULL));
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		add(policy, tags[i], i == 2 ? "c" : NULL);
	expect_finish(policy, 0, "");
	for (size_t i = 0; i < format->n_entities; i++)
		assert_ptr_equal(em_format_find(format, format->entities[i].tag, NULL),
				 &format->entities[i]);
	assert_null(em_format_find(format, (const uint8_t *)"\1\2\3\3", NULL));
	assert_null(em_format_find(format, (const uint8_t *)"\xff\xff\xff\xfe", NULL));
	assert_string_equal(em_tag_format(format, format->entities[0].tag, text), "0xdeadbeef");
	assert_string_equal(em_entity_name(format, &format->entities[1], text), "0x00000000");
	assert_string_equal(em_entity_name(format, &format->entities[2], text), "c");
	em_policy_free(policy);
}

static void test_duplicates(void **state)
{
	struct em_policy *policy = make(2);

	(void)state;
	policy->listeners[1].port = 5001;
	strcpy(policy->listeners[1].name, "l0");
	add(policy, 2, "x");
	add(policy, 1, "y");
	add(policy, 2, "z");
	add(policy, 2, NULL);
	add(policy, 3, "x");
	add(policy, 4, NULL);
	add(policy, 5, "0x00000004");
	add(policy, 6, "0x00000007");
	add(policy, 7, NULL);
	/* As if from a file of its own, where the line says which one it is. */
	policy->listeners[0].formats->n_listed = 4;
	expect_finish(
		policy, -EM_EUSAGE,
		"entitymux: t.conf:20: listeners[1].name: \"l0\" is the name of another "
		"listener already (line 10)\n"
		"entitymux: t.conf:102: entities[2].tag: 0x00000002 is the tag of \"x\" already "
		"(line 100)\n"
		"entitymux: t.conf:103: entities[3].tag: 0x00000002 is the tag of \"x\" already "
		"(line 100)\n"
		"entitymux: t.conf:104: name: \"x\" is the name of another entity already "
		"(line 100)\n"
		"entitymux: t.conf:106: name: \"0x00000004\" is the name of another entity "
		"already (line 105)\n"
		"entitymux: t.conf:108: name: \"0x00000007\" is the name of another entity "
		"already (line 107)\n");
	em_policy_free(policy);
}

static void test_claims(void **state)
{
	struct em_policy *policy = make(3);
	struct em_listener *listeners = policy->listeners;

	(void)state;
	/* The second has one with addresses beside it, the third claims what the first does. */
	listeners[1].addresses = calloc(1, sizeof(*listeners[1].addresses));
	listeners[1].n_addresses = 1;
	listeners[1].addresses[0].family = AF_INET;
	strcpy(listeners[2].interfaces[0].name, "wlan0");
	strcpy(listeners[2].interfaces[1].name, "eth0");
	listeners[2].n_interfaces = 2;
	expect_finish(
		policy, -EM_EUSAGE,
		"entitymux: t.conf:30: listener \"l2\": port 5000 on eth0 is claimed by "
		"listener \"l0\" already (line 10), expected another port, interface, vlan or "
		"address\n");
	listeners[2].vlan = 1;
	expect_finish(policy, 0, "");
	em_policy_free(policy);
}

static void test_never_matches(void **state)
{
	struct em_policy *policy = make(1);
	struct em_format *format = policy->listeners[0].formats;

	(void)state;
	format->tag.mask[0] = 0x0f;
	for (uint32_t i = 0; i < 22; i++)
		add(policy, 0x10000000 + i, NULL);
	add(policy, 0x0f000000, NULL);
	format->payload_max = 3;
	{
		char *messages;
		size_t size, lines = 0;
		FILE *stream = open_memstream(&messages, &size);
		struct em_diag diag;

		em_diag_init(&diag, stream);
		assert_int_equal(em_policy_finish(policy, &diag), 0);
		fclose(stream);
		for (size_t i = 0; i < size; i++)
			lines += messages[i] == '\n';
		assert_int_equal(lines, 22);
		assert_int_equal(diag.warnings, 22);
		assert_non_null(strstr(messages, "tag and checks need 4 bytes and at most 3"));
		assert_non_null(strstr(messages, "entities[19].tag: 0x10000013 can never match, it "
						 "has bits outside the mask 0x0fffffff\n"));
		assert_non_null(strstr(messages, "… and 2 more tags that can never match\n"));
		free(messages);
	}
	em_policy_free(policy);
}

static void test_a_million(void **state)
{
	struct em_policy *policy = make(1);
	struct em_format *format = policy->listeners[0].formats;
	const struct em_entity one_more = {.name = strdup("x")};

	(void)state;
	for (uint32_t i = 0; i < EM_ENTITIES_MAX; i++)
		add(policy, i * 2654435761U, NULL);
	assert_int_equal(em_entities_append(format, &one_more), -E2BIG);
	expect_finish(policy, 0, "");
	for (size_t i = 0; i < EM_ENTITIES_MAX; i++)
		assert_ptr_equal(em_format_find(format, format->entities[i].tag, NULL),
				 &format->entities[i]);
	em_policy_free(policy);
}

static void test_prefix(void **state)
{
	struct em_address a = {.family = AF_INET, .bytes = {10, 1, 2, 3}};
	struct em_address b = {.family = AF_INET6, .bytes = {10, 1, 2, 3}};
	struct em_prefix prefix = {.address = {.family = AF_INET, .bytes = {10, 1, 2, 2}}};

	(void)state;
	for (uint8_t length = 0; length <= 32; length++) {
		prefix.length = length;
		assert_int_equal(em_prefix_holds(&prefix, &a), length < 32);
		assert_false(em_prefix_holds(&prefix, &b));
	}
	prefix.address = b;
	prefix.length = 128;
	assert_true(em_prefix_holds(&prefix, &b));
	b.bytes[15] = 1;
	assert_false(em_prefix_holds(&prefix, &b));
	prefix.length = 127;
	assert_true(em_prefix_holds(&prefix, &b));
	assert_false(em_prefix_holds(&prefix, &a));
}

static void test_names(void **state)
{
	static const char *const names[] = {"auto", "xdp", "xdp-generic", "tc", "nft"};

	(void)state;
	for (int i = 0; i < EM_BACKENDS; i++) {
		assert_string_equal(em_backend_name((enum em_backend)i), names[i]);
		assert_int_equal(em_backend_parse(names[i]), i);
	}
	assert_int_equal(em_backend_parse("XDP"), -1);
	assert_string_equal(em_reason_name(EM_REASON_SOURCE), "source");
	assert_string_equal(em_reason_name(EM_REASON_LENGTH), "length");
	assert_string_equal(em_reason_name(EM_REASON_CHECK), "check");
}

static void test_interfaces(void **state)
{
	struct em_policy *policy = make(3);
	char(*names)[IF_NAMESIZE];

	(void)state;
	strcpy(policy->listeners[0].interfaces[1].name, "abcdefghijklmno");
	policy->listeners[0].n_interfaces = 2;
	strcpy(policy->listeners[2].interfaces[0].name, "a");
	strcpy(policy->listeners[2].interfaces[1].name, "eth0");
	policy->listeners[2].n_interfaces = 2;
	assert_int_equal(em_policy_interfaces(policy, &names), 3);
	assert_string_equal(names[0], "eth0");
	assert_string_equal(names[1], "abcdefghijklmno");
	assert_string_equal(names[2], "a");
	assert_true(em_listener_on(&policy->listeners[2], "a"));
	assert_false(em_listener_on(&policy->listeners[1], "a"));
	free(names);
	em_policy_free(policy);
}

static void test_bytes(void **state)
{
	static const struct {
		const char *text;
		int length;
		uint8_t bytes[4];
	} samples[] = {
		{"0x00", 1, {0}},
		{"0xDeadBeef", 4, {0xde, 0xad, 0xbe, 0xef}},
		{"0x0102030405", 5, {1, 2, 3, 4}},
		{"text:a", 1, {'a'}},
		{"text:0x41", 4, {'0', 'x', '4', '1'}},
		{"0x", -1},
		{"0x1", -1},
		{"0x1g", -1},
		{"0x 1", -1},
		{"0X11", -1},
		{"text:", -1},
		{"", -1},
		{"11", -1},
		{" 0x11", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		uint8_t bytes[4] = {0};
		const char *expected = NULL;

		assert_int_equal(em_bytes_parse(samples[i].text, bytes, 4, &expected),
				 samples[i].length);
		if (samples[i].length < 0)
			assert_non_null(expected);
		else
			assert_memory_equal(bytes, samples[i].bytes, 4);
	}
}

static void test_entity_names(void **state)
{
	static const char *const good[] = {"a",
					   "a b",
					   "#,'",
					   "\xc3\xb8",
					   "\xe2\x82\xac",
					   "\xf0\x9f\x90\xb8",
					   "\xf4\x8f\xbf\xbf",
					   "\xc2\xa0"};
	static const char *const bad[] = {
		"",
		" a",
		"a ",
		"a\"",
		"a\\",
		"\t",
		"\x7f",
		"\xc2\x85",
		"\x80",
		"\xc3",
		"\xc0\x80",
		"\xe0\x80\x80",
		"\xed\xa0\x80",
		"\xf0\x80\x80\x80",
		"\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80\x80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_null(em_entity_name_check(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(em_entity_name_check(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),	  cmocka_unit_test(test_need),
		cmocka_unit_test(test_find),	  cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_claims),	  cmocka_unit_test(test_never_matches),
		cmocka_unit_test(test_a_million), cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_names),	  cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_bytes),	  cmocka_unit_test(test_entity_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
