/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* Unknown tags: the list, what is printed of it to the letter, and the ports that are proposed. */
#include <arpa/inet.h>
#include <errno.h>
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
#include "policy/ports.h"
#include "policy/unknown.h"
#include "print/print.h"

static const char configuration[] =
	"listeners = ("
	"  { name = \"a\"; interfaces = [ \"eth0\" ]; port = 5000; tag = { offset = 0; length = 2; "
	"};"
	"    entities = ( { name = \"xy\"; tag = \"0x0001\"; port = 6001; } ); },"
	"  { name = \"b\"; interfaces = [ \"eth0\" ]; port = 65534;"
	"    formats = ( { name = \"v4\"; payload = { max = 9; }; tag = { offset = 0; length = 1; "
	"};"
	"                  entities = ( ); },"
	"                { name = \"v6\"; tag = { offset = 0; length = 3; }; entities = ( ); } ); "
	"} );";

static struct em_policy *read_policy(void)
{
	char path[] = "/tmp/entitymux-test-XXXXXX";
	struct em_policy *policy = NULL;
	struct em_diag diag;
	FILE *file = fdopen(mkstemp(path), "w");

	assert_non_null(file);
	fputs(configuration, file);
	assert_int_equal(fclose(file), 0);
	em_diag_init(&diag, stderr);
	assert_int_equal(em_config_read(&policy, path, &diag), 0);
	unlink(path);
	return policy;
}

static void add(struct em_unknown_list *list, const struct em_policy *policy, size_t listener,
		size_t format, const char *tag, uint64_t packets, uint64_t seconds)
{
	struct em_unknown unknown = {.listener = &policy->listeners[listener],
				     .format = &policy->listeners[listener].formats[format],
				     .packets = packets,
				     .age = seconds * EM_SECOND + 5 * EM_SECOND / 10};

	memcpy(unknown.tag, tag, unknown.format->tag.length);
	if (listener) {
		unknown.sender.family = format ? AF_INET6 : AF_INET;
		assert_int_equal(inet_pton(unknown.sender.family,
					   format ? "2001:db8::5" : "192.0.2.9",
					   unknown.sender.bytes),
				 1);
		/* nft does not know it. */
		unknown.sender_port = packets == 40 ? 0 : 4444;
	}
	assert_int_equal(em_unknown_add(list, &unknown), 0);
}

/* In no order, one of them twice. */
static struct em_unknown_list make_list(const struct em_policy *policy)
{
	struct em_unknown_list list = {0};

	add(&list, policy, 1, 1, "\x01\x02\x03", 9, 7300);
	add(&list, policy, 1, 1, "abc", 12, 120);
	add(&list, policy, 1, 1, "abd", 40, 120);
	add(&list, policy, 1, 0, "\xff", 1, 0);
	add(&list, policy, 0, 0, "xy", 3, 59);
	add(&list, policy, 0, 0, "zz", 3, 3599);
	add(&list, policy, 0, 0, "xy", 2, 60);
	add(&list, policy, 0, 0, "\"\"", 40000, 1);
	add(&list, policy, 0, 0, "\0\0", 4, 3600);
	return list;
}

static void expect(const struct em_policy *policy, char *const *words, bool json,
		   const char *expected)
{
	struct em_unknown_list list = make_list(policy);
	struct em_document out;
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	em_unknown_arrange(&list);
	em_document_init(&out, stream, json);
	em_print_unknown(&out, policy, &list, words);
	assert_int_equal(em_document_end(&out), 0);
	assert_int_equal(fclose(stream), 0);
	assert_string_equal(text, expected);
	free(text);
	em_unknown_clear(&list);
}

static void test_print(void **state)
{
	struct em_policy *policy = read_policy();
	char *const formats[] = {(char[]){"b:v4"}, NULL}, *const all[] = {NULL};

	(void)state;
	expect(policy, all, false,
	       "listener a, port 5000\n"
	       "  TAG          PACKETS   SEEN  SENDER\n"
	       "  0x2222 \"\"\"\"    40000     1s  ?\n"
	       "  0x7879 \"xy\"        3    59s  ?\n"
	       "  0x7a7a \"zz\"        3    59m  ?\n"
	       "listener b, port 65534\n"
	       "  format v4\n"
	       "  TAG             PACKETS   SEEN  SENDER\n"
	       "  0xff                  1     0s  192.0.2.9:4444\n"
	       "  format v6\n"
	       "  TAG             PACKETS   SEEN  SENDER\n"
	       "  0x616264 \"abd\"       40     2m  2001:db8::5\n"
	       "  0x616263 \"abc\"       12     2m  [2001:db8::5]:4444\n");
	expect(policy, formats, true,
	       "{\n  \"schema\": 1,\n  \"listeners\": [\n    { \"name\": \"b\", \"unknown\": [\n"
	       "      { \"tag\": \"0xff\", \"format\": \"v4\", \"packets\": 1, \"last_seen\": 0.5, "
	       "\"sender\": \"192.0.2.9:4444\" }\n    ] }\n  ]\n}\n");
	em_policy_free(policy);
}

