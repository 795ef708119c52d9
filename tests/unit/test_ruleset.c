/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * Rulesets against golden files, tests/unit/golden/NAME.conf and NAME.nft (to renew one: `entitymux
 * ruleset NAME.conf`); and what the rules are made of: names, keys, numbers taken apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "engine/backend.h"
#include "nft/expected.h"
#include "nft/ruleset.h"
#include "nft/split.h"
#include "nft/text.h"

#define ROUNDS 2000

static char *golden_path(const char *name, const char *suffix)
{
	const char *srcdir = getenv("srcdir");
	char *path;

	assert_true(asprintf(&path, "%s/tests/unit/golden/%s%s", srcdir ? srcdir : ".", name,
			     suffix) > 0);
	return path;
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		fail_msg("cannot open %s", path);
	if (getdelim(&text, &size, '\0', file) < 0)
		fail_msg("cannot read %s", path);
	fclose(file);
	return text;
}

static struct em_policy *read_policy(const char *name)
{
	char *path = golden_path(name, ".conf");
	struct em_policy *policy = NULL;
	struct em_diag diag;

	em_diag_init(&diag, stderr);
	assert_int_equal(em_config_read(&policy, path, &diag), 0);
	free(path);
	return policy;
}

static char *print_policy(const struct em_policy *policy, uint32_t generation)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	struct em_diag diag;

	em_diag_init(&diag, stderr);
	assert_non_null(stream);
	assert_int_equal(em_nft_print_ruleset(stream, policy, generation, &diag), 0);
	fclose(stream);
	return text;
}

/* One without rules would be taken for flushed, see drift.h. */
static void check_chains_have_rules(const struct em_policy *policy)
{
	struct em_ruleset *ruleset = NULL;

	assert_int_equal(em_ruleset_new(&ruleset, policy, 1, (struct em_form){.zones = false}), 0);
	for (size_t i = 0; i < ruleset->n_chains; i++)
		assert_true(ruleset->chains[i].n_rules > 0);
	em_ruleset_free(ruleset);
}

static void test_golden(void **state)
{
	const char *name = *state;
	char *path = golden_path(name, ".nft");
	struct em_policy *policy = read_policy(name);
	char *expected = read_file(path);
	char *text = print_policy(policy, 1);

	assert_string_equal(text, expected);
	check_chains_have_rules(policy);
	free(text);
	free(expected);
	free(path);
	em_policy_free(policy);
}

static void check_golden_form(const char *name, const char *suffix, struct em_form form)
{
	struct em_policy *policy = read_policy(name);
	char *path = golden_path(name, suffix);
	char *expected = read_file(path), *text = NULL;
	struct em_ruleset *ruleset = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	assert_int_equal(em_ruleset_new(&ruleset, policy, 1, form), 0);
	em_text_print(stream, ruleset);
	fclose(stream);
	assert_string_equal(text, expected);
	em_ruleset_free(ruleset);
	free(text);
	free(expected);
	free(path);
	em_policy_free(policy);
}

/* The form for kernels without chains at egress. */
static void test_golden_zones(void **state)
{
	(void)state;
	check_golden_form("replies", "-zones.nft", (struct em_form){.zones = true});
}

/* With the device that `ruleset` does not make. */
static void test_golden_copies(void **state)
{
	(void)state;
	check_golden_form("copies", ".nft", (struct em_form){.ifb = 7});
}

/* What has a decision behind it is there for each generation until that goes. */
static void test_bases(void **state)
{
	(void)state;
	for (enum em_base_kind which = 0; which < EM_BASES; which++) {
		struct em_identifier name = em_ruleset_base(which, "eth0");
		char text[EM_IDENTIFIER_MAX];

		em_identifier_format(&name, text);
		assert_ptr_equal(em_ruleset_find_base(em_ruleset_bases[which].table, text, "eth0"),
				 &em_ruleset_bases[which]);
		assert_null(em_ruleset_find_base(em_ruleset_bases[which].table, text + 1, "eth0"));
		assert_int_equal(em_ruleset_bases[which].leads,
				 which < EM_BASE_LAST ? EM_STATEMENT_GOTO : EM_STATEMENT_JUMP);
	}
}

