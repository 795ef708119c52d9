/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * What entities cover: how it is spelt, and the intervals and boxes that are made of it, compared
 * with a search for the innermost entity of every single tag.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "config/entities.h"
#include "policy/policy.h"

#define TAGS 65536

static const char *const bytes = EM_EXPECTED_BYTES;

/* One piece of four bytes, or the source address. */
static struct em_format format_of(bool address)
{
	struct em_format format = {.tag = {.n_pieces = 1, .length = 4}};

	format.tag.pieces[0].length = 4;
	if (address)
		format.tag.pieces[0].source = EM_PIECE_IP_SADDR;
	memset(format.tag.mask, 0xff, sizeof(format.tag.mask));
	return format;
}

/* What is parsed is shown as `shown`; or else what was expected, or NULL: another length. */
static void expect_cover(bool address, const char *text, const char *shown, const char *expected)
{
	const struct em_format format = format_of(address);
	struct em_entity entity = {.name = NULL};
	char seen[EM_COVER_TEXT_MAX];
	const char *instead = NULL;
	struct em_cover cover;
	int length = em_tag_parse(&format, text, &cover, &instead);

	if (!shown) {
		if (length == 4 || (length < 0) != (expected != NULL) ||
		    (expected && strcmp(instead, expected) != 0))
			fail_msg("\"%s\": %d, %s", text, length, length < 0 ? instead : "");
		return;
	}
	if (length != 4)
		fail_msg("\"%s\": %d, %s", text, length, length < 0 ? instead : "");
	assert_int_equal(em_entity_set(&entity, NULL, &cover), 0);
	assert_string_equal(em_entity_name(&format, &entity, seen), shown);
	em_entity_clear(&entity);
}

