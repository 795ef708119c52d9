/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * key - the parts of ruleset.h that stand for themselves: names, keys of the maps, and numbers
 * taken apart into bytes.
 */
/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nft/ruleset.h"

uint8_t em_ruleset_family(enum em_table table)
{
	return table == EM_TABLE_INET ? NFPROTO_INET : NFPROTO_NETDEV;
}

static bool identifier_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

const char *em_identifier_format(const struct em_identifier *identifier,
				 char text[EM_IDENTIFIER_MAX])
{
	char *end = text;

	if (identifier->generation)
		end += sprintf(end, "v%u-", identifier->generation);
	end += sprintf(end, "%.32s", identifier->role);
	if (identifier->number)
		end += sprintf(end, "%u", identifier->number);
	if (identifier->part)
		end += sprintf(end, ".%u", identifier->part);
	if (identifier->owner)
		*end++ = '-';
	for (const char *c = identifier->owner; c && *c; c++)
		if (identifier_letter(*c))
			*end++ = *c;
		else
			end += sprintf(end, "/%02x", (unsigned char)*c);
	*end = '\0';
	return text;
}

uint32_t em_identifier_generation(const char *text)
{
	unsigned long generation;
	char *end;

	if (text[0] != 'v' || text[1] < '1' || text[1] > '9')
		return 0;
	generation = strtoul(text + 1, &end, 10);
	return *end == '-' && generation <= UINT32_MAX ? generation : 0;
}

const struct em_ingress_chain em_ruleset_ingress[EM_INGRESSES] = {
	[EM_INGRESS_HEADERS] = {"headers", EM_RULESET_PRIORITY - 1, "pull"},
	[EM_INGRESS_SORT] = {"ingress", EM_RULESET_PRIORITY, "dispatch"},
};

const struct em_base_chain em_ruleset_bases[EM_BASES] = {
	[EM_BASE_RAW] = {{.role = "raw", .owner = "prerouting"}, "filter", -300, "marked"},
	[EM_BASE_NAT] = {{.role = "nat", .owner = "prerouting"}, "nat", -100, "translate"},
};

const char *em_identifier_owner(const char *text, const char *role)
{
	size_t length = strlen(role);
	const char *start = em_identifier_generation(text) ? strchr(text, '-') + 1 : text;

	return strncmp(start, role, length) == 0 && start[length] == '-' ? start + length + 1
									 : NULL;
}

struct em_identifier em_ruleset_base(enum em_ingress which, const char *interface)
{
	return (struct em_identifier){.role = em_ruleset_ingress[which].role, .owner = interface};
}

struct em_identifier em_ruleset_dispatch(uint32_t generation, enum em_ingress which,
					 const char *interface)
{
	return (struct em_identifier){.generation = generation,
				      .role = em_ruleset_ingress[which].entry,
				      .owner = interface};
}

struct em_identifier em_ruleset_counter(uint32_t generation, const struct em_listener *listener,
					enum em_counter counter)
{
	static const char *const roles[EM_COUNTERS] = {
		[EM_COUNTER_PACKETS] = "packets", [EM_COUNTER_REWRITTEN] = "rewritten",
		[EM_COUNTER_UNKNOWN] = "unknown", [EM_COUNTER_SOURCE] = "source",
		[EM_COUNTER_LENGTH] = "length",	  [EM_COUNTER_CHECK] = "check",
	};

	return (struct em_identifier){
		.generation = generation, .role = roles[counter], .owner = listener->name};
}

struct em_identifier em_ruleset_map(uint32_t generation, const struct em_listener *listener)
{
	return (struct em_identifier){.generation = generation,
				      .role = listener->replies ? EM_ROLE_TAGS : "entities",
				      .owner = listener->name};
}

struct em_identifier em_ruleset_zones(uint32_t generation, const struct em_listener *listener)
{
	return (struct em_identifier){
		.generation = generation, .role = EM_ROLE_ZONES, .owner = listener->name};
}

struct em_identifier em_ruleset_conversations(uint32_t generation, uint32_t seconds)
{
	return (struct em_identifier){
		.generation = generation, .role = "conversations", .number = seconds};
}

struct em_identifier em_ruleset_ports(uint32_t generation)
{
	return (struct em_identifier){.generation = generation, .role = "ports"};
}

struct em_identifier em_ruleset_timeout(uint32_t seconds, uint8_t family)
{
	return (struct em_identifier){.role = "flow-timeout",
				      .number = seconds,
				      .owner = family == AF_INET ? "ip" : "ip6"};
}

uint16_t em_ruleset_zone(const struct em_listener *listener, uint16_t target)
{
	return target == listener->port ? 0 : target;
}

struct em_identifier em_ruleset_entry(uint32_t generation, enum em_base base)
{
	return (struct em_identifier){.generation = generation,
				      .role = em_ruleset_bases[base].entry};
}

