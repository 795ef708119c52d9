/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * element - elements of sets and maps as netlink messages; see element.h.
 *
 * A message holds as many as fit into one attribute.
 */
#include "nft/element.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#define NEW	      (NLM_F_CREATE | NLM_F_EXCL)
#define ELEMENTS_FULL 60000

struct elements {
	struct em_batch *batch;
	struct nlmsghdr *message;
	struct nlattr *list;
};

static void open_elements(struct elements *elements, struct em_batch *batch, enum em_table table,
			  const char *name, uint32_t id, const struct em_place *place)
{
	elements->batch = batch;
	elements->message = em_batch_open(batch, em_ruleset_family(table), NFT_MSG_NEWSETELEM, NEW,
					  "add elements", place);
	mnl_attr_put_strz(elements->message, NFTA_SET_ELEM_LIST_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(elements->message, NFTA_SET_ELEM_LIST_SET, name);
	if (id)
		mnl_attr_put_u32(elements->message, NFTA_SET_ELEM_LIST_SET_ID, htonl(id));
	elements->list = mnl_attr_nest_start(elements->message, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static bool elements_full(const struct elements *elements)
{
	return (const char *)mnl_nlmsg_get_payload_tail(elements->message) -
		       (const char *)elements->list >
	       ELEMENTS_FULL;
}

static void close_elements(struct elements *elements)
{
	mnl_attr_nest_end(elements->message, elements->list);
	em_batch_close(elements->batch, elements->message);
}

static struct nlattr *open_element(struct elements *elements, const void *key, size_t length)
{
	struct nlattr *element = mnl_attr_nest_start(elements->message, NFTA_LIST_ELEM);
	struct nlattr *nest = mnl_attr_nest_start(elements->message, NFTA_SET_ELEM_KEY);

	mnl_attr_put(elements->message, NFTA_DATA_VALUE, length, key);
	mnl_attr_nest_end(elements->message, nest);
	return element;
}

static void close_element(struct elements *elements, struct nlattr *element)
{
	mnl_attr_nest_end(elements->message, element);
}

static void put_number(struct elements *elements, uint16_t number)
{
	struct nlattr *data = mnl_attr_nest_start(elements->message, NFTA_SET_ELEM_DATA);

	mnl_attr_put(elements->message, NFTA_DATA_VALUE, sizeof(number), &number);
	mnl_attr_nest_end(elements->message, data);
}

static void put_comment(struct elements *elements, const char *text)
{
	uint8_t userdata[2 + EM_ENTITY_NAME_MAX + 1];

	userdata[0] = NFTNL_UDATA_SET_ELEM_COMMENT;
	userdata[1] = strlen(text) + 1;
	memcpy(userdata + 2, text, userdata[1]);
	mnl_attr_put(elements->message, NFTA_SET_ELEM_USERDATA, 2 + userdata[1], userdata);
}

/* What an entity's tag leads to: its port on the wire, its zone, its counter, or nothing. */
enum data { NOTHING, PORT, ZONE, COUNTER };

struct map {
	struct em_identifier name; /* has the generation */
	enum em_table table;
	enum data data;
};

static void put_data(struct elements *elements, const struct map *map,
		     const struct em_listener *listener, const struct em_entity *entity)
{
	char text[EM_IDENTIFIER_MAX];

	switch (map->data) {
	case NOTHING:
		break;
	case PORT:
		put_number(elements, htons(entity->action.port));
		break;
	case ZONE:
		put_number(elements, em_ruleset_zone(listener, entity->action.port));
		break;
	case COUNTER:
		mnl_attr_put_strz(
			elements->message, NFTA_SET_ELEM_OBJREF,
			em_ruleset_entity_counter(map->name.generation, listener, entity, text));
		break;
	}
}

static size_t put_entities(struct em_batch *batch, const struct map *map,
			   const struct em_listener *listener, size_t first)
{
	char text[EM_IDENTIFIER_MAX];
	struct elements elements;
	struct em_key key;

	em_ruleset_key(listener, &key);
	open_elements(&elements, batch, map->table, em_identifier_format(&map->name, text), 0,
		      &listener->entities[first].place);
	while (first < listener->n_entities && !elements_full(&elements)) {
		const struct em_entity *entity = &listener->entities[first++];
		uint8_t bytes[EM_KEY_MAX];
		struct nlattr *element;

		em_key_from_tag(&key, entity->tag, bytes);
		element = open_element(&elements, bytes, key.length);
		put_data(&elements, map, listener, entity);
		if (entity->name && map->data != COUNTER)
			put_comment(&elements, entity->name);
		close_element(&elements, element);
	}
	close_elements(&elements);
	return first;
}

size_t em_element_add_entities(struct em_batch *batch, const struct em_listener *listener,
			       uint32_t generation, size_t first)
{
	const struct map map = {em_ruleset_map(generation, listener), EM_TABLE_NETDEV,
				listener->replies ? NOTHING : PORT};

	return put_entities(batch, &map, listener, first);
}

size_t em_element_add_zoned(struct em_batch *batch, const struct em_listener *listener,
			    uint32_t generation, size_t first)
{
	const struct map map = {em_ruleset_zones(generation, listener), EM_TABLE_INET, ZONE};

	return put_entities(batch, &map, listener, first);
}

size_t em_element_add_counted(struct em_batch *batch, const struct em_listener *listener,
			      uint32_t generation, size_t first)
{
	const struct map map = {em_ruleset_counts(generation, listener), EM_TABLE_NETDEV, COUNTER};

	return put_entities(batch, &map, listener, first);
}

/* Sets of sources: the kernel takes an interval as its first address and the first one after it. */

static void put_interval_flags(struct elements *elements, bool end, bool open)
{
	static const uint8_t open_ended[] = {
		NFTNL_UDATA_SET_ELEM_FLAGS, 4, NFTNL_SET_ELEM_F_INTERVAL_OPEN, 0, 0, 0};

	if (end)
		mnl_attr_put_u32(elements->message, NFTA_SET_ELEM_FLAGS,
				 htonl(NFT_SET_ELEM_INTERVAL_END));
	if (open)
		mnl_attr_put(elements->message, NFTA_SET_ELEM_USERDATA, sizeof(open_ended),
			     open_ended);
}

static void put_bound(struct elements *elements, const uint8_t *address, size_t length, bool end,
		      bool open)
{
	struct nlattr *element = open_element(elements, address, length);

	put_interval_flags(elements, end, open);
	close_element(elements, element);
}

/* The address after it; false where there is none. */
static bool next_address(uint8_t *after, const uint8_t *address, size_t length)
{
	memcpy(after, address, length);
	while (length--)
		if (++after[length])
			return true;
	return false;
}

static void put_range(struct elements *elements, const struct em_range *range, size_t length)
{
	uint8_t after[16];
	bool more = next_address(after, range->last, length);

	put_bound(elements, range->first, length, false, !more);
	if (more)
		put_bound(elements, after, length, true, false);
}

void em_element_add_ranges(struct em_batch *batch, const struct em_set *set, const char *name)
{
	static const uint8_t zero[16];
	size_t length = set->family == AF_INET ? 4 : 16;
	size_t i = 0;

	while (i < set->n_ranges) {
		struct elements elements;

		open_elements(&elements, batch, EM_TABLE_NETDEV, name, 0, &set->place);
		/* The kernel wants to know that what is before the first interval is not in. */
		if (i == 0 && memcmp(set->ranges[0].first, zero, length))
			put_bound(&elements, zero, length, true, false);
		while (i < set->n_ranges && !elements_full(&elements))
			put_range(&elements, &set->ranges[i++], length);
		close_elements(&elements);
	}
}

/* Conversations, and where they go. */

/* A concatenation: each part in a register of its own. */
static void put_conversation(struct elements *elements, const struct em_conversation *conversation)
{
	const uint16_t key[4] = {[0] = htons(conversation->known), [2] = conversation->target};

	close_element(elements, open_element(elements, key, sizeof(key)));
}

void em_element_add_conversations(struct em_batch *batch, const struct em_ruleset *ruleset,
				  uint32_t seconds, const char *name)
{
	const struct em_conversations *conversations = &ruleset->conversations;

	for (size_t i = 0; i < conversations->n;) {
		struct elements elements;

		open_elements(&elements, batch, EM_TABLE_INET, name, 0, &ruleset->replies_place);
		for (; i < conversations->n && !elements_full(&elements); i++)
			if (conversations->all[i].timeout == seconds)
				put_conversation(&elements, &conversations->all[i]);
		close_elements(&elements);
	}
}

static void put_port(struct elements *elements, uint16_t port)
{
	struct nlattr *element = open_element(elements, &port, sizeof(port));

	put_number(elements, htons(port));
	close_element(elements, element);
}

void em_element_add_ports(struct em_batch *batch, const struct em_ruleset *ruleset,
			  const char *name)
{
	const struct em_conversation *all = ruleset->conversations.all;
	size_t i = 0, n = ruleset->conversations.n;

	while (i < n) {
		struct elements elements;

		open_elements(&elements, batch, EM_TABLE_INET, name, 0, &ruleset->replies_place);
		for (; i < n && !elements_full(&elements); i++)
			if (i == 0 || all[i].target != all[i - 1].target)
				put_port(&elements, all[i].target);
		close_elements(&elements);
	}
}

/* Verdict maps. */

static void put_entry(struct elements *elements, const struct em_entry *entry, const uint8_t *key,
		      size_t length)
{
	struct nlattr *element = open_element(elements, key, length);
	struct nlattr *data = mnl_attr_nest_start(elements->message, NFTA_SET_ELEM_DATA);
	struct nlattr *verdict = mnl_attr_nest_start(elements->message, NFTA_DATA_VERDICT);
	char text[EM_IDENTIFIER_MAX];

	mnl_attr_put_u32(elements->message, NFTA_VERDICT_CODE, htonl(NFT_GOTO));
	mnl_attr_put_strz(elements->message, NFTA_VERDICT_CHAIN,
			  em_identifier_format(&entry->chain, text));
	mnl_attr_nest_end(elements->message, verdict);
	mnl_attr_nest_end(elements->message, data);
	close_element(elements, element);
}

void em_element_add_entries(struct em_batch *batch, enum em_table table,
			    const struct em_statement *statement, size_t length, uint32_t id,
			    const struct em_place *place)
{
	for (size_t i = 0; i < statement->n_entries;) {
		struct elements elements;

		open_elements(&elements, batch, table, EM_ELEMENT_VERDICT_MAP, id, place);
		while (i < statement->n_entries && !elements_full(&elements)) {
			const struct em_entry *entry = &statement->entries[i++];
			uint8_t key[EM_KEY_MAX];

			memcpy(key, entry->key, sizeof(key));
			if (statement->n_loads == 1)
				em_load_value(&statement->loads[0], entry->key, key);
			put_entry(&elements, entry, key, length);
		}
		close_elements(&elements);
	}
}
