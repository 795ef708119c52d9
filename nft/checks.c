/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * checks - what a payload is checked for, as comparisons of bytes.
 *
 * nf_tables compares bytes in the order of the wire, which serves for numbers in big endian.  Those
 * in little endian are taken apart (em_split_range()): turning them around in the kernel would
 * depend on the order of its own numbers, and nft could not list it so that it loads again.
 */
#include <string.h>

#include "nft/build.h"
#include "nft/split.h"

/*
 * The kernel takes 128 expressions and 4096 bytes in a rule.  With a mask, a comparison is 3
 * expressions and 120 bytes; so a rule gets no more than 24 of them, where all checks share one 3
 * for each, or one where the checks of a format add to those of the listener.
 */
#define RULE_CHUNKS_MAX (EM_NFT_NOT_BYTES_MAX / EM_LOAD_MAX)
/* Of a number that needs no chain of its own, and those beside which a rule has room to sort. */
#define NUMBER_COMPARISONS   2
#define SORT_COMPARISONS_MAX 8

static void set_mask(struct em_load *load, const uint8_t *mask)
{
	if (!mask)
		return;
	memcpy(load->mask, mask, load->length);
	for (uint8_t i = 0; i < load->length; i++)
		load->masked |= mask[i] != 0xff;
}

static void add_bytes(struct em_builder *b, enum em_statement_kind kind, uint16_t offset,
		      const uint8_t *bytes, const uint8_t *mask, uint8_t length)
{
	struct em_load load = em_build_payload(offset, length);

	set_mask(&load, mask);
	memcpy(em_build_match(b, kind, load)->low, bytes, length);
}

static void add_range(struct em_builder *b, struct em_load load, uint64_t min, uint64_t max)
{
	enum em_statement_kind kind = min == max ? EM_STATEMENT_EQUAL : EM_STATEMENT_RANGE;
	struct em_statement *statement = em_build_match(b, kind, load);

	em_build_number(statement->low, min, load.length);
	em_build_number(statement->high, max, load.length);
}

static uint64_t number_max(const struct em_check *check)
{
	return check->length == 8 ? UINT64_MAX : (1ULL << check->length * 8) - 1;
}

/* Loads of 16 bytes: how many a check of bytes needs. */
static unsigned int chunks(const struct em_check *check)
{
	return (check->length + EM_LOAD_MAX - 1) / EM_LOAD_MAX;
}

static bool masked_out(const uint8_t *mask, size_t length)
{
	for (size_t i = 0; mask && i < length; i++)
		if (mask[i])
			return false;
	return mask != NULL;
}

/* Chunks from first on, as many as fit into one rule. */
static void add_chunks(struct em_builder *b, const struct em_check *check, unsigned int first)
{
	for (unsigned int i = first; i < first + RULE_CHUNKS_MAX && i < chunks(check); i++) {
		size_t at = i * EM_LOAD_MAX;
		uint8_t length =
			check->length - at < EM_LOAD_MAX ? check->length - at : EM_LOAD_MAX;
		const uint8_t *mask = check->mask ? check->mask + at : NULL;

		if (!masked_out(mask, length))
			add_bytes(b, EM_STATEMENT_EQUAL, check->offset + at, check->bytes + at,
				  mask, length);
	}
}

/* The number in the order of the wire. */
static void add_value(struct em_builder *b, enum em_statement_kind kind,
		      const struct em_check *check, uint64_t value)
{
	uint8_t bytes[8];

	for (unsigned int i = 0; i < check->length; i++)
		bytes[i] = em_check_wire_byte(check, value, i);
	add_bytes(b, kind, check->offset, bytes, check->mask, check->length);
}

/* Number of a box: least significant byte first in the payload. */
static void add_box(struct em_builder *b, const struct em_check *check,
		    const struct em_byte_range *box)
{
	const uint8_t *mask = check->mask;
	uint8_t bytes[8];
	unsigned int equal = box->byte + 1;

	for (unsigned int i = 0; i < check->length; i++)
		bytes[i] = box->value >> i * 8 & 0xff;
	if (box->first == box->last) {
		equal = box->byte;
		bytes[box->byte] = box->first;
	} else if (box->first != 0 || box->last != 0xff) {
		struct em_load load = em_build_payload(check->offset + box->byte, 1);

		set_mask(&load, mask ? mask + box->byte : NULL);
		add_range(b, load, box->first, box->last);
	}
	if (equal < check->length)
		add_bytes(b, EM_STATEMENT_EQUAL, check->offset + equal, bytes + equal,
			  mask ? mask + equal : NULL, check->length - equal);
}