/* Of the generation 7 bits, which are enough for those that are there at a time; 9 of the index. */
uint32_t em_ruleset_mark(uint32_t generation, size_t listener)
{
	return (generation & 0x7f) << 25 | (uint32_t)(listener + 1) << 16;
}

struct em_identifier em_ruleset_counts(uint32_t generation, const struct em_listener *listener)
{
	return (struct em_identifier){
		.generation = generation, .role = "counts", .owner = listener->name};
}

const char *em_ruleset_entity_counter(uint32_t generation, const struct em_listener *listener,
				      const struct em_entity *entity, char text[EM_IDENTIFIER_MAX])
{
	struct em_identifier name = {
		.generation = generation, .role = "entity", .owner = listener->name};
	char tag[EM_TAG_TEXT_MAX];

	em_identifier_format(&name, text);
	/* Without "0x". */
	sprintf(text + strlen(text), "-%s", em_tag_format(listener, entity->tag, tag) + 2);
	return text;
}

static struct em_load piece_load(const struct em_tag *tag, const struct em_piece *piece, uint8_t at)
{
	struct em_load load = {.field = EM_FIELD_PAYLOAD,
			       .offset = EM_UDP_HEADER + piece->offset,
			       .length = piece->length};

	memcpy(load.mask, tag->mask + at, piece->length);
	for (uint8_t i = 0; i < piece->length; i++)
		load.masked |= load.mask[i] != 0xff;
	return load;
}

static void key_add(struct em_key *key, const struct em_tag *tag, bool masked)
{
	uint8_t at = 0;

	for (uint8_t i = 0; i < tag->n_pieces; at += tag->pieces[i++].length) {
		struct em_load load = piece_load(tag, &tag->pieces[i], at);

		if (load.masked != masked)
			continue;
		key->tag_offset[key->n_loads] = at;
		key->loads[key->n_loads++] = load;
	}
}

/* A key of one load is as long as that; in a concatenation each part has whole registers. */
static uint8_t padded(const struct em_key *key, uint8_t i)
{
	return key->n_loads == 1 ? key->loads[i].length : (key->loads[i].length + 3) & ~3;
}

void em_ruleset_key(const struct em_listener *listener, struct em_key *key)
{
	*key = (struct em_key){0};
	key_add(key, &listener->tag, true);
	key_add(key, &listener->tag, false);
	for (uint8_t i = 0; i < key->n_loads; i++)
		key->length += padded(key, i);
}

void em_key_from_tag(const struct em_key *key, const uint8_t *tag, uint8_t bytes[EM_KEY_MAX])
{
	uint8_t at = 0;

	memset(bytes, 0, EM_KEY_MAX);
	for (uint8_t i = 0; i < key->n_loads; at += padded(key, i++))
		memcpy(bytes + at, tag + key->tag_offset[i], key->loads[i].length);
}

void em_key_to_tag(const struct em_key *key, const uint8_t *bytes, uint8_t tag[EM_TAG_MAX])
{
	uint8_t at = 0;

	for (uint8_t i = 0; i < key->n_loads; at += padded(key, i++))
		memcpy(tag + key->tag_offset[i], bytes + at, key->loads[i].length);
}

static uint8_t byte_of(uint64_t value, unsigned int byte)
{
	return value >> byte * 8 & 0xff;
}

/*
 * In the highest byte in which min and max differ, whatever is strictly between theirs is in.
 * Beside min's own byte there, what is above min in one of the lower bytes is in; beside max's,
 * what is below.  Lower bytes that leave nothing out (min's are 0, max's are 0xff) need no box.
 */
size_t em_split_range(uint64_t min, uint64_t max, unsigned int length,
		      struct em_byte_range out[EM_SPLIT_RANGE_MAX])
{
	unsigned int top = length - 1, low = 0, high = 0;
	uint8_t first, last;
	size_t n = 0;

	while (top > 0 && byte_of(min, top) == byte_of(max, top))
		top--;
	first = byte_of(min, top);
	last = byte_of(max, top);
	while (low < top && byte_of(min, low) == 0)
		low++;
	while (high < top && byte_of(max, high) == 0xff)
		high++;
	for (unsigned int i = low; i < top; i++) {
		unsigned int from = byte_of(min, i) + (i > low);

		if (from <= 0xff)
			out[n++] = (struct em_byte_range){min, i, from, 0xff};
	}
	for (unsigned int i = high; i < top; i++) {
		int to = byte_of(max, i) - (i > high);

		if (to >= 0)
			out[n++] = (struct em_byte_range){max, i, 0, to};
	}
	if (low < top)
		first++;
	if (high < top)
		last--;
	if (first <= last)
		out[n++] = (struct em_byte_range){min, top, first, last};
	return n;
}