/* The generation is in the names, and nowhere else. */
static void test_generation(void **state)
{
	struct em_policy *policy = read_policy("basic");
	char *first = print_policy(policy, 1), *later = print_policy(policy, 4294967295U);
	const char *a = first, *b = later;

	(void)state;
	while (*a && *b) {
		if (!strncmp(a, "v1-", 3)) {
			assert_memory_equal(b, "v4294967295-", 12);
			a += 3;
			b += 12;
			continue;
		}
		assert_int_equal(*a++, *b++);
	}
	assert_int_equal(*a, *b);
	free(first);
	free(later);
	em_policy_free(policy);
}

static void test_identifier(void **state)
{
	static const struct {
		struct em_identifier identifier;
		const char *text;
	} samples[] = {
		{{.generation = 1, .role = "sort", .owner = "a.B_c-9"}, "v1-sort-a.B_c-9"},
		{{.generation = 4294967295U, .role = "vlan", .number = 4094, .owner = "eth0"},
		 "v4294967295-vlan4094-eth0"},
		{{.generation = 2, .role = "check", .number = 8, .part = 3, .owner = "x"},
		 "v2-check8.3-x"},
		{{.role = "ingress", .owner = "e@1:+%\xc3\xa4"}, "ingress-e/401/3a/2b/25/c3/a4"},
		{{.generation = 7, .role = "ports"}, "v7-ports"},
		{{.generation = 3, .role = "translate", .number = 86400}, "v3-translate86400"},
	};
	char text[EM_IDENTIFIER_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		assert_string_equal(em_identifier_format(&samples[i].identifier, text),
				    samples[i].text);
		assert_int_equal(em_identifier_generation(text), samples[i].identifier.generation);
	}
	assert_int_equal(em_identifier_generation("v0-sort-a"), 0);
	assert_int_equal(em_identifier_generation("v01-sort-a"), 0);
	assert_int_equal(em_identifier_generation("v-sort-a"), 0);
	assert_int_equal(em_identifier_generation("v1"), 0);
	assert_int_equal(em_identifier_generation("v1x-a"), 0);
	assert_int_equal(em_identifier_generation("v4294967296-a"), 0);
	assert_int_equal(em_identifier_generation(""), 0);
}

static void test_owner(void **state)
{
	(void)state;
	assert_string_equal(em_identifier_owner("v1-tags-telemetry", EM_ROLE_TAGS), "telemetry");
	assert_string_equal(em_identifier_owner("v12-tags-a-b.c", EM_ROLE_TAGS), "a-b.c");
	assert_string_equal(em_identifier_owner("v1-zones-tags-x", EM_ROLE_ZONES), "tags-x");
	assert_null(em_identifier_owner("v1-zones-tags-x", EM_ROLE_TAGS));
	assert_null(em_identifier_owner("v1-tagsy-x", EM_ROLE_TAGS));
	assert_null(em_identifier_owner("v1-tags", EM_ROLE_TAGS));
	assert_null(em_identifier_owner("v1-", EM_ROLE_TAGS));
	assert_null(em_identifier_owner("", EM_ROLE_TAGS));
}

#define MARKS (2 * EM_LISTENERS_MAX)

static uint32_t nth_mark(uint32_t generation, size_t nth)
{
	return em_ruleset_mark(generation, nth % EM_LISTENERS_MAX, nth >= EM_LISTENERS_MAX);
}

/* Of generation `next` - 1; what is invalid comes behind all listeners. */
static void check_mark(uint32_t next, size_t nth)
{
	uint32_t mark = nth_mark(next - 1, nth);

	assert_int_equal(mark & ~EM_MARK_MASK, 0);
	assert_int_not_equal(mark, 0);
	for (size_t i = 0; i < MARKS; i++)
		assert_int_not_equal(mark, nth_mark(next, i));
	for (size_t i = 0; i < nth; i++)
		assert_int_not_equal(mark, nth_mark(next - 1, i));
}

/* A mark has one meaning, among the generations that are there at a time. */
static void test_mark(void **state)
{
	static const uint32_t generations[] = {1, 2, 126, 127, 128, 4294967294U};

	(void)state;
	for (size_t g = 0; g < sizeof(generations) / sizeof(generations[0]); g++)
		for (size_t i = 0; i < MARKS; i++)
			check_mark(generations[g] + 1, i);
}

