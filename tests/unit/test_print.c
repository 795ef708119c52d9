/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* What the commands print: documents as text and as JSON, to the letter. */
#include <errno.h>
#include <jansson.h>
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
#include "base/nearest.h"
#include "base/utf8.h"
#include "config/config.h"
#include "print/error.h"
#include "print/print.h"
#include "tests/lib/counts.h"

/* A document that is written to memory. */
struct paper {
	struct em_document out;
	char *text;
	size_t size;
};

static struct em_document *begin(struct paper *paper, bool json)
{
	FILE *out = open_memstream(&paper->text, &paper->size);

	assert_non_null(out);
	em_document_init(&paper->out, out, json);
	return &paper->out;
}

static void end(struct paper *paper)
{
	assert_int_equal(em_document_end(&paper->out), 0);
	assert_int_equal(fclose(paper->out.out), 0);
}

static void expect(struct paper *paper, const char *expected)
{
	end(paper);
	assert_string_equal(paper->text, expected);
	free(paper->text);
}

/* The same document as text, and as JSON. */
#define EXPECT(text_of_it, json_of_it, ...)                                                        \
	do {                                                                                       \
		for (int json = 0; json < 2; json++) {                                             \
			struct paper paper;                                                        \
			struct em_document *out = begin(&paper, json);                             \
                                                                                                   \
			__VA_ARGS__;                                                               \
			expect(&paper, json ? (json_of_it) : (text_of_it));                        \
		}                                                                                  \
	} while (0)

static const struct em_rows_wanted all_rows = {.names = NULL};

static void test_values(void **state)
{
	(void)state;
	EXPECT("a=text b=(-5) yes!",
	       "{\n  \"schema\": 1,\n  \"a\": \"text\",\n  \"b\": -5,\n  \"c\": true,\n"
	       "  \"programs\": null\n}\n",
	       em_document_string(out, "a", "a=", "text", " ");
	       em_document_number(out, "b", "b=(", -5, ") ");
	       em_document_bool(out, "c", "yes", true); em_document_string(out, NULL, "", "!", "");
	       em_document_string(out, "programs", NULL, NULL, ""));
	EXPECT("", "", (void)out);
}

static void test_nesting(void **state)
{
	(void)state;
	EXPECT("1, 2 x=3 4",
	       "{\n  \"schema\": 1,\n  \"numbers\": [ 1, 2 ],\n  \"none\": [ ],\n"
	       "  \"objects\": [\n    { \"x\": 3, \"y\": { \"z\": 4 } },\n    { }\n  ]\n}\n",
	       em_document_array(out, "numbers");
	       em_document_number(out, EM_DOCUMENT_ELEMENT, "", 1, "");
	       em_document_number(out, EM_DOCUMENT_ELEMENT, ", ", 2, ""); em_document_close(out);
	       em_document_array(out, "none"); em_document_close(out);
	       em_document_array(out, "objects"); em_document_object(out, EM_DOCUMENT_ELEMENT);
	       em_document_number(out, "x", " x=", 3, ""); em_document_object(out, "y");
	       em_document_number(out, "z", " ", 4, ""); em_document_close(out);
	       em_document_close(out); em_document_object(out, EM_DOCUMENT_ELEMENT);
	       em_document_close(out); em_document_close(out));
}