static void test_forms(void **state)
{
	static const struct {
		const char *text, *shown, *expected;
	} forms[] = {
		{"0xdeadbeef", "0xdeadbeef", NULL},
		{"0x0a010000/16", "0x0a010000/16", NULL},
		{"0x0a01/16", "0x0a010000/16", NULL},
		{"0a:01/15", NULL, "bits beyond the prefix to be 0, or left out"},
		{"0a:00/15", "0x0a000000/15", NULL},
		{"0x0a010203/32", "0x0a010203", NULL},
		{"0x00/0", "0x00000000/0", NULL},
		{"prefix:text:ab", "0x61620000/16", NULL},
		{"prefix:text:a/b.", "0x612f622e", NULL},
		{"prefix:0x0a", "0x0a000000/8", NULL},
		{"prefix:0a:01", "0x0a010000/16", NULL},
		{"text:a/16", "0x612f3136", NULL},
		{"text:/16", NULL, NULL},
		{"text:1/16", "0x312f3136", NULL},
		{"text:a..b", "0x612e2e62", NULL},
		{"0x00000020..0x00000063", "0x00000020..0x00000063", NULL},
		{"0x00000000..0x000000ff", "0x00000000/24", NULL},
		{"0x00000000..0xffffffff", "0x00000000/0", NULL},
		{"0x00000001..0x00000002", "0x00000001..0x00000002", NULL},
		{"00:00:00:07..0x00000007", "0x00000007", NULL},
		{"0x00000008..0x00000007", NULL,
		 "the first tag of a range before .. and the last one behind it"},
		{"0x20..0x63", NULL, NULL},
		{"0x00000020..0x63", NULL, NULL},
		{"0x00000020..", NULL, bytes},
		{"..0x00000020", NULL, bytes},
		{"0x0a010000/", NULL, "a number of bits behind the /"},
		{"0x0a010000/+1", NULL, "a number of bits behind the /"},
		{"0x0a010000/0016", NULL, "a number of bits behind the /"},
		{"0x0a010000/33", NULL, "at most as many bits as the tag has behind the /"},
		{"0x0a/16", NULL, "all bits of the prefix before the /"},
		{"0x0a01000000/16", NULL, NULL},
		{"/16", NULL, bytes},
		{"0x/16", NULL, "at least one byte after 0x or text:"},
		{"prefix:0x0102030405", NULL, "a prefix that is not longer than the tag"},
		{"prefix:text:", NULL, "at least one byte after 0x or text:"},
		{"prefix:ab", NULL, bytes},
		{"192.0.2.0/24", "0xc0000200/24", NULL},
		{"192.0.2.7", "0xc0000207", NULL},
		{"192.0.2.1..192.0.2.9", "0xc0000201..0xc0000209", NULL},
		{"192.0.2.300", NULL, "an IPv4 address, or bytes as \"0x…\" or \"text:…\""},
		{"2001:db8::7", NULL, bytes},
		{"text:1..text:3", NULL,
		 "a range in hexadecimal, since text is always a tag itself"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		expect_cover(false, forms[i].text, forms[i].shown, forms[i].expected);
	expect_cover(true, "192.0.2.0/24", "0xc0000200/24", NULL);
	expect_cover(true, "192.0.2.1/32", "0xc0000201", NULL);
	expect_cover(true, "192.0.2.1..192.0.2.9", "0xc0000201..0xc0000209", NULL);
	expect_cover(true, "192.0.2.1/24", NULL, "bits beyond the prefix to be 0, or left out");
}

/* Entities of a tag of two bytes: of each the first and the last tag. */
struct model {
	struct em_policy *policy;
	struct em_format *format;
	uint16_t first[256], last[256];
	size_t n;
};

static unsigned int below(unsigned int n)
{
	return (unsigned int)random() % n;
}

/* Within or apart from all others, and none of them over again. */
static bool goes_with(const struct model *model, unsigned int first, unsigned int last)
{
	for (size_t i = 0; i < model->n; i++) {
		unsigned int f = model->first[i], l = model->last[i];

		if ((f == first && l == last) ||
		    (first <= l && last >= f && !(first <= f && last >= l) &&
		     !(first >= f && last <= l)))
			return false;
	}
	return true;
}

static void add(struct model *model, unsigned int first, unsigned int last)
{
	const struct em_cover cover = {{first >> 8, first & 0xff}, {last >> 8, last & 0xff}};
	struct em_entity entity = {.action = {EM_PORT, 1}};

	assert_int_equal(em_entity_set(&entity, NULL, &cover), 0);
	assert_int_equal(em_entities_append(model->format, &entity), 0);
	model->first[model->n] = first;
	model->last[model->n++] = last;
}

/* Bounds that are often the least and the greatest of a byte, or those of another entity. */
static unsigned int make_bound(const struct model *model)
{
	static const uint8_t low[] = {0x00, 0x01, 0xfe, 0xff};

	if (model->n && below(3) == 0)
		return below(2) ? model->first[below(model->n)] : model->last[below(model->n)];
	return below(256) << 8 | (below(2) ? low[below(4)] : below(256));
}

static void make_model(struct model *model, unsigned int pieces)
{
	unsigned int n = 1 + below(40);

	memset(model, 0, sizeof(*model));
	assert_int_equal(em_policy_new(&model->policy), 0);
	model->policy->listeners = calloc(1, sizeof(*model->policy->listeners));
	model->policy->n_listeners = 1;
	model->policy->listeners[0].interfaces =
		calloc(1, sizeof(*model->policy->listeners->interfaces));
	model->format = calloc(1, sizeof(*model->format));
	model->policy->listeners[0].formats = model->format;
	model->policy->listeners[0].n_formats = 1;
	model->format->payload_max = EM_PAYLOAD_MAX;
	model->format->tag.length = 2;
	model->format->tag.n_pieces = pieces;
	for (unsigned int i = 0; i < pieces; i++)
		model->format->tag.pieces[i].length = 2 / pieces;
	memset(model->format->tag.mask, 0xff, sizeof(model->format->tag.mask));
	for (unsigned int i = 0; i < 200 && model->n < n; i++) {
		unsigned int a = make_bound(model), b = below(4) ? make_bound(model) : a;

		if (goes_with(model, a < b ? a : b, a < b ? b : a))
			add(model, a < b ? a : b, a < b ? b : a);
	}
}

/* The index of the innermost entity of the tag, but not one with this tag alone; or -1. */
static int innermost(const struct model *model, unsigned int tag)
{
	unsigned int size = TAGS + 1;
	int found = -1;

	for (size_t i = 0; i < model->n; i++) {
		unsigned int width = model->last[i] - model->first[i];

		if (width && tag >= model->first[i] && tag <= model->last[i] && width < size) {
			found = (int)i;
			size = width;
		}
	}
	return found;
}

static unsigned int number(const uint8_t *tag)
{
	return tag[0] << 8 | tag[1];
}

/* Marks what a box covers with its entity; no tag may be in two. */
static void mark(int *owner, const struct em_interval *box, unsigned int pieces)
{
	const struct em_cover *tags = &box->tags;

	for (unsigned int tag = 0; tag < TAGS; tag++) {
		bool within = tag >= number(tags->first) && tag <= number(tags->last);

		if (pieces == 2)
			within = tag >> 8 >= tags->first[0] && tag >> 8 <= tags->last[0] &&
				 (tag & 0xff) >= tags->first[1] && (tag & 0xff) <= tags->last[1];
		if (!within)
			continue;
		assert_int_equal(owner[tag], -1);
		owner[tag] = (int)box->entity;
	}
}

static void compare(const struct model *model, const struct em_interval *boxes, size_t n,
		    unsigned int pieces)
{
	static int owner[TAGS];

	for (unsigned int tag = 0; tag < TAGS; tag++)
		owner[tag] = -1;
	for (size_t i = 0; i < n; i++)
		mark(owner, &boxes[i], pieces);
	for (unsigned int tag = 0; tag < TAGS; tag++)
		assert_int_equal(owner[tag], innermost(model, tag));
}

static void test_flat(void **state)
{
	struct em_diag diag;
	struct model model;

	(void)state;
	srandom(1);
	em_diag_init(&diag, stderr);
	for (unsigned int i = 0; i < 40; i++) {
		unsigned int pieces = 1 + i % 2;
		struct em_interval *boxes = NULL;
		const struct em_format *format;
		size_t n;

		make_model(&model, pieces);
		format = model.format;
		assert_int_equal(em_policy_finish(model.policy, &diag), 0);
		assert_true(format->n_intervals <= 2 * (format->n_entities - format->n_exact) + 1);
		compare(&model, format->intervals, format->n_intervals, 1);
		assert_int_equal(em_tag_has_boxes(&format->tag), pieces == 2);
		assert_int_equal(em_format_boxes(format, &boxes, &n), 0);
		compare(&model, boxes, n, pieces);
		free(boxes);
		for (size_t k = 0; k < model.n; k++) {
			const struct em_entity *entity = &format->entities[k];

			assert_ptr_equal(em_format_find(format, entity->tag, entity->last), entity);
		}
		em_policy_free(model.policy);
	}
}

/* Of four pieces: from the first tag but one to the last but one. */
static void test_pieces(void **state)
{
	struct em_format format = {.tag = {.n_pieces = 4, .length = 8}, .n_intervals = 1};
	struct em_interval interval = {.tags = {{0, 0, 0, 0, 0, 0, 0, 1},
						{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}}};
	struct em_interval *boxes = NULL;
	size_t n;

	(void)state;
	for (int i = 0; i < 4; i++)
		format.tag.pieces[i].length = 2;
	format.intervals = &interval;
	assert_int_equal(em_format_boxes(&format, &boxes, &n), 0);
	assert_int_equal(n, 7);
	assert_memory_equal(boxes[0].tags.first, "\0\0\0\0\0\0\0\1", 8);
	assert_memory_equal(boxes[0].tags.last, "\0\0\0\0\0\0\xff\xff", 8);
	assert_memory_equal(boxes[3].tags.first, "\0\1\0\0\0\0\0\0", 8);
	assert_memory_equal(boxes[3].tags.last, "\xff\xfe\xff\xff\xff\xff\xff\xff", 8);
	assert_memory_equal(boxes[6].tags.last, "\xff\xff\xff\xff\xff\xff\xff\xfe", 8);
	free(boxes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_flat),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