/* The numbers from min to max, as boxes or, in big endian, as they are. */
static size_t ranges(const struct em_check *check, uint64_t min, uint64_t max,
		     struct em_byte_range out[EM_SPLIT_RANGE_MAX])
{
	if (check->little_endian)
		return em_split_range(min, max, check->length, out);
	return 1;
}

static void add_numbers(struct em_builder *b, const struct em_check *check, uint64_t min,
			uint64_t max, const struct em_byte_range *box)
{
	struct em_load load = em_build_payload(check->offset, check->length);

	if (check->little_endian) {
		add_box(b, check, box);
	} else if (min > 0 || max < number_max(check)) {
		set_mask(&load, check->mask);
		add_range(b, load, min, max);
	}
}

/* Whether a check of the format needs a chain of its own. */
static bool apart(const struct em_format *format, const struct em_check *check)
{
	unsigned int most = format->n_checks > EM_CHECKS_MAX ? 1 : RULE_CHUNKS_MAX / EM_CHECKS_MAX;
	struct em_byte_range box[EM_SPLIT_RANGE_MAX];

	if (em_check_impossible(check))
		return false;
	if (check->negated && masked_out(check->mask, check->length))
		return true;
	if (check->kind == EM_CHECK_BYTES)
		return chunks(check) > (check->negated ? 1 : most);
	if (check->n_values)
		return check->n_values > 1;
	return check->negated || ranges(check, check->min, check->max, box) > 1;
}

/* Chains for bytes that are more than a rule can compare. */
static unsigned int parts(const struct em_check *check)
{
	return check->kind == EM_CHECK_BYTES && !check->negated
		       ? (chunks(check) + RULE_CHUNKS_MAX - 1) / RULE_CHUNKS_MAX
		       : 1;
}

static struct em_identifier check_chain(const struct em_builder *b, size_t check, unsigned int part)
{
	struct em_identifier name = em_build_listener_name(b, "check");

	name.number = check + 1;
	name.part = part ? part + 1 : 0;
	return name;
}

/* The comparisons of a check that needs no chain of its own. */
static void add_check(struct em_builder *b, const struct em_check *check)
{
	const enum em_statement_kind kind =
		check->negated ? EM_STATEMENT_NOT_EQUAL : EM_STATEMENT_EQUAL;
	struct em_byte_range box[EM_SPLIT_RANGE_MAX];

	if (em_check_impossible(check))
		return; /* with `not`, it always holds */
	if (check->kind == EM_CHECK_BYTES && check->negated) {
		add_bytes(b, kind, check->offset, check->bytes, check->mask, check->length);
	} else if (check->kind == EM_CHECK_BYTES) {
		add_chunks(b, check, 0);
	} else if (check->n_values) {
		add_value(b, kind, check, check->values[0]);
	} else {
		ranges(check, check->min, check->max, box);
		add_numbers(b, check, check->min, check->max, box);
	}
}

static void add_return(struct em_builder *b)
{
	em_build_add(b, EM_STATEMENT_RETURN);
}

/* In rules that return for the numbers from min to max. */
static void rules_in_range(struct em_builder *b, const struct em_check *check, uint64_t min,
			   uint64_t max)
{
	struct em_byte_range box[EM_SPLIT_RANGE_MAX];

	for (size_t i = 0, n = ranges(check, min, max, box); i < n; i++) {
		em_build_rule(b, &check->place);
		add_numbers(b, check, min, max, &box[i]);
		add_return(b);
	}
}

/* Rules that return where the number is compared with success, whether that is asked for or not. */
static void rules_number_equal(struct em_builder *b, const struct em_check *check)
{
	if (!check->n_values)
		rules_in_range(b, check, check->min, check->max);
	for (uint8_t i = 0; i < check->n_values; i++) {
		em_build_rule(b, &check->place);
		add_value(b, EM_STATEMENT_EQUAL, check, check->values[i]);
		add_return(b);
	}
}

static void rules_number_differs(struct em_builder *b, const struct em_check *check)
{
	if (check->n_values) {
		em_build_rule(b, &check->place);
		for (uint8_t i = 0; i < check->n_values; i++)
			add_value(b, EM_STATEMENT_NOT_EQUAL, check, check->values[i]);
		add_return(b);
		return;
	}
	if (check->min > 0)
		rules_in_range(b, check, 0, check->min - 1);
	if (check->max < number_max(check))
		rules_in_range(b, check, check->max + 1, number_max(check));
}

