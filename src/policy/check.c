/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * check - the numbers that a check compares, and comparisons of checks with each other.
 */
#include <string.h>

#include "policy/policy.h"

uint8_t em_check_wire_byte(const struct em_check *check, uint64_t number, unsigned int i)
{
	return number >> 8 * (check->little_endian ? i : check->length - 1 - i) & 0xff;
}

uint64_t em_check_number(const struct em_check *check, const uint8_t *bytes)
{
	uint64_t number = 0;

	for (size_t i = 0; i < check->length; i++) {
		size_t at = check->little_endian ? check->length - 1 - i : i;

		number = number << 8 | (bytes[at] & (check->mask ? check->mask[at] : 0xff));
	}
	return number;
}

bool em_check_outside_mask(const struct em_check *check, uint64_t number)
{
	for (unsigned int i = 0; check->mask && i < check->length; i++)
		if (em_check_wire_byte(check, number, i) & ~check->mask[i])
			return true;
	return false;
}

bool em_check_impossible(const struct em_check *check)
{
	if (check->kind == EM_CHECK_BYTES) {
		for (size_t i = 0; check->bytes && check->mask && i < check->length; i++)
			if (check->bytes[i] & ~check->mask[i])
				return true;
		return false;
	}
	if (!check->n_values)
		return check->min == check->max && em_check_outside_mask(check, check->min);
	for (uint8_t i = 0; i < check->n_values; i++)
		if (!em_check_outside_mask(check, check->values[i]))
			return false;
	return true;
}

static bool same_mask(const struct em_check *a, const struct em_check *b)
{
	for (size_t i = 0; i < a->length; i++)
		if ((a->mask ? a->mask[i] : 0xff) != (b->mask ? b->mask[i] : 0xff))
			return false;
	return true;
}

static bool same_check(const struct em_check *a, const struct em_check *b)
{
	if (a->kind != b->kind || a->offset != b->offset || a->length != b->length ||
	    a->negated != b->negated || !same_mask(a, b))
		return false;
	if (a->kind == EM_CHECK_BYTES)
		return a->bytes && b->bytes && !memcmp(a->bytes, b->bytes, a->length);
	if (a->little_endian != b->little_endian || a->n_values != b->n_values)
		return false;
	if (a->n_values)
		return !memcmp(a->values, b->values, a->n_values * sizeof(a->values[0]));
	return a->min == b->min && a->max == b->max;
}

bool em_format_covers(const struct em_format *other, const struct em_format *format)
{
	uint16_t need = em_format_need(format), other_need = em_format_need(other);

	if (other_need > need || other->payload_max < format->payload_max ||
	    (other->payload_min > format->payload_min && other->payload_min > need))
		return false;
	for (size_t i = 0; i < other->n_checks; i++) {
		size_t j = 0;

		while (j < format->n_checks && !same_check(&other->checks[i], &format->checks[j]))
			j++;
		if (j == format->n_checks)
			return false;
	}
	return true;
}