/* Whatever bytes there are, a terminal obeys none of them and JSON is UTF-8. */
static void test_strings(void **state)
{
	static const struct {
		const char *bytes, *text, *json;
	} cases[] = {
		{"Größe €  ", "Größe €  ", "Größe €  "},
		{"\"a\\b\"", "\"a\\b\"", "\\\"a\\\\b\\\""},
		{"a\x1b[2Jb\n\t\x7f", "a\\x1b[2Jb\\x0a\\x09\\x7f",
		 "a\\u001b[2Jb\\u000a\\u0009\\u007f"},
		{"\xc2\x9b"
		 "2J",
		 "\\xc2\\x9b2J", "\\u009b2J"},
		{"bad\xff.conf", "bad\\xff.conf", "bad\\\\xff.conf"},
		{"\xc0\xaf \xe0\x80\xaf", "\\xc0\\xaf \\xe0\\x80\\xaf",
		 "\\\\xc0\\\\xaf \\\\xe0\\\\x80\\\\xaf"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\\\xed\\\\xa0\\\\x80"},
		{"\xf4\x90\x80\x80 \xf4\x8f\xbf\xbf", "\\xf4\\x90\\x80\\x80 \xf4\x8f\xbf\xbf",
		 "\\\\xf4\\\\x90\\\\x80\\\\x80 \xf4\x8f\xbf\xbf"},
		{"cut \xe2\x82", "cut \\xe2\\x82", "cut \\\\xe2\\\\x82"},
		{"", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char json_of_it[128];

		snprintf(json_of_it, sizeof(json_of_it),
			 "{\n  \"schema\": 1,\n  \"key\": \"%s\"\n}\n", cases[i].json);
		EXPECT(cases[i].text, json_of_it,
		       em_document_string(out, "key", "", cases[i].bytes, ""));
	}
}

#define EXPECT_CUT(text, columns, expected)                                                        \
	do {                                                                                       \
		char *cut;                                                                         \
		size_t size;                                                                       \
		FILE *out = open_memstream(&cut, &size);                                           \
		em_utf8_print_cut(out, text, columns);                                             \
		fclose(out);                                                                       \
		assert_string_equal(cut, expected);                                                \
		free(cut);                                                                         \
	} while (0)

static void test_cut(void **state)
{
	(void)state;
	EXPECT_CUT("/etc/entitymux.conf", 19, "/etc/entitymux.conf");
	EXPECT_CUT("/etc/entitymux.conf", 18, "/etc/en...mux.conf");
	EXPECT_CUT("/etc/entitymux.conf", 4, "...f");
	EXPECT_CUT("/etc/entitymux.conf", 0, "...");
	EXPECT_CUT("/\xc3\xa4\xc3\xb6/\xc3\xbc.conf", 8, "/\xc3\xa4...onf");
	EXPECT_CUT("/a\xff/b.conf", 10, "/a...conf");
	EXPECT_CUT("/\x01/b\x02", 11, "/\\x01/b\\x02");
	EXPECT_CUT("/\x01/b\x02", 10, "/...\\x02");
}

/* The same in general: more or less random bytes, in which much is nearly a character. */
static void test_bytes(void **state)
{
	static const unsigned char leads[] = {' ', 0x7f, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xff};
	unsigned int seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char bytes[12] = "";
		struct paper paper;
		json_t *document;

		for (size_t j = 0; j < sizeof(bytes) - 1; j++)
			bytes[j] = (char)(rand_r(&seed) % 2 ? leads[rand_r(&seed) % sizeof(leads)]
							    : 0x80 + rand_r(&seed) % 0x40);
		em_document_string(begin(&paper, false), NULL, "", bytes, "");
		end(&paper);
		assert_int_equal(em_utf8_printable(paper.text), strlen(paper.text));
		assert_int_equal(em_utf8_columns(paper.text), em_utf8_columns(bytes));
		free(paper.text);
		em_document_string(begin(&paper, true), "key", NULL, bytes, "");
		end(&paper);
		document = json_loads(paper.text, 0, NULL);
		assert_non_null(document);
		json_decref(document);
		free(paper.text);
	}
}

static void test_cells(void **state)
{
	struct paper paper;
	struct em_document *out = begin(&paper, false);

	(void)state;
	em_document_string_cell(out, NULL, "|", "Größe", 7);
	em_document_string_cell(out, NULL, "|", "\xff\n", 7);
	em_document_number_cell(out, NULL, "|", 12, 4);
	em_document_number_cell(out, NULL, "|", 12345, 4);
	em_document_text(out, "|");
	expect(&paper, "|Größe  |\\xff\\x0a|  12|12345|");
}

static void test_full(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct em_document out;

	(void)state;
	assert_non_null(full);
	for (int json = 0; json < 2; json++) {
		em_document_init(&out, full, json);
		em_document_string(&out, "key", "", "value", "");
		assert_int_equal(em_document_end(&out), -ENOSPC);
		clearerr(full);
	}
	fclose(full);
}

static void test_error(void **state)
{
	struct em_print_messages messages = {0};
	const struct em_place place = {.file = "a\x1b.conf", .line = 3}, whole = {.file = "b"};
	FILE *null = fopen("/dev/null", "w");
	struct em_diag diag;

	(void)state;
	assert_non_null(null);
	em_diag_init(&diag, null);
	diag.listen = em_print_keep_message;
	diag.context = &messages;
	em_diag_warning(&diag, &whole, "odd");
	em_diag_error(&diag, -EM_EUSAGE, &place, "port: %d", 0);
	em_diag_errno(&diag, -ENOENT, NULL, "%s", "c\xff");
	fclose(null);
	EXPECT("",
	       "{\n  \"schema\": 1,\n  \"error\": \"usage\",\n  \"messages\": [\n"
	       "    { \"file\": \"b\", \"line\": null, \"text\": \"warning: odd\" },\n"
	       "    { \"file\": \"a\\u001b.conf\", \"line\": 3, \"text\": \"port: 0\" },\n"
	       "    { \"file\": null, \"line\": null,"
	       " \"text\": \"c\\\\xff: No such file or directory\" }\n  ]\n}\n",
	       em_print_error(out, -EM_EUSAGE, &messages));
	em_print_clear_messages(&messages);
	messages = (struct em_print_messages){0};
	EXPECT("", "{\n  \"schema\": 1,\n  \"error\": \"unsupported\",\n  \"messages\": [ ]\n}\n",
	       em_print_error(out, -EM_EUNSUPPORTED, &messages));
	EXPECT("", "{\n  \"schema\": 1,\n  \"error\": \"failed\",\n  \"messages\": [ ]\n}\n",
	       em_print_error(out, -EIO, &messages));
}

static const char *nearest(const char *written)
{
	static const char *const words[] = {"apply", "stats", "status", "nft", "xdp"};
	struct em_nearest nearest = em_nearest_of(written);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		em_nearest_offer(&nearest, words[i]);
	return nearest.found;
}

static void test_nearest(void **state)
{
	(void)state;
	assert_string_equal(nearest("aply"), "apply");
	assert_string_equal(nearest("APPYL"), "apply");
	assert_string_equal(nearest("stat"), "stats");
	assert_string_equal(nearest("nftables"), "nft");
	assert_null(nearest("bpf-something"));
	assert_null(nearest(""));
	assert_null(nearest("applyapplyapplyapplyapplyapplyapply"));
}

/* Results. */

static struct em_attachment attachments[] = {
	{.interface = "eth0", .hook = EM_HOOK_XDP_NATIVE},
	{.interface = "caf\xe9", .hook = EM_HOOK_TC_INGRESS},
};

static void test_apply(void **state)
{
	char waiting[][EM_INTERFACE_MAX + 1] = {"wg0"};
	struct em_transaction done = {.config = "/\xff/\x1b.conf",
				      .plan = {.backend = EM_BACKEND_XDP,
					       .attachments = attachments,
					       .n_attachments = 2,
					       .waiting = {.names = waiting, .n = 1}},
				      .outcome = {.reason = "why not"}};

	(void)state;
	EXPECT("/\\xff/\\x1b.conf: applied: backend xdp (why not)\n"
	       "  eth0: xdp-native\n"
	       "  caf\\xe9: tc-ingress\n"
	       "  wg0: waits until it is there and up\n",
	       "{\n  \"schema\": 1,\n  \"config\": \"/\\\\xff/\\u001b.conf\",\n"
	       "  \"result\": \"applied\",\n  \"backend\": \"xdp\",\n"
	       "  \"reason\": \"why not\",\n  \"interfaces\": [\n"
	       "    { \"name\": \"eth0\", \"hook\": \"xdp-native\" },\n"
	       "    { \"name\": \"caf\\\\xe9\", \"hook\": \"tc-ingress\" }\n  ],\n"
	       "  \"waiting\": [ \"wg0\" ]\n}\n",
	       em_print_apply(out, &done));
}

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

#define LISTENER(name, port, length, entities)                                                     \
	"{ name = \"" name "\"; interfaces = [ \"eth0\" ]; port = " port ";"                       \
	" tag = { offset = 4; length = " length "; }; entities = ( " entities " ); }"
#define PLANT_A "{ name = \"plant-a\"; tag = \"0xdeadbeef\"; port = 6001; }"
#define LOCAL	"{ name = \"local\"; tag = \"0x00000002\"; port = \"pass\"; }"
#define NOISE	"{ name = \"noise\"; tag = \"0x00000003\"; port = \"drop\"; }"
#define UNNAMED "{ tag = \"0x00000001\"; port = 60003; }"

static char config[] = "/\x1b/\"quoted\"", reason[] = "on request";

static struct em_record record = {
	.generation = 3,
	.backend = EM_BACKEND_XDP_GENERIC,
	.wanted = EM_BACKEND_XDP_GENERIC,
	.config = config,
	.reason = reason,
	.applied_at = "2026-11-22T10:00:00Z",
	.attachments = attachments,
	.n_attachments = 2,
};

static struct em_stats *numbered(const struct em_policy *policy)
{
	struct em_stats *stats = NULL;
	struct em_count *entities;

	assert_int_equal(em_stats_new(&stats, policy), 0);
	entities = stats->listeners[0].entities;
	counts_number(stats, 1);
	/* A sum that a reset has outlived is nothing to a reader. */
	entities[1].packets = (uint64_t)-9;
	entities[1].bytes = INT64_MAX;
	stats->read_at = 500000 * EM_SECOND;
	entities[0].last = stats->read_at - EM_SECOND * 12 / 10;
	entities[1].last = stats->read_at - 3599 * EM_SECOND;
	entities[2].last = EM_LAST_UNKNOWN;
	entities[3].packets = 0;
	return stats;
}

static const char stats_text[] =
	"backend:     xdp\n"
	"config:      /\\x1b/\"quoted\"\n"
	"applied:     2026-11-22T10:00:00Z\n"
	"interfaces:  eth0 (xdp-native), caf\\xe9 (tc-ingress)\n"
	"\n"
	"listener telemetry, port 5000 on eth0\n"
	"  packets 1, bytes 2, rewritten 3, passed 4, dropped 5, unknown 6,"
	" invalid (source 7, length 8, check 9), copied 110, copy errors 210\n"
	"\n"
	"  NAME        TAG          PORT  PACKETS                BYTES  COPIED   SEEN\n"
	"  plant-a     0xdeadbeef   6001       10                   11     312     1s\n"
	"  0x00000001  0x00000001  60003        0  9223372036854775807     314    59m\n"
	"  local       0x00000002   pass       14                   15     316      ?\n"
	"  noise       0x00000003   drop        0                   17     318  never\n"
	"\n"
	"listener silent, port 5001 on eth0\n"
	"  packets 18, bytes 19, rewritten 20, passed 21, dropped 22, unknown 23,"
	" invalid (source 24, length 25, check 26), copied 127, copy errors 227\n";

static void test_stats(void **state)
{
	struct em_policy *policy =
		policy_of(LISTENER("telemetry", "5000", "4",
				   PLANT_A ", " UNNAMED ", " LOCAL
					   ", " NOISE) ", " LISTENER("silent", "5001", "2", ""));
	struct em_stats *stats = numbered(policy);

	(void)state;
	EXPECT(stats_text,
	       "{\n  \"schema\": 1,\n  \"backend\": \"xdp\",\n"
	       "  \"config\": \"/\\u001b/\\\"quoted\\\"\",\n"
	       "  \"applied_at\": \"2026-11-22T10:00:00Z\",\n  \"interfaces\": [\n"
	       "    { \"name\": \"eth0\", \"hook\": \"xdp-native\" },\n"
	       "    { \"name\": \"caf\\\\xe9\", \"hook\": \"tc-ingress\" }\n  ],\n"
	       "  \"listeners\": [\n"
	       "    { \"name\": \"telemetry\", \"port\": 5000, \"vlan\": null, \"interfaces\": [ "
	       "\"eth0\" ],"
	       " \"packets\": 1, \"bytes\": 2, \"rewritten\": 3, \"passed\": 4, \"dropped\": 5,"
	       " \"unknown\": 6, \"invalid\": { \"source\": 7, \"length\": 8, \"check\": 9 },"
	       " \"copied\": 110, \"copy_errors\": 210, \"entities\": [\n"
	       "      { \"name\": \"plant-a\", \"tag\": \"0xdeadbeef\", \"action\": \"port\","
	       " \"port\": 6001, \"packets\": 10, \"bytes\": 11, \"copied\": 312, \"last_seen\": "
	       "1.2, "
	       "\"listening\": null },\n"
	       "      { \"name\": \"0x00000001\", \"tag\": \"0x00000001\", \"action\": \"port\","
	       " \"port\": 60003, \"packets\": 0, \"bytes\": 9223372036854775807, \"copied\": 314, "
	       "\"last_seen\": "
	       "3599.0, \"listening\": null },\n"
	       "      { \"name\": \"local\", \"tag\": \"0x00000002\", \"action\": \"pass\","
	       " \"port\": null, \"packets\": 14, \"bytes\": 15, \"copied\": 316, \"last_seen\": "
	       "null, "
	       "\"listening\": null },\n"
	       "      { \"name\": \"noise\", \"tag\": \"0x00000003\", \"action\": \"drop\","
	       " \"port\": null, \"packets\": 0, \"bytes\": 17, \"copied\": 318, \"last_seen\": "
	       "null, "
	       "\"listening\": null }\n    ] },\n"
	       "    { \"name\": \"silent\", \"port\": 5001, \"vlan\": null, \"interfaces\": [ "
	       "\"eth0\" ],"
	       " \"packets\": 18, \"bytes\": 19, \"rewritten\": 20, \"passed\": 21, \"dropped\": "
	       "22, \"unknown\": 23, \"invalid\": { \"source\": 24, \"length\": 25, \"check\": 26 "
	       "},"
	       " \"copied\": 127, \"copy_errors\": 227, \"entities\": [ ] }\n  ]\n}\n",
	       assert_int_equal(em_print_stats(out, &record, policy, stats, &all_rows), 0));
	em_stats_free(stats);
	em_policy_free(policy);
}

/* On a terminal large counters are short, their columns too, and what is not sorted is yellow. */
static void test_stats_on_terminal(void **state)
{
	struct em_policy *policy = policy_of(LISTENER("telemetry", "5000", "4", PLANT_A));
	struct em_stats *stats = NULL;
	struct paper paper;
	struct em_document *out = begin(&paper, false);

	(void)state;
	assert_int_equal(em_stats_new(&stats, policy), 0);
	counts_number(stats, 9996);
	stats->listeners[0].unknown = 0;
	stats->listeners[0].invalid[EM_REASON_SOURCE] = 0;
	stats->listeners[0].entities[0].bytes = INT64_MAX;
	out->terminal = out->colour = true;
	assert_int_equal(em_print_counters(out, policy, stats, &all_rows), 0);
	expect(&paper, "\nlistener \033[1mtelemetry\033[0m, port 5000 on eth0\n"
		       "  packets 9996, bytes 9997, rewritten 9998, passed 9999, dropped 10k,"
		       " unknown 0, invalid (source 0, length \033[33m10k\033[0m,"
		       " check \033[33m10k\033[0m), copied 10.1k,"
		       " copy errors \033[33m10.2k\033[0m\n"
		       "\n\033[1m"
		       "  NAME     TAG          PORT  PACKETS  BYTES  COPIED\033[0m\n"
		       "  plant-a  0xdeadbeef   6001      10k  9.22E   10.3k\n");
	em_stats_free(stats);
	em_policy_free(policy);
}

static void test_stats_of_ranges(void **state)
{
	struct em_policy *policy = policy_of(LISTENER(
		"l", "5000", "4",
		"{ tag = \"0x0a01/16\"; port = 1; }, { tag = \"0x20000000..0x63000000\"; port = 2; "
		"}, { name = \"t\"; tag = \"prefix:text:ab\"; port = \"drop\"; }"));
	struct em_stats *stats = NULL;

	(void)state;
	assert_int_equal(em_stats_new(&stats, policy), 0);
	EXPECT("\nlistener l, port 5000 on eth0\n"
	       "  packets 0, bytes 0, rewritten 0, passed 0, dropped 0, unknown 0,"
	       " invalid (source 0, length 0, check 0)\n"
	       "\n"
	       "  NAME                    TAG                      PORT  PACKETS  BYTES\n"
	       "  0x0a010000/16           0x0a010000/16               1        0      0\n"
	       "  0x20000000..0x63000000  0x20000000..0x63000000      2        0      0\n"
	       "  t                       0x61620000/16 \"ab\"       drop        0      0\n",
	       "{\n  \"schema\": 1,\n  \"listeners\": [\n"
	       "    { \"name\": \"l\", \"port\": 5000, \"vlan\": null, \"interfaces\": [ \"eth0\" "
	       "],"
	       " \"packets\": 0, \"bytes\": 0, \"rewritten\": 0, \"passed\": 0, \"dropped\": 0,"
	       " \"unknown\": 0, \"invalid\": { \"source\": 0, \"length\": 0, \"check\": 0 },"
	       " \"copied\": 0, \"copy_errors\": 0, \"entities\": [\n"
	       "      { \"name\": \"0x0a010000/16\", \"tag\": null, \"first\": \"0x0a010000\","
	       " \"last\": \"0x0a01ffff\", \"action\": \"port\", \"port\": 1, \"packets\": 0,"
	       " \"bytes\": 0, \"copied\": 0, \"last_seen\": null, \"listening\": null },\n"
	       "      { \"name\": \"0x20000000..0x63000000\", \"tag\": null, \"first\":"
	       " \"0x20000000\", \"last\": \"0x63000000\", \"action\": \"port\", \"port\": 2,"
	       " \"packets\": 0, \"bytes\": 0, \"copied\": 0, \"last_seen\": null, \"listening\": "
	       "null },\n"
	       "      { \"name\": \"t\", \"tag\": null, \"first\": \"0x61620000\", \"last\":"
	       " \"0x6162ffff\", \"action\": \"drop\", \"port\": null, \"packets\": 0,"
	       " \"bytes\": 0, \"copied\": 0, \"last_seen\": null, \"listening\": null }\n    ] "
	       "}\n  ]\n}\n",
	       assert_int_equal(em_print_counters(out, policy, stats, &all_rows), 0));
	em_stats_free(stats);
	em_policy_free(policy);
}

/* All that may be said of what is applied. */
static struct em_view seen(struct em_ports *unattended)
{
	static const struct em_backend_ops backend = {.name = "any"};
	static struct em_problem problems[] = {{"eth0", {"too old", false, "buy eth0"}},
					       {"eth0", {"too slow", false, ""}}};
	static char waiting[][EM_INTERFACE_MAX + 1] = {"wg0"};
	static struct em_drift drift = {"chain c", "has 1 of 5 rules"};
	struct em_view view = {.generation = 3,
			       .record = record,
			       .ops = &backend,
			       .problems = problems,
			       .n_problems = 2,
			       .unattended = unattended};

	view.record.listeners = 2;
	view.record.entities = 3;
	view.record.edits = 4;
	view.record.waiting = waiting;
	view.record.n_waiting = 1;
	view.kernel = (struct em_kernel_state){.generation = 3,
					       .attachments = attachments,
					       .n_attachments = 1,
					       .drifts = &drift,
					       .n_drifts = 1};
	return view;
}

static void test_status(void **state)
{
	struct em_ports unattended = {.words = {0}};
	struct em_view view = seen(&unattended), nothing = {0};

	(void)state;
	em_ports_add(&unattended, 6001);
	em_ports_add(&unattended, 7000);
	em_ports_add(&unattended, 7001);
	EXPECT("config:      /\\x1b/\"quoted\"\n"
	       "applied at:  2026-11-22T10:00:00Z\n"
	       "backend:     xdp-generic (on request)\n"
	       "edited:      live edits: 4, which the configuration does not have\n"
	       "policy:      listeners: 2, entities: 3\n"
	       "no socket:   6001, 7000-7001\n"
	       "interface:   eth0 xdp-native\n"
	       "interface:   caf\\xe9 tc-ingress (gone)\n"
	       "waiting:     wg0, until it is there and up\n"
	       "problem:     eth0: too old; clear it with: buy eth0\n"
	       "problem:     eth0: too slow\n"
	       "drift:       chain c has 1 of 5 rules; mend it with: entitymux heal --once\n"
	       "state:       no longer whole; mend it with: entitymux heal --once\n",
	       "{\n  \"schema\": 1,\n  \"applied\": true,\n  \"whole\": false,\n"
	       "  \"config\": \"/\\u001b/\\\"quoted\\\"\",\n"
	       "  \"applied_at\": \"2026-11-22T10:00:00Z\",\n  \"backend\": \"xdp-generic\",\n"
	       "  \"reason\": \"on request\",\n  \"edits\": 4,\n  \"listeners\": 2,\n  "
	       "\"entities\": 3,\n"
	       "  \"ports_without_socket\": [ 6001, 7000, 7001 ],\n"
	       "  \"samples\": null,\n  \"interfaces\": [\n"
	       "    { \"name\": \"eth0\", \"hook\": \"xdp-native\", \"in_place\": true },\n"
	       "    { \"name\": \"caf\\\\xe9\", \"hook\": \"tc-ingress\", \"in_place\": false }\n"
	       "  ],\n  \"waiting\": [ \"wg0\" ],\n  \"problems\": [\n"
	       "    { \"interface\": \"eth0\", \"what\": \"too old\","
	       " \"remedy\": \"buy eth0\" },\n"
	       "    { \"interface\": \"eth0\", \"what\": \"too slow\", \"remedy\": null }\n"
	       "  ],\n  \"drift\": [\n"
	       "    { \"object\": \"chain c\", \"what\": \"has 1 of 5 rules\", \"remedy\":"
	       " \"entitymux heal --once\" }\n"
	       "  ]\n}\n",
	       em_print_status(out, &view));
	EXPECT("state:       nothing is applied\n",
	       "{\n  \"schema\": 1,\n  \"applied\": false,\n  \"whole\": false,\n"
	       "  \"interfaces\": [ ],\n  \"waiting\": [ ],\n  \"problems\": [ ],\n  \"drift\": [ "
	       "]\n}\n",
	       em_print_status(out, &nothing));
}

/* The caller frees it. */
static char *print_status(const struct em_view *view, bool json)
{
	struct em_document document;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	em_document_init(&document, out, json);
	em_print_status(&document, view);
	assert_int_equal(em_document_end(&document), 0);
	fclose(out);
	return text;
}

static void test_samples(void **state)
{
	char path[] = "/etc/a.conf";
	struct em_view view = {.record = {.generation = 1,
					  .config = path,
					  .reason = path,
					  .samples = 1,
					  .wanted = EM_BACKEND_NFT}};
	char *text;

	(void)state;
	text = print_status(&view, false);
	assert_non_null(strstr(text, "\nsamples:     packets are copied, until entitymux sample "
				     "ends\n"));
	free(text);
	text = print_status(&view, true);
	assert_non_null(strstr(text, "\"samples\": \"read\""));
	free(text);
	view.abandoned = true;
	text = print_status(&view, false);
	assert_non_null(strstr(text,
			       "\nsamples:     packets are copied, and nobody reads them; end "
			       "it with: entitymux apply --backend=nft /etc/a.conf\n"));
	free(text);
	text = print_status(&view, true);
	assert_non_null(strstr(text, "\"samples\": \"abandoned\""));
	free(text);
}

static void test_check(void **state)
{
	struct em_policy *policy =
		policy_of("{ name = \"far\"; interfaces = [ \"eth0\" ]; port = 5000;\n"
			  "tag = { offset = 400; length = 2; }; entities = ( ); }");
	/* The file is gone, and its name was made up. */
	struct em_place *place = &policy->listeners[0].formats->tag.place;
	const char finding[] =
		"payload offset 400 needs a kernel whose nf_tables loads beyond byte "
		"247 (6.18 or later)";
	char text[512], json_of_it[512];

	(void)state;
	place->file = "bad\xff.conf";
	snprintf(text, sizeof(text),
		 "bad\\xff.conf:2: nftables: %s\nbad\\xff.conf: correct: listeners: 1, "
		 "entities: 0\n",
		 finding);
	snprintf(json_of_it, sizeof(json_of_it),
		 "{\n  \"schema\": 1,\n  \"findings\": [\n    { \"file\": \"bad\\\\xff.conf\", "
		 "\"line\": 2, \"backend\": \"nftables\", \"finding\": \"%s\" }\n  ],\n"
		 "  \"config\": \"bad\\\\xff.conf\",\n  \"listeners\": 1,\n  \"entities\": 0\n}\n",
		 finding);
	EXPECT(text, json_of_it, em_print_check(out, "bad\xff.conf", policy));
	em_policy_free(policy);
}

/* What nft cannot carry, or only on some kernels. */
static void expect_finding(const char *tag, const char *entities, const char *finding)
{
	struct em_policy *policy;
	struct paper paper;
	char text[512];

	snprintf(text, sizeof(text),
		 "{ name = \"l\"; interfaces = [ \"eth0\" ]; port = 5000; tag = ( %s );\n"
		 "entities = ( { tag = \"%s\"; port = 1; } ); }",
		 tag, entities);
	policy = policy_of(text);
	em_print_check(begin(&paper, false), "c", policy);
	end(&paper);
	if (finding ? !strstr(paper.text, finding) : !!strstr(paper.text, "nftables"))
		fail_msg("%s: %s", text, paper.text);
	free(paper.text);
	em_policy_free(policy);
}

#define FOUR_PIECES(mask)                                                                          \
	"{ offset = 0; length = 17; " mask "}, { offset = 20; length = 1; }, "                     \
	"{ offset = 21; length = 1; }, { offset = 22; length = 1; }"
#define MASK_17 "mask = \"0xffffffffffffffffffffffffffffffff0f\"; "

static void test_findings(void **state)
{
	static const char long_piece[] = "tag: of four pieces, one with more than 16 bytes";

	(void)state;
	expect_finding(FOUR_PIECES(""), "text:abcdefghijklmnopqrst", NULL);
	expect_finding(FOUR_PIECES(""), "prefix:text:a", long_piece);
	expect_finding(FOUR_PIECES(MASK_17), "0x0000000000000000000000000000000000000000",
		       long_piece);
	expect_finding("{ offset = 0; length = 1; }", "0x01..0x02", NULL);
	expect_finding("{ offset = 0; length = 1; }, { offset = 2; length = 1; }", "0x01/8",
		       "tag: entities that cover more than one tag, with several pieces");
	expect_finding("{ offset = 239; length = 24; }", "text:abcdefghijklmnopqrstuvwx", NULL);
	expect_finding("{ offset = 240; length = 24; }", "text:abcdefghijklmnopqrstuvwx",
		       "payload offset 248 needs a kernel");
}

static const char probe_text[] =
	"kernel\n"
	"  eBPF      bpf              yes  loads programs\n"
	"  eBPF      bpffs            no   none; try: mount it\n"
	"\ninterface eth0\n"
	"  driver         veth, kind veth\n"
	"  MTU            1500\n"
	"  rx queues      2\n"
	"  native XDP     yes, multi-buffer yes\n"
	"  offloads       rx-vlan-offload off, generic-receive-offload on, rx-gro-hw off, "
	"rx-gro-list off, rx-udp-gro-forwarding off, large-receive-offload off\n"
	"  other          a program\n"
	"  other          a\\x1b filter; take it away, if it may go: tc filter del\n"
	"\ninterface lost0: there is none\n"
	"\n/c.conf\n"
	"  xdp            yes\n"
	"  xdp-generic    yes\n"
	"  tc             yes\n"
	"  nft            no, too far\n"
	"                 c.conf:2: far\n"
	"\napply would fail: too far\n";

static const char probe_json[] =
	"{\n  \"schema\": 1,\n  \"kernel\": [\n"
	"    { \"backend\": \"eBPF\", \"name\": \"bpf\", \"available\": true,"
	" \"detail\": \"loads programs\", \"remedy\": null },\n"
	"    { \"backend\": \"eBPF\", \"name\": \"bpffs\", \"available\": false,"
	" \"detail\": \"none\", \"remedy\": \"mount it\" }\n  ],\n"
	"  \"interfaces\": [\n"
	"    { \"name\": \"eth0\", \"present\": true, \"up\": true, \"driver\": \"veth\","
	" \"kind\": \"veth\", \"mtu\": 1500, \"rx_queues\": 2, \"native_xdp\": \"yes\","
	" \"native_xdp_detail\": \"\", \"multi_buffer\": true, \"offloads\":"
	" { \"rx-vlan-offload\": false, \"generic-receive-offload\": true,"
	" \"rx-gro-hw\": false, \"rx-gro-list\": false,"
	" \"rx-udp-gro-forwarding\": false, \"large-receive-offload\": false },"
	" \"others\": [\n"
	"      { \"what\": \"a program\", \"remedy\": null },\n"
	"      { \"what\": \"a\\u001b filter\", \"remedy\": \"tc filter del\" }\n    ],"
	" \"obstacles\": [ ] },\n"
	"    { \"name\": \"lost0\", \"present\": false }\n  ],\n"
	"  \"config\": \"/c.conf\",\n  \"ports_without_socket\": null,\n  \"backends\": [\n"
	"    { \"backend\": \"xdp\", \"carries\": true, \"why\": null, \"findings\": [ ] "
	"},\n"
	"    { \"backend\": \"xdp-generic\", \"carries\": true, \"why\": null,"
	" \"findings\": [ ] },\n"
	"    { \"backend\": \"tc\", \"carries\": true, \"why\": null, \"findings\": [ ] },\n"
	"    { \"backend\": \"nft\", \"carries\": false, \"why\": \"too far\","
	" \"findings\": [\n"
	"      { \"what\": \"c.conf:2: far\", \"remedy\": null }\n    ] }\n  ],\n"
	"  \"choice\": { \"wanted\": \"nft\", \"backend\": null, \"reason\": \"too far\","
	" \"interfaces\": [ ] }\n}\n";

static void test_probe(void **state)
{
	static const struct em_backend_ops backend = {.name = "eBPF"};
	static char a_program[] = "a program", a_filter[] = "a\x1b filter",
		    remedy[] = "tc filter del", far[] = "c.conf:2: far", too_far[] = "too far";
	static struct em_probe_remark others[] = {{a_program, NULL}, {a_filter, remedy}};
	static struct em_probe_remark findings[] = {{far, NULL}};
	struct em_probe_interface interfaces[] = {
		{.present = true,
		 .link = {.name = "eth0",
			  .driver = "veth",
			  .kind = "veth",
			  .mtu = 1500,
			  .rx_queues = 2,
			  .up = true,
			  .gro = true,
			  .native_xdp = EM_NATIVE_YES,
			  .multi_buffer = true},
		 .others = {others, 2}},
		{.link = {.name = "lost0"}},
	};
	struct em_policy policy = {.backend = EM_BACKEND_NFT};
	struct em_probe probe = {
		.features = {{&backend, {"bpf", true, "loads programs", "unused"}},
			     {&backend, {"bpffs", false, "none", "mount it"}}},
		.n_features = 2,
		.interfaces = interfaces,
		.n_interfaces = 2,
		.policy = &policy,
		.config = "/c.conf",
	};
	struct em_probe_attempt *nft = &probe.attempts[EM_BACKEND_NFT];

	(void)state;
	nft->done.wanted = EM_BACKEND_NFT;
	nft->error = -EM_EUNSUPPORTED;
	nft->why = too_far;
	nft->findings = (struct em_probe_remarks){findings, 1};
	EXPECT(probe_text, probe_json, em_print_probe(out, &probe));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_stats_of_ranges),
		cmocka_unit_test(test_stats_on_terminal),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
