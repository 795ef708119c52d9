/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message_set - sets, maps and their elements as netlink messages; see message.h.
 */
#include "message.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "expression.h"

/* Types of nft's language, which the kernel keeps for it; include/datatype.h of nftables. */
enum {
	TYPE_VERDICT = 0xffffff00,
	TYPE_INTEGER = 4,
	TYPE_IPADDR = 7,
	TYPE_IP6ADDR = 8,
	TYPE_ETHERTYPE = 10,
	TYPE_INET_SERVICE = 13,
	TYPE_BITS = 6, /* of one type in that of a concatenation */
};

enum { BYTEORDER_INVALID, BYTEORDER_HOST, BYTEORDER_BIG };

/* What stands for an expression in `typeof`; include/expression.h and include/proto.h of nftables.
 */
enum { EXPR_PAYLOAD = 7, EXPR_CONCAT = 13 };
enum { EXPR_TYPE, EXPR_DATA };
enum { PAYLOAD_DESC, PAYLOAD_TYPE, PAYLOAD_BASE, PAYLOAD_OFFSET, PAYLOAD_LEN };
enum { PROTO_DESC_UNKNOWN = 0, PROTO_DESC_UDP = 6, UDPHDR_DPORT = 2, PROTO_BASE_TRANSPORT = 3 };

#define NEW (NLM_F_CREATE | NLM_F_EXCL)

static const char *format(const struct em_identifier *name, char text[EM_IDENTIFIER_MAX])
{
	return em_identifier_format(name, text);
}

static void out_of_memory(struct em_batch *batch)
{
	batch->error = -ENOMEM;
}

static void put_set(struct em_batch *batch, struct nftnl_set *set, const char *what,
		    const struct em_place *place)
{
	struct nlmsghdr *message = em_batch_open(batch, NFT_MSG_NEWSET, NEW, what, place);

	nftnl_set_set_str(set, NFTNL_SET_TABLE, EM_RULESET_TABLE);
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, NFPROTO_NETDEV);
	nftnl_set_nlmsg_build_payload(message, set);
	em_batch_close(batch, message);
}

static void set_userdata(struct nftnl_set *set, const struct nftnl_udata_buf *userdata)
{
	nftnl_set_set_data(set, NFTNL_SET_USERDATA, nftnl_udata_buf_data(userdata),
			   nftnl_udata_buf_len(userdata));
}

static void put_typeof(struct nftnl_udata_buf *userdata, uint32_t desc, uint32_t type,
		       uint16_t offset, uint16_t length)
{
	struct nftnl_udata *data;

	nftnl_udata_put_u32(userdata, EXPR_TYPE, EXPR_PAYLOAD);
	data = nftnl_udata_nest_start(userdata, EXPR_DATA);
	nftnl_udata_put_u32(userdata, PAYLOAD_DESC, desc);
	nftnl_udata_put_u32(userdata, PAYLOAD_TYPE, type);
	if (desc == PROTO_DESC_UNKNOWN) {
		nftnl_udata_put_u32(userdata, PAYLOAD_BASE, PROTO_BASE_TRANSPORT);
		nftnl_udata_put_u32(userdata, PAYLOAD_OFFSET, offset * 8);
		nftnl_udata_put_u32(userdata, PAYLOAD_LEN, length * 8);
	}
	nftnl_udata_nest_end(userdata, data);
}

static void put_key_typeof(struct nftnl_udata_buf *userdata, const struct em_key *key)
{
	struct nftnl_udata *concatenation, *part;

	if (key->n_loads == 1) {
		put_typeof(userdata, PROTO_DESC_UNKNOWN, 0, key->loads[0].offset,
			   key->loads[0].length);
		return;
	}
	nftnl_udata_put_u32(userdata, EXPR_TYPE, EXPR_CONCAT);
	concatenation = nftnl_udata_nest_start(userdata, EXPR_DATA);
	for (uint8_t i = 0; i < key->n_loads; i++) {
		part = nftnl_udata_nest_start(userdata, i);
		put_typeof(userdata, PROTO_DESC_UNKNOWN, 0, key->loads[i].offset,
			   key->loads[i].length);
		nftnl_udata_nest_end(userdata, part);
	}
	nftnl_udata_nest_end(userdata, concatenation);
}