/* A tag that is text is a name, unless it is somebody's or has quotes. */
static void test_config(void **state)
{
	struct em_policy *policy = read_policy();
	struct em_unknown_list list = make_list(policy);
	char *const words[] = {NULL};
	struct em_ports used = {{0}};
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	assert_non_null(stream);
	em_unknown_arrange(&list);
	em_ports_add(&used, 5001);
	em_ports_add(&used, 65535);
	assert_int_equal(em_print_unknown_config(stream, &list, words, &used), 0);
	assert_int_equal(fclose(stream), 0);
	assert_string_equal(text,
			    "# listener a\n"
			    "{ tag = \"0x2222\"; port = 5002; }, # packets 40000, last 1s ago\n"
			    "{ tag = \"0x7879\"; port = 5003; }, # packets 3, last 59s ago\n"
			    "{ name = \"zz\"; tag = \"0x7a7a\"; port = 5004; },"
			    " # packets 3, last 59m ago\n"
			    "# listener b, format v4\n"
			    "{ tag = \"0xff\"; port = 1024; },"
			    " # packets 1, last 0s ago, from 192.0.2.9:4444\n"
			    "# listener b, format v6\n"
			    "{ name = \"abd\"; tag = \"0x616264\"; port = 1025; },"
			    " # packets 40, last 2m ago, from 2001:db8::5\n"
			    "{ name = \"abc\"; tag = \"0x616263\"; port = 1026; },"
			    " # packets 12, last 2m ago, from [2001:db8::5]:4444\n");
	free(text);
	em_unknown_clear(&list);
	em_policy_free(policy);
}

static void test_full(void **state)
{
	struct em_policy *policy = read_policy();
	struct em_unknown_list list = make_list(policy);
	char *const words[] = {NULL};
	struct em_ports used;
	FILE *stream = fopen("/dev/null", "we");

	(void)state;
	assert_non_null(stream);
	memset(&used, 0xff, sizeof(used));
	assert_int_equal(em_ports_next_free(&used, 5000), 0);
	assert_int_equal(em_print_unknown_config(stream, &list, words, &used), -ENOSPC);
	used.words[0] = 0;
	assert_int_equal(em_ports_next_free(&used, 0), 0);
	used.words[1500 / EM_PORTS_EACH] = 0;
	assert_int_equal(em_ports_next_free(&used, 0), 1500 / EM_PORTS_EACH * EM_PORTS_EACH);
	assert_int_equal(em_ports_next_free(&used, 65535), 1500 / EM_PORTS_EACH * EM_PORTS_EACH);
	assert_int_equal(em_ports_next_free(&used, 1500), 1501);
	fclose(stream);
	em_unknown_clear(&list);
	em_policy_free(policy);
}

/* The oldest are left out, of one listener alone. */
static void test_many(void **state)
{
	struct em_policy *policy = read_policy();
	struct em_unknown_list list = {0};
	char tag[2];

	(void)state;
	for (size_t i = 0; i < EM_UNKNOWN_MAX + 100; i++) {
		tag[0] = (char)(i >> 8);
		tag[1] = (char)i;
		add(&list, policy, 0, 0, tag, 1, i);
	}
	add(&list, policy, 1, 0, "a", 1, 3000);
	em_unknown_arrange(&list);
	assert_int_equal(list.n, EM_UNKNOWN_MAX + 1);
	for (size_t i = 0; i < EM_UNKNOWN_MAX; i++)
		assert_true(list.all[i].age < EM_UNKNOWN_MAX * EM_SECOND);
	assert_ptr_equal(list.all[EM_UNKNOWN_MAX].listener, &policy->listeners[1]);
	em_unknown_clear(&list);
	em_policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