static void random_tag(struct em_tag *tag)
{
	*tag = (struct em_tag){.n_pieces = random() % EM_PIECES_MAX + 1};
	for (uint8_t i = 0; i < tag->n_pieces; i++) {
		tag->pieces[i].offset = i * 225 + random() % 200;
		tag->pieces[i].length = random() % (EM_TAG_MAX / tag->n_pieces) + 1;
		memset(tag->mask + tag->length, random() % 2 ? 0xff : 0x0f, tag->pieces[i].length);
		tag->length += tag->pieces[i].length;
	}
}

/* A mask takes 16 bytes at most: a longer piece is read in two parts. */
static unsigned int expected_length(const struct em_piece *piece, unsigned int offset, bool masked)
{
	if (!masked || piece->length <= 16)
		return piece->length;
	return offset == piece->offset ? 16 : piece->length - 16U;
}

static unsigned int expected_loads(const struct em_tag *tag)
{
	unsigned int n = tag->n_pieces, at = 0;

	for (uint8_t i = 0; i < tag->n_pieces; at += tag->pieces[i++].length)
		n += tag->pieces[i].length > 16 && tag->mask[at] != 0xff;
	return n;
}

/* Each piece of the tag is in the key where its load is. */
static void check_key(const struct em_tag *tag, const struct em_key *key, const uint8_t *whole,
		      const uint8_t *bytes)
{
	uint8_t at = 0;

	for (uint8_t i = 0; i < key->n_loads; at += em_load_padded(key->loads, key->n_loads, i++)) {
		unsigned int offset = key->loads[i].offset - EM_UDP_HEADER;
		uint8_t piece = 0, start = 0;

		while (offset < tag->pieces[piece].offset ||
		       offset >= tag->pieces[piece].offset + tag->pieces[piece].length)
			start += tag->pieces[piece++].length;
		start += offset - tag->pieces[piece].offset;
		assert_int_equal(key->loads[i].length, expected_length(&tag->pieces[piece], offset,
								       key->loads[i].masked));
		assert_memory_equal(bytes + at, whole + start, key->loads[i].length);
	}
}

static void test_key(void **state)
{
	(void)state;
	srandom(1);
	for (int round = 0; round < ROUNDS; round++) {
		uint8_t tag[EM_TAG_MAX], bytes[EM_KEY_MAX];
		struct em_format format = {0};
		struct em_key key;
		bool plain = false;

		random_tag(&format.tag);
		for (uint8_t i = 0; i < format.tag.length; i++)
			tag[i] = random();
		em_key_of_tag(&format, &key);
		assert_int_equal(key.n_loads, expected_loads(&format.tag));
		assert_true(em_key_length(&key) <= EM_KEY_MAX);
		em_key_from_tag(&key, tag, bytes);
		check_key(&format.tag, &key, tag, bytes);
		for (uint8_t i = 0; i < key.n_loads; i++) {
			assert_false(plain && key.loads[i].masked);
			plain |= !key.loads[i].masked;
		}
	}
}

/* It is found wherever it is, and nothing else is taken for it. */
static void test_expected(void **state)
{
	uint8_t other[] = {0, 3, 'a', 'b', 0},
		all[sizeof(other) + EM_EXPECTED_SIZE + sizeof(other)];

	(void)state;
	memcpy(all, other, sizeof(other));
	em_expected_write(all + sizeof(other), 7);
	memcpy(all + sizeof(other) + EM_EXPECTED_SIZE, other, sizeof(other));
	assert_int_equal(em_expected_read(all, sizeof(all)), 7);
	assert_int_equal(em_expected_read(all, sizeof(other) + EM_EXPECTED_SIZE), 7);
	assert_int_equal(em_expected_read(all, sizeof(other)), EM_EXPECTED_NONE);
	for (size_t n = 0; n < sizeof(other) + EM_EXPECTED_SIZE; n++)
		assert_int_equal(em_expected_read(all, n), EM_EXPECTED_NONE);
	all[sizeof(other) + 1] = 5;
	assert_int_equal(em_expected_read(all, sizeof(all)), EM_EXPECTED_NONE);
}

static bool box_holds(const struct em_byte_range *box, uint64_t number)
{
	uint8_t byte = number >> box->byte * 8;
	uint64_t above = box->byte == 7 ? 0 : number >> (box->byte + 1) * 8;
	uint64_t wanted = box->byte == 7 ? 0 : box->value >> (box->byte + 1) * 8;

	return above == wanted && byte >= box->first && byte <= box->last;
}