/* `typeof @th,… : udp dport`, for `nft list`. */
static bool set_map_userdata(struct nftnl_set *set, const struct em_key *key)
{
	struct nftnl_udata_buf *userdata = nftnl_udata_buf_alloc(512);
	struct nftnl_udata *nest;

	if (!userdata)
		return false;
	nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_KEYBYTEORDER,
			    key->n_loads == 1 ? BYTEORDER_BIG : BYTEORDER_INVALID);
	nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_DATABYTEORDER, BYTEORDER_BIG);
	nest = nftnl_udata_nest_start(userdata, NFTNL_UDATA_SET_KEY_TYPEOF);
	put_key_typeof(userdata, key);
	nftnl_udata_nest_end(userdata, nest);
	nest = nftnl_udata_nest_start(userdata, NFTNL_UDATA_SET_DATA_TYPEOF);
	put_typeof(userdata, PROTO_DESC_UDP, UDPHDR_DPORT, 0, 0);
	nftnl_udata_nest_end(userdata, nest);
	nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_DATA_INTERVAL, 0);
	set_userdata(set, userdata);
	nftnl_udata_buf_free(userdata);
	return true;
}

/* Each element counts what is looked up. */
static bool set_element_counter(struct nftnl_set *set)
{
	struct nftnl_expr *counter = nftnl_expr_alloc("counter");

	if (counter)
		nftnl_set_add_expr(set, counter);
	return counter;
}

static bool set_byteorder(struct nftnl_set *set, uint32_t key, uint32_t data, bool map)
{
	struct nftnl_udata_buf *userdata = nftnl_udata_buf_alloc(64);

	if (!userdata)
		return false;
	nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_KEYBYTEORDER, key);
	if (map)
		nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_DATABYTEORDER, data);
	set_userdata(set, userdata);
	nftnl_udata_buf_free(userdata);
	return true;
}

void em_message_map(struct em_batch *batch, const struct em_listener *listener, uint32_t generation,
		    bool counting)
{
	struct em_identifier name = em_ruleset_map(generation, listener);
	struct nftnl_set *set = nftnl_set_alloc();
	char text[EM_IDENTIFIER_MAX];
	struct em_key key;
	uint32_t type = 0;

	em_ruleset_key(listener, &key);
	for (uint8_t i = 0; i < key.n_loads; i++)
		type = type << TYPE_BITS | TYPE_INTEGER;
	if (!set || !set_map_userdata(set, &key) || (counting && !set_element_counter(set))) {
		out_of_memory(batch);
	} else {
		nftnl_set_set_str(set, NFTNL_SET_NAME, format(&name, text));
		nftnl_set_set_u32(set, NFTNL_SET_ID, ++batch->sets);
		nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_MAP);
		nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, type);
		nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, key.length);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, TYPE_INET_SERVICE);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, sizeof(uint16_t));
		put_set(batch, set, "add map", &listener->tag.place);
	}
	if (set)
		nftnl_set_free(set);
}

/*
 * nft (up to 1.0.6) knows no `typeof` for a map of objects and dies listing concatenated integers
 * without one: to it, the key is a single number.
 */
void em_message_counts(struct em_batch *batch, const struct em_listener *listener,
		       uint32_t generation)
{
	struct em_identifier name = em_ruleset_counts(generation, listener);
	struct nftnl_set *set = nftnl_set_alloc();
	char text[EM_IDENTIFIER_MAX];
	struct em_key key;

	em_ruleset_key(listener, &key);
	if (!set || !set_byteorder(set, BYTEORDER_BIG, 0, false)) {
		out_of_memory(batch);
	} else {
		nftnl_set_set_str(set, NFTNL_SET_NAME, format(&name, text));
		nftnl_set_set_u32(set, NFTNL_SET_ID, ++batch->sets);
		nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_OBJECT);
		nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, TYPE_INTEGER);
		nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, key.length);
		nftnl_set_set_u32(set, NFTNL_SET_OBJ_TYPE, NFT_OBJECT_COUNTER);
		put_set(batch, set, "add map of counters", &listener->tag.place);
	}
	if (set)
		nftnl_set_free(set);
}

