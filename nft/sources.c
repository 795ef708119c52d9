/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * sources - who may send to a listener: for each family a set of disjoint ranges in ascending
 * order.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nft/build.h"

struct range {
	uint8_t first[16];
	uint8_t last[16]; /* inclusive */
};

static int compare_ranges(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct range));
}

static size_t address_length(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

static void range_of_prefix(struct range *range, const struct em_prefix *prefix)
{
	size_t length = address_length(prefix->address.family);

	memcpy(range->first, prefix->address.bytes, length);
	memcpy(range->last, prefix->address.bytes, length);
	for (unsigned int bit = prefix->length; bit < length * 8; bit++)
		range->last[bit / 8] |= 0x80 >> bit % 8;
}

/* Whether b begins within a or right after it; a does not begin after b. */
static bool meets(const struct range *a, const struct range *b, size_t length)
{
	uint8_t after[16] = {0};

	if (memcmp(b->first, a->last, length) <= 0)
		return true;
	memcpy(after, a->last, length);
	while (length-- && ++after[length] == 0)
		;
	return memcmp(after, b->first, sizeof(after)) == 0;
}

/*
 * Merges neighbours: nf_tables refuses intervals that overlap, and nft lists adjacent ones in its
 * own way.
 */
static size_t merge_ranges(struct range *ranges, size_t n, size_t length)
{
	size_t kept = 1;

	qsort(ranges, n, sizeof(*ranges), compare_ranges);
	for (size_t i = 1; i < n; i++) {
		struct range *last = &ranges[kept - 1], *range = &ranges[i];

		if (!meets(last, range, length))
			ranges[kept++] = *range;
		else if (memcmp(range->last, last->last, length) > 0)
			memcpy(last->last, range->last, length);
	}
	return kept;
}

static void put_range(const struct em_object *object, size_t i, struct em_element *element)
{
	const struct range *range = (const struct range *)object->items + i;

	memcpy(element->key, range->first, sizeof(range->first));
	memcpy(element->last, range->last, sizeof(range->last));
}

/* The ranges of one family, the caller's to free; NULL: none, or an error. */
static struct range *collect(struct em_builder *b, uint8_t family, size_t *n)
{
	const struct em_listener *listener = b->listener;
	struct range *ranges = NULL;

	*n = 0;
	for (size_t i = 0; i < listener->n_sources; i++) {
		struct range *range;

		if (listener->sources[i].address.family != family)
			continue;
		range = em_build_append(&ranges, n, sizeof(*range));
		if (!range) {
			b->error = -ENOMEM;
			free(ranges);
			return NULL;
		}
		range_of_prefix(range, &listener->sources[i]);
	}
	if (ranges)
		*n = merge_ranges(ranges, *n, address_length(family));
	return ranges;
}

static const struct {
	uint8_t family;
	const char *set;
	enum em_field saddr;
	uint16_t protocol;
} families[] = {{AF_INET, "sources4", EM_FIELD_IP_SADDR, ETH_P_IP},
		{AF_INET6, "sources6", EM_FIELD_IP6_SADDR, ETH_P_IPV6}};

static void rule_other_family(struct em_builder *b, size_t f)
{
	em_build_rule(b, &b->listener->place);
	em_build_u16(b, EM_STATEMENT_EQUAL, EM_FIELD_PROTOCOL, families[f].protocol);
	em_build_invalid(b, EM_COUNTER_SOURCE);
}

/* A family without a prefix has no permitted source. */
static void rule_family(struct em_builder *b, size_t f)
{
	struct em_load saddr = em_build_field(families[f].saddr);
	struct em_identifier name = em_build_listener_name(b, families[f].set);
	struct range *ranges;
	size_t n;

	ranges = collect(b, families[f].family, &n);
	if (!ranges) {
		rule_other_family(b, f);
		return;
	}
	em_build_rule(b, &b->listener->place);
	em_build_match(b, EM_STATEMENT_NOT_IN, saddr)->target = name;
	em_build_object(b, (struct em_object){.kind = EM_OBJECT_SET,
					      .table = EM_TABLE_NETDEV,
					      .name = name,
					      .place = b->listener->place,
					      .purpose = "add set",
					      .key = {.loads = {saddr}, .n_loads = 1},
					      .interval = true,
					      .n = n,
					      .element = put_range,
					      .items = ranges});
	em_build_invalid(b, EM_COUNTER_SOURCE);
}

void em_build_sources(struct em_builder *b)
{
	uint8_t only = em_listener_family(b->listener);

	for (size_t f = 0; f < 2; f++) {
		if (only != AF_UNSPEC && only != families[f].family)
			rule_other_family(b, f);
		else if (b->listener->n_sources)
			rule_family(b, f);
	}
}