static void check_number(const struct em_byte_range *boxes, size_t n, uint64_t min, uint64_t max,
			 uint64_t number)
{
	size_t holding = 0;

	for (size_t i = 0; i < n; i++)
		holding += box_holds(&boxes[i], number);
	if (holding != (number >= min && number <= max))
		fail_msg("%#lx is in %zu boxes of %#lx-%#lx", (unsigned long)number, holding,
			 (unsigned long)min, (unsigned long)max);
}

/* A number whose bytes are often the ones at which things change. */
static uint64_t random_number(unsigned int length)
{
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
	uint64_t number = 0;

	for (unsigned int i = 0; i < length; i++)
		number = number << 8 |
			 (random() % 3 ? edges[random() % sizeof(edges)] : random() & 0xff);
	return number;
}

static void check_range(uint64_t min, uint64_t max, unsigned int length)
{
	uint64_t all = length == 8 ? UINT64_MAX : (1ULL << length * 8) - 1;
	struct em_byte_range boxes[EM_SPLIT_RANGE_MAX];
	size_t n = em_split_range(min, max, length, boxes);

	assert_in_range(n, 1, 2 * length - 1);
	check_number(boxes, n, min, max, min);
	check_number(boxes, n, min, max, max);
	check_number(boxes, n, min, max, (min - 1) & all);
	check_number(boxes, n, min, max, (max + 1) & all);
	check_number(boxes, n, min, max, min + (max - min) / 2);
	for (int i = 0; i < 200; i++)
		check_number(boxes, n, min, max, random_number(length));
}

static void test_boxes(void **state)
{
	static const unsigned int lengths[] = {1, 2, 4, 8};
	struct em_byte_range boxes[EM_SPLIT_RANGE_MAX];

	(void)state;
	srandom(1);
	for (unsigned int l = 0; l < 4; l++) {
		uint64_t all = lengths[l] == 8 ? UINT64_MAX : (1ULL << lengths[l] * 8) - 1;

		check_range(0, 0, lengths[l]);
		check_range(all, all, lengths[l]);
		check_range(0, all, lengths[l]);
		assert_int_equal(em_split_range(0, all, lengths[l], boxes), 1);
		assert_int_equal(em_split_range(all - 1, all - 1, lengths[l], boxes), 1);
		for (int i = 0; i < ROUNDS; i++) {
			uint64_t a = random_number(lengths[l]), b = random_number(lengths[l]);

			check_range(a < b ? a : b, a < b ? b : a, lengths[l]);
		}
	}
	/* As many as there can be. */
	assert_int_equal(em_split_range(0x0101010101010101, 0xfefefefefefefefe, 8, boxes), 15);
}

static void test_boxes_exhaustive(void **state)
{
	struct em_byte_range boxes[EM_SPLIT_RANGE_MAX];

	(void)state;
	for (uint64_t min = 0; min < 256; min += 5)
		for (uint64_t max = min; max < 65536; max += 1 + max / 7) {
			size_t n = em_split_range(min, max, 2, boxes);

			for (uint64_t number = 0; number < 65536;
			     number += 1 + (number > max + 600))
				check_number(boxes, n, min, max, number);
		}
}

struct finding {
	unsigned int line;
	char text[128];
	size_t n;
};

static void note(void *context, const struct em_place *place, const char *finding)
{
	struct finding *found = context;

	found->line = place->line;
	snprintf(found->text, sizeof(found->text), "%s", finding);
	found->n++;
}

static void test_check_policy(void **state)
{
	struct em_policy *policy = read_policy("basic");
	struct em_format *format = policy->listeners[0].formats;
	struct finding found = {0};

	(void)state;
	em_nft_backend.check(policy, note, &found);
	assert_int_equal(found.n, 0);
	format->tag.pieces[0].offset = 247;
	em_nft_backend.check(policy, note, &found);
	assert_int_equal(found.n, 0);
	format->tag.pieces[0].offset = 248;
	em_nft_backend.check(policy, note, &found);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.line, format->tag.place.line);
	assert_string_equal(found.text, "payload offset 248 needs a kernel whose nf_tables loads "
					"beyond byte 247 (6.18 or later)");
	format->tag.pieces[0].offset = 4;
	format->checks[1].offset = 247;
	em_nft_backend.check(policy, note, &found);
	assert_int_equal(found.n, 1);
	format->checks[1].little_endian = true;
	em_nft_backend.check(policy, note, &found);
	assert_int_equal(found.n, 2);
	assert_int_equal(found.line, format->checks[1].place.line);
	em_policy_free(policy);
}