/* Elements: a message holds as many as fit into one attribute. */

#define ELEMENTS_FULL 60000

struct elements {
	struct em_batch *batch;
	struct nlmsghdr *message;
	struct nlattr *list;
};

static void open_elements(struct elements *elements, struct em_batch *batch, const char *name,
			  uint32_t id, const struct em_place *place)
{
	elements->batch = batch;
	elements->message = em_batch_open(batch, NFT_MSG_NEWSETELEM, NEW, "add elements", place);
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

static void put_entity(struct elements *elements, const struct em_key *key,
		       const struct em_entity *entity)
{
	uint8_t bytes[EM_KEY_MAX], userdata[2 + EM_ENTITY_NAME_MAX + 1];
	uint16_t port = htons(entity->port);
	struct nlattr *element, *data;

	em_key_from_tag(key, entity->tag, bytes);
	element = open_element(elements, bytes, key->length);
	data = mnl_attr_nest_start(elements->message, NFTA_SET_ELEM_DATA);
	mnl_attr_put(elements->message, NFTA_DATA_VALUE, sizeof(port), &port);
	mnl_attr_nest_end(elements->message, data);
	if (entity->name) {
		userdata[0] = NFTNL_UDATA_SET_ELEM_COMMENT;
		userdata[1] = strlen(entity->name) + 1;
		memcpy(userdata + 2, entity->name, userdata[1]);
		mnl_attr_put(elements->message, NFTA_SET_ELEM_USERDATA, 2 + userdata[1], userdata);
	}
	close_element(elements, element);
}

size_t em_message_entities(struct em_batch *batch, const struct em_listener *listener,
			   uint32_t generation, size_t first)
{
	struct em_identifier name = em_ruleset_map(generation, listener);
	char text[EM_IDENTIFIER_MAX];
	struct elements elements;
	struct em_key key;

	em_ruleset_key(listener, &key);
	open_elements(&elements, batch, format(&name, text), 0, &listener->entities[first].place);
	while (first < listener->n_entities && !elements_full(&elements))
		put_entity(&elements, &key, &listener->entities[first++]);
	close_elements(&elements);
	return first;
}

size_t em_message_counted(struct em_batch *batch, const struct em_listener *listener,
			  uint32_t generation, size_t first)
{
	struct em_identifier name = em_ruleset_counts(generation, listener);
	char text[EM_IDENTIFIER_MAX];
	struct elements elements;
	struct em_key key;

	em_ruleset_key(listener, &key);
	open_elements(&elements, batch, format(&name, text), 0, &listener->entities[first].place);
	while (first < listener->n_entities && !elements_full(&elements)) {
		const struct em_entity *entity = &listener->entities[first++];
		uint8_t bytes[EM_KEY_MAX];
		struct nlattr *element;

		em_key_from_tag(&key, entity->tag, bytes);
		element = open_element(&elements, bytes, key.length);
		mnl_attr_put_strz(elements.message, NFTA_SET_ELEM_OBJREF,
				  em_ruleset_entity_counter(generation, listener, entity, text));
		close_element(&elements, element);
	}
	close_elements(&elements);
	return first;
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

static void add_ranges(struct em_batch *batch, const struct em_set *set, const char *name)
{
	static const uint8_t zero[16];
	size_t length = set->family == AF_INET ? 4 : 16;
	size_t i = 0;

	while (i < set->n_ranges) {
		struct elements elements;

		open_elements(&elements, batch, name, 0, &set->place);
		/* The kernel wants to know that what is before the first interval is not in. */
		if (i == 0 && memcmp(set->ranges[0].first, zero, length))
			put_bound(&elements, zero, length, true, false);
		while (i < set->n_ranges && !elements_full(&elements))
			put_range(&elements, &set->ranges[i++], length);
		close_elements(&elements);
	}
}

void em_message_set(struct em_batch *batch, const struct em_set *source)
{
	struct nftnl_set *set = nftnl_set_alloc();
	bool ipv4 = source->family == AF_INET;
	char text[EM_IDENTIFIER_MAX];

	if (!set || !set_byteorder(set, BYTEORDER_BIG, 0, false)) {
		out_of_memory(batch);
	} else {
		nftnl_set_set_str(set, NFTNL_SET_NAME, format(&source->name, text));
		nftnl_set_set_u32(set, NFTNL_SET_ID, ++batch->sets);
		nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_INTERVAL);
		nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, ipv4 ? TYPE_IPADDR : TYPE_IP6ADDR);
		nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, ipv4 ? 4 : 16);
		put_set(batch, set, "add set", &source->place);
		add_ranges(batch, source, text);
	}
	if (set)
		nftnl_set_free(set);
}

