/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * element - elements of objects as netlink messages; see element.h.
 *
 * A message holds as many as fit into one attribute.
 */
#include "nft/element.h"
#include "nft/uapi.h"

#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <string.h>

#include "nft/ruleset.h"

#define NEW	      (NLM_F_CREATE | NLM_F_EXCL)
#define ELEMENTS_FULL 60000

/* Counters: each is a message. */

static void add_counter(struct em_batch *batch, const struct em_object *object, size_t i)
{
	struct em_element element = {.place = &object->place};
	struct nlmsghdr *message;
	struct nlattr *data;

	object->element(object, i, &element);
	message = em_batch_open(batch, em_ruleset_family(object->table), NFT_MSG_NEWOBJ, NEW,
				object->purpose, element.place);
	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_OBJ_NAME, element.target);
	mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	data = mnl_attr_nest_start(message, NFTA_OBJ_DATA);
	mnl_attr_put_u64(message, NFTA_COUNTER_BYTES, 0);
	mnl_attr_put_u64(message, NFTA_COUNTER_PACKETS, 0);
	mnl_attr_nest_end(message, data);
	em_batch_close(batch, message);
}

static size_t add_counters(struct em_batch *batch, const struct em_object *object, size_t first)
{
	while (first < object->n && batch->used < EM_BATCH_FULL)
		add_counter(batch, object, first++);
	return first;
}

/* Sets and maps. */

static void put_key(struct nlmsghdr *message, uint16_t type, const void *value, uint8_t length)
{
	struct nlattr *nest = mnl_attr_nest_start(message, type);

	mnl_attr_put(message, NFTA_DATA_VALUE, length, value);
	mnl_attr_nest_end(message, nest);
}

void em_element_put_key(struct nlmsghdr *message, const struct em_object *object,
			const struct em_element *element)
{
	uint8_t value[EM_KEY_MAX];

	em_key_value(&object->key, element->key, value);
	put_key(message, NFTA_SET_ELEM_KEY, value, em_key_length(&object->key));
}

static void put_value(struct nlmsghdr *message, enum em_field field, const uint8_t *wire)
{
	struct nlattr *data = mnl_attr_nest_start(message, NFTA_SET_ELEM_DATA);
	const struct em_load load = {.field = field};
	uint8_t value[EM_LOAD_MAX];

	em_load_value(&load, wire, value);
	mnl_attr_put(message, NFTA_DATA_VALUE, em_load_length(&load), value);
	mnl_attr_nest_end(message, data);
}

static void put_goto(struct nlmsghdr *message, const char *chain)
{
	struct nlattr *data = mnl_attr_nest_start(message, NFTA_SET_ELEM_DATA);
	struct nlattr *verdict = mnl_attr_nest_start(message, NFTA_DATA_VERDICT);

	mnl_attr_put_u32(message, NFTA_VERDICT_CODE, htonl(NFT_GOTO));
	mnl_attr_put_strz(message, NFTA_VERDICT_CHAIN, chain);
	mnl_attr_nest_end(message, verdict);
	mnl_attr_nest_end(message, data);
}

/* What nft alone reads: a comment, and that no value is behind an interval. */
static void put_userdata(struct nlmsghdr *message, const char *comment, bool open)
{
	static const uint8_t open_ended[] = {
		NFTNL_UDATA_SET_ELEM_FLAGS, 4, NFTNL_SET_ELEM_F_INTERVAL_OPEN, 0, 0, 0};
	uint8_t userdata[2 + EM_ENTITY_NAME_MAX + 1 + sizeof(open_ended)];
	size_t length = 0;

	if (comment) {
		userdata[0] = NFTNL_UDATA_SET_ELEM_COMMENT;
		userdata[1] = strlen(comment) + 1;
		memcpy(userdata + 2, comment, userdata[1]);
		length = 2 + userdata[1];
	}
	if (open) {
		memcpy(userdata + length, open_ended, sizeof(open_ended));
		length += sizeof(open_ended);
	}
	if (length)
		mnl_attr_put(message, NFTA_SET_ELEM_USERDATA, length, userdata);
}

/* The value after it; false where there is none. */
static bool next_value(uint8_t *after, const uint8_t *value, uint8_t length)
{
	memcpy(after, value, length);
	while (length--)
		if (++after[length])
			return true;
	return false;
}