static void rules_bytes_differ(struct em_builder *b, const struct em_check *check)
{
	for (unsigned int i = 0; i < chunks(check); i++) {
		size_t at = i * EM_LOAD_MAX;
		uint8_t length =
			check->length - at < EM_LOAD_MAX ? check->length - at : EM_LOAD_MAX;
		const uint8_t *mask = check->mask ? check->mask + at : NULL;

		if (masked_out(mask, length))
			continue;
		em_build_rule(b, &check->place);
		add_bytes(b, EM_STATEMENT_NOT_EQUAL, check->offset + at, check->bytes + at, mask,
			  length);
		add_return(b);
	}
}

/* Rules that return where the check, or this part of it, holds; or where it does not. */
static void rules_of_check(struct em_builder *b, const struct em_check *check, unsigned int part,
			   bool holds)
{
	bool equal = holds != check->negated;

	if (check->kind == EM_CHECK_NUMBER && equal) {
		rules_number_equal(b, check);
	} else if (check->kind == EM_CHECK_NUMBER) {
		rules_number_differs(b, check);
	} else if (equal) {
		em_build_rule(b, &check->place);
		add_chunks(b, check, part * RULE_CHUNKS_MAX);
		add_return(b);
	} else {
		rules_bytes_differ(b, check);
	}
}

static void chain_check(struct em_builder *b, size_t index, unsigned int part)
{
	const struct em_check *check = &b->format->checks[index];

	em_build_chain(b, check_chain(b, index, part));
	rules_of_check(b, check, part, true);
	em_build_rule_invalid(b, EM_COUNTER_CHECK, &check->place);
}

/* One that never holds. */
static const struct em_check *impossible_check(const struct em_format *format)
{
	for (size_t i = 0; i < format->n_checks; i++)
		if (em_check_impossible(&format->checks[i]) && !format->checks[i].negated)
			return &format->checks[i];
	return NULL;
}

static void jump_to_parts(struct em_builder *b, size_t index)
{
	const struct em_check *check = &b->format->checks[index];

	for (unsigned int p = 0; p < parts(check); p++) {
		em_build_rule(b, &check->place);
		em_build_target(b, EM_STATEMENT_JUMP, check_chain(b, index, p));
	}
}

/* What fails goes on with the next format, which is where the chain returns to, or is invalid. */
static void rule_fail(struct em_builder *b, const struct em_place *place)
{
	if (b->listener->n_formats == 1) {
		em_build_rule_invalid(b, EM_COUNTER_CHECK, place);
		return;
	}
	em_build_rule(b, place);
	add_return(b);
}

bool em_build_checks_fit(const struct em_format *format)
{
	size_t n = 0;

	for (size_t i = 0; i < format->n_checks; i++) {
		const struct em_check *check = &format->checks[i];

		if (apart(format, check) || (em_check_impossible(check) && !check->negated))
			return false;
		n += check->kind == EM_CHECK_BYTES ? chunks(check) : NUMBER_COMPARISONS;
	}
	return n <= SORT_COMPARISONS_MAX;
}

void em_build_compare(struct em_builder *b)
{
	const struct em_format *format = b->format;

	for (size_t i = 0; i < format->n_checks; i++)
		if (!apart(format, &format->checks[i]))
			add_check(b, &format->checks[i]);
}

/* A rule for all checks that fit into one, which ends in the chain for what is valid. */
static void rule_checks(struct em_builder *b)
{
	const struct em_format *format = b->format;

	em_build_rule(b, &format->checks[0].place);
	em_build_compare(b);
	em_build_target(b, EM_STATEMENT_GOTO, em_build_format_name(b, "sort"));
	rule_fail(b, &format->checks[0].place);
}

/*
 * A check of its own chain is a subroutine rather than a step on the way, because the kernel
 * validates a ruleset by walking every path through it: 8 steps with 15 exits each are too many.
 */
void em_build_checks(struct em_builder *b)
{
	const struct em_format *format = b->format;
	bool several = b->listener->n_formats > 1;

	em_build_chain(b, em_build_format_name(b, "checks"));
	if (impossible_check(format)) {
		rule_fail(b, &impossible_check(format)->place);
		return;
	}
	for (size_t i = 0; i < format->n_checks; i++)
		if (apart(format, &format->checks[i]) && several)
			rules_of_check(b, &format->checks[i], 0, false);
		else if (apart(format, &format->checks[i]))
			jump_to_parts(b, i);
	rule_checks(b);
	for (size_t i = 0; i < format->n_checks && !several; i++)
		for (unsigned int p = 0;
		     apart(format, &format->checks[i]) && p < parts(&format->checks[i]); p++)
			chain_check(b, i, p);
}