/* Verdict maps: anonymous, they live and die with the rule. */

static uint32_t type_of(const struct em_load *load)
{
	switch (load->field) {
	case EM_FIELD_ETHER_TYPE:
		return TYPE_ETHERTYPE;
	case EM_FIELD_IP_DADDR:
		return TYPE_IPADDR;
	case EM_FIELD_IP6_DADDR:
		return TYPE_IP6ADDR;
	case EM_FIELD_UDP_DPORT:
		return TYPE_INET_SERVICE;
	default:
		return TYPE_INTEGER;
	}
}

static void put_entry(struct elements *elements, const struct em_entry *entry, size_t length)
{
	struct nlattr *element = open_element(elements, entry->key, length);
	struct nlattr *data = mnl_attr_nest_start(elements->message, NFTA_SET_ELEM_DATA);
	struct nlattr *verdict = mnl_attr_nest_start(elements->message, NFTA_DATA_VERDICT);
	char text[EM_IDENTIFIER_MAX];

	mnl_attr_put_u32(elements->message, NFTA_VERDICT_CODE, htonl(NFT_GOTO));
	mnl_attr_put_strz(elements->message, NFTA_VERDICT_CHAIN, format(&entry->chain, text));
	mnl_attr_nest_end(elements->message, verdict);
	mnl_attr_nest_end(elements->message, data);
	close_element(elements, element);
}

uint32_t em_message_verdict_map(struct em_batch *batch, const struct em_statement *statement,
				const struct em_place *place)
{
	struct nftnl_set *set = nftnl_set_alloc();
	uint32_t type = 0, length = 0, id = ++batch->sets;

	for (uint8_t i = 0; i < statement->n_loads; i++) {
		type = type << TYPE_BITS | type_of(&statement->loads[i]);
		length += statement->n_loads == 1
				  ? em_expression_length(&statement->loads[i])
				  : (em_expression_length(&statement->loads[i]) + 3) & ~3;
	}
	if (!set || !set_byteorder(set, statement->n_loads == 1 ? BYTEORDER_BIG : BYTEORDER_INVALID,
				   BYTEORDER_INVALID, true)) {
		out_of_memory(batch);
	} else {
		nftnl_set_set_str(set, NFTNL_SET_NAME, EM_MESSAGE_VERDICT_MAP);
		nftnl_set_set_u32(set, NFTNL_SET_ID, id);
		nftnl_set_set_u32(set, NFTNL_SET_FLAGS,
				  NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_MAP);
		nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, type);
		nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, length);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, TYPE_VERDICT);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, 0);
		nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, statement->n_entries);
		put_set(batch, set, "add a verdict map", place);
	}
	for (size_t i = 0; i < statement->n_entries;) {
		struct elements elements;

		open_elements(&elements, batch, EM_MESSAGE_VERDICT_MAP, id, place);
		while (i < statement->n_entries && !elements_full(&elements))
			put_entry(&elements, &statement->entries[i++], length);
		close_elements(&elements);
	}
	if (set)
		nftnl_set_free(set);
	return id;
}