static bool is_joined(const struct em_object *object)
{
	return object->key.n_loads > 1;
}

/*
 * An interval of one load is, to the kernel, its first value and the first one after it; one of
 * several is the first of each and the last of each.
 */
static void put_element(struct nlmsghdr *message, const struct em_object *object,
			const struct em_element *element)
{
	struct nlattr *nest = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	uint8_t length = em_key_length(&object->key), after[EM_KEY_MAX];

	em_element_put_key(message, object, element);
	if (object->interval && is_joined(object))
		put_key(message, NFTA_SET_ELEM_KEY_END, element->last, length);
	if (object->kind == EM_OBJECT_MAP)
		put_value(message, object->data, element->data);
	else if (object->kind == EM_OBJECT_VERDICT_MAP)
		put_goto(message, element->target);
	else if (object->kind == EM_OBJECT_COUNTER_MAP)
		mnl_attr_put_strz(message, NFTA_SET_ELEM_OBJREF, element->target);
	put_userdata(message, element->comment,
		     object->interval && !is_joined(object) &&
			     !next_value(after, element->last, length));
	mnl_attr_nest_end(message, nest);
}

/* Intervals of one load. */

static void put_end(struct nlmsghdr *message, const uint8_t *value, uint8_t length)
{
	struct nlattr *nest = mnl_attr_nest_start(message, NFTA_LIST_ELEM);

	put_key(message, NFTA_SET_ELEM_KEY, value, length);
	mnl_attr_put_u32(message, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	mnl_attr_nest_end(message, nest);
}

/* The kernel wants an end element for what is before the first interval. */
static void put_interval(struct nlmsghdr *message, const struct em_object *object, size_t i,
			 const struct em_element *element)
{
	static const uint8_t zero[EM_KEY_MAX];
	uint8_t length = em_key_length(&object->key);
	uint8_t after[EM_KEY_MAX];

	if (i == 0 && memcmp(element->key, zero, length))
		put_end(message, zero, length);
	put_element(message, object, element);
	if (next_value(after, element->last, length))
		put_end(message, after, length);
}

uint32_t em_element_count(const struct em_object *object)
{
	static const uint8_t zero[EM_KEY_MAX];
	uint8_t length = em_key_length(&object->key);
	uint8_t after[EM_KEY_MAX];
	uint32_t n = object->n;

	for (size_t i = 0; object->interval && !is_joined(object) && i < object->n; i++) {
		struct em_element element = {.comment = NULL};

		object->element(object, i, &element);
		n += next_value(after, element.last, length);
		n += i == 0 && memcmp(element.key, zero, length);
	}
	return n;
}

static bool is_full(const struct nlmsghdr *message, const struct nlattr *list)
{
	return (const char *)mnl_nlmsg_get_payload_tail(message) - (const char *)list >
	       ELEMENTS_FULL;
}

static size_t add_elements(struct em_batch *batch, const struct em_object *object, uint32_t id,
			   size_t first)
{
	struct em_element element = {.place = &object->place};
	char text[EM_IDENTIFIER_MAX];
	struct nlmsghdr *message;
	struct nlattr *list;

	object->element(object, first, &element);
	message = em_batch_open(batch, em_ruleset_family(object->table), NFT_MSG_NEWSETELEM, NEW,
				"add elements", element.place);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET,
			  em_identifier_format(&object->name, text));
	if (id)
		mnl_attr_put_u32(message, NFTA_SET_ELEM_LIST_SET_ID, htonl(id));
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	while (first < object->n && !is_full(message, list)) {
		element = (struct em_element){.place = NULL};
		object->element(object, first, &element);
		if (object->interval && !is_joined(object))
			put_interval(message, object, first, &element);
		else
			put_element(message, object, &element);
		first++;
	}
	mnl_attr_nest_end(message, list);
	em_batch_close(batch, message);
	return first;
}

size_t em_element_add(struct em_batch *batch, const struct em_object *object, uint32_t id,
		      size_t first)
{
	return object->kind == EM_OBJECT_COUNTER ? add_counters(batch, object, first)
						 : add_elements(batch, object, id, first);
}
