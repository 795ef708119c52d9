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
#define RULE_CHUNKS_MAX 24

static void add_bytes(struct em_builder *b, enum em_statement_kind kind, uint16_t offset,
		      const uint8_t *bytes, const uint8_t *mask, uint8_t length)
{
	struct em_load load = em_build_payload(offset, length);

	if (mask) {
		memcpy(load.mask, mask, length);
		for (uint8_t i = 0; i < length; i++)
			load.masked |= mask[i] != 0xff;
	}
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

static bool any_number(const struct em_check *check)
{
	return check->kind == EM_CHECK_NUMBER && check->min == 0 && check->max == number_max(check);
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

/* Bits of `bytes` that the mask takes out can never be equal. */
static bool impossible(const struct em_check *check)
{
	if (check->kind == EM_CHECK_NUMBER)
		return check->min > check->max;
	for (size_t i = 0; check->mask && i < check->length; i++)
		if (check->bytes[i] & ~check->mask[i])
			return true;
	return false;
}

/* Number of a box: least significant byte first in the payload. */
static void add_box(struct em_builder *b, const struct em_check *check,
		    const struct em_byte_range *box)
{
	uint8_t bytes[8];
	unsigned int equal = box->byte + 1;

	for (unsigned int i = 0; i < check->length; i++)
		bytes[i] = box->value >> i * 8 & 0xff;
	if (box->first == box->last) {
		equal = box->byte;
		bytes[box->byte] = box->first;
	} else if (box->first != 0 || box->last != 0xff) {
		add_range(b, em_build_payload(check->offset + box->byte, 1), box->first, box->last);
	}
	if (equal < check->length)
		add_bytes(b, EM_STATEMENT_EQUAL, check->offset + equal, bytes + equal, NULL,
			  check->length - equal);
}

static size_t boxes(const struct em_check *check, struct em_byte_range out[EM_SPLIT_RANGE_MAX])
{
	return em_split_range(check->min, check->max, check->length, out);
}

/* Whether a check of the format needs a chain of its own. */
static bool apart(const struct em_format *format, const struct em_check *check)
{
	unsigned int most = format->n_checks > EM_CHECKS_MAX ? 1 : RULE_CHUNKS_MAX / EM_CHECKS_MAX;
	struct em_byte_range box[EM_SPLIT_RANGE_MAX];

	if (check->kind == EM_CHECK_BYTES)
		return chunks(check) > most;
	return check->little_endian && boxes(check, box) > 1;
}

static unsigned int parts(const struct em_check *check)
{
	return check->kind == EM_CHECK_BYTES
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
	struct em_byte_range box[EM_SPLIT_RANGE_MAX];

	if (check->kind == EM_CHECK_BYTES) {
		add_chunks(b, check, 0);
	} else if (check->little_endian) {
		boxes(check, box);
		add_box(b, check, &box[0]);
	} else if (!any_number(check)) {
		add_range(b, em_build_payload(check->offset, check->length), check->min,
			  check->max);
	}
}

static void chain_check(struct em_builder *b, size_t index, unsigned int part)
{
	const struct em_check *check = &b->format->checks[index];
	struct em_byte_range box[EM_SPLIT_RANGE_MAX];

	em_build_chain(b, check_chain(b, index, part));
	if (check->kind == EM_CHECK_BYTES) {
		em_build_rule(b, &check->place);
		add_chunks(b, check, part * RULE_CHUNKS_MAX);
		em_build_add(b, EM_STATEMENT_RETURN);
	} else {
		for (size_t i = 0, n = boxes(check, box); i < n; i++) {
			em_build_rule(b, &check->place);
			add_box(b, check, &box[i]);
			em_build_add(b, EM_STATEMENT_RETURN);
		}
	}
	em_build_rule_invalid(b, EM_COUNTER_CHECK, &check->place);
}

static const struct em_check *impossible_check(const struct em_format *format)
{
	for (size_t i = 0; i < format->n_checks; i++)
		if (impossible(&format->checks[i]))
			return &format->checks[i];
	return NULL;
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

	for (size_t i = 0, n = em_split_range(min, max, check->length, box); i < n; i++) {
		em_build_rule(b, &check->place);
		add_box(b, check, &box[i]);
		add_return(b);
	}
}

/*
 * A check that needs a chain of its own, turned around: rules that return where it does not hold.
 * The chain can be left then, which a subroutine cannot do for it.
 */
static void rules_failed(struct em_builder *b, const struct em_check *check)
{
	if (check->kind == EM_CHECK_NUMBER) {
		if (check->min > 0)
			rules_in_range(b, check, 0, check->min - 1);
		if (check->max < number_max(check))
			rules_in_range(b, check, check->max + 1, number_max(check));
		return;
	}
	for (unsigned int i = 0; i < chunks(check); i++) {
		size_t at = i * EM_LOAD_MAX;
		uint8_t length =
			check->length - at < EM_LOAD_MAX ? check->length - at : EM_LOAD_MAX;

		if (masked_out(check->mask ? check->mask + at : NULL, length))
			continue;
		em_build_rule(b, &check->place);
		add_bytes(b, EM_STATEMENT_NOT_EQUAL, check->offset + at, check->bytes + at,
			  check->mask ? check->mask + at : NULL, length);
		add_return(b);
	}
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

/* A rule for all checks that fit into one, which ends in the chain for what is valid. */
static void rule_checks(struct em_builder *b)
{
	const struct em_format *format = b->format;

	em_build_rule(b, &format->checks[0].place);
	for (size_t i = 0; i < format->n_checks; i++)
		if (!apart(format, &format->checks[i]))
			add_check(b, &format->checks[i]);
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
			rules_failed(b, &format->checks[i]);
		else if (apart(format, &format->checks[i]))
			jump_to_parts(b, i);
	rule_checks(b);
	for (size_t i = 0; i < format->n_checks && !several; i++)
		for (unsigned int p = 0;
		     apart(format, &format->checks[i]) && p < parts(&format->checks[i]); p++)
			chain_check(b, i, p);
}