/* On lo, conntrack comes too late to choose a zone. */
static void test_check_policy_replies(void **state)
{
	struct em_policy *policy = read_policy("replies");
	struct finding found = {0};

	(void)state;
	em_nft_backend.check(policy, note, &found);
	assert_int_equal(found.n, 0);
	strcpy(policy->listeners[1].interfaces[0].name, "lo");
	strcpy(policy->listeners[3].interfaces[0].name, "lo");
	em_nft_backend.check(policy, note, &found);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.line, policy->listeners[1].replies_place.line);
	em_policy_free(policy);
}

/* The statement that tells whether the frame holds all bytes, in a one-listener policy. */
static const struct em_load *in_frame(const struct em_ruleset *ruleset)
{
	for (size_t c = 0; c < ruleset->n_chains; c++)
		for (size_t r = 0; r < ruleset->chains[c].n_rules; r++) {
			const struct em_rule *rule = &ruleset->chains[c].rules[r];

			if (rule->statements[0].kind == EM_STATEMENT_RANGE &&
			    rule->statements[1].kind == EM_STATEMENT_IN_FRAME)
				return &rule->statements[1].loads[0];
		}
	return NULL;
}

static void check_in_frame(const struct em_policy *policy, unsigned int offset, unsigned int length)
{
	struct em_ruleset *ruleset = NULL;
	const struct em_load *load;

	assert_int_equal(em_ruleset_new(&ruleset, policy, 1, (struct em_form){.zones = false}), 0);
	load = in_frame(ruleset);
	assert_non_null(load);
	assert_int_equal(load->offset, offset);
	assert_int_equal(load->length, length);
	em_ruleset_free(ruleset);
}

/* One byte, or where old kernels cannot start a load there, a longer one that ends there. */
static void test_last_needed(void **state)
{
	struct em_policy *policy = read_policy("basic");
	struct em_format *format = policy->listeners[0].formats;

	(void)state;
	check_in_frame(policy, EM_UDP_HEADER + 7, 1);
	format->tag.pieces[0].offset = 244;
	check_in_frame(policy, 255, 1);
	format->tag.pieces[0].offset = 245;
	check_in_frame(policy, EM_UDP_HEADER + 245, 4);
	format->payload_max = em_format_need(format);
	format->payload_min = 0;
	check_in_frame(policy, EM_UDP_HEADER + 245, 4);
	em_policy_free(policy);
}

/* No datagram can be long enough: nothing leads on, and no range is upside down. */
static void test_no_length(void **state)
{
	struct em_policy *policy = read_policy("basic");
	struct em_ruleset *ruleset = NULL;

	(void)state;
	policy->listeners[0].formats->payload_min = 0;
	policy->listeners[0].formats->payload_max = 7;
	assert_int_equal(em_ruleset_new(&ruleset, policy, 1, (struct em_form){.zones = false}), 0);
	assert_null(in_frame(ruleset));
	em_ruleset_free(ruleset);
	em_policy_free(policy);
}

#define GOLDEN(name)                                                                               \
	{                                                                                          \
		"golden " name, test_golden, NULL, NULL, (void *)(uintptr_t)(name)                 \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GOLDEN("actions"),
		GOLDEN("basic"),
		GOLDEN("checks"),
		GOLDEN("exploring"),
		GOLDEN("formats"),
		GOLDEN("long"),
		GOLDEN("minimal"),
		GOLDEN("replies"),
		GOLDEN("ranges"),
		GOLDEN("saddr"),
		GOLDEN("sources"),
		GOLDEN("tags"),
		GOLDEN("vlan"),
		cmocka_unit_test(test_golden_zones),
		cmocka_unit_test(test_golden_copies),
		cmocka_unit_test(test_bases),
		cmocka_unit_test(test_generation),
		cmocka_unit_test(test_identifier),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_expected),
		cmocka_unit_test(test_boxes),
		cmocka_unit_test(test_boxes_exhaustive),
		cmocka_unit_test(test_check_policy),
		cmocka_unit_test(test_check_policy_replies),
		cmocka_unit_test(test_last_needed),
		cmocka_unit_test(test_no_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
