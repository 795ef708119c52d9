/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * message_set - sets and maps as netlink messages; see message.h.
 */
#include "nft/message.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft/element.h"

/* Types of nft's language, which the kernel keeps for it; include/datatype.h of nftables. */
enum {
	TYPE_VERDICT = 0xffffff00,
	TYPE_INTEGER = 4,
	TYPE_IPADDR = 7,
	TYPE_IP6ADDR = 8,
	TYPE_INET_SERVICE = 13,
	TYPE_BITS = 6, /* of one type in that of a concatenation */
};

enum { BYTEORDER_INVALID, BYTEORDER_HOST, BYTEORDER_BIG };

/* What stands for an expression in `typeof`; include/expression.h, include/proto.h
 * and src/ct.c of nftables.
 */
enum { EXPR_PAYLOAD = 7, EXPR_CT = 12, EXPR_CONCAT = 13 };
enum { EXPR_TYPE, EXPR_DATA };
enum { CT_KEY, CT_DIR, ORIGINAL = 0 };
enum { PAYLOAD_DESC, PAYLOAD_TYPE, PAYLOAD_BASE, PAYLOAD_OFFSET, PAYLOAD_LEN };
enum { PROTO_DESC_UNKNOWN = 0, PROTO_DESC_UDP = 6, UDPHDR_DPORT = 2, PROTO_BASE_TRANSPORT = 3 };

#define NEW (NLM_F_CREATE | NLM_F_EXCL)

static void out_of_memory(struct em_batch *batch)
{
	batch->error = -ENOMEM;
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

/* `ct original zone` */
static void put_zone_typeof(struct nftnl_udata_buf *userdata)
{
	struct nftnl_udata *data;

	nftnl_udata_put_u32(userdata, EXPR_TYPE, EXPR_CT);
	data = nftnl_udata_nest_start(userdata, EXPR_DATA);
	nftnl_udata_put_u32(userdata, CT_KEY, NFT_CT_ZONE);
	nftnl_udata_put_u32(userdata, CT_DIR, ORIGINAL);
	nftnl_udata_nest_end(userdata, data);
}

static void put_conversation_typeof(struct nftnl_udata_buf *userdata)
{
	struct nftnl_udata *concatenation, *part;

	nftnl_udata_put_u32(userdata, EXPR_TYPE, EXPR_CONCAT);
	concatenation = nftnl_udata_nest_start(userdata, EXPR_DATA);
	part = nftnl_udata_nest_start(userdata, 0);
	put_typeof(userdata, PROTO_DESC_UDP, UDPHDR_DPORT, 0, 0);
	nftnl_udata_nest_end(userdata, part);
	part = nftnl_udata_nest_start(userdata, 1);
	put_zone_typeof(userdata);
	nftnl_udata_nest_end(userdata, part);
	nftnl_udata_nest_end(userdata, concatenation);
}

/* What the keys and the data of a map are, for `nft list`. */
enum content { NOTHING, TAGS, PORTS, ZONES, CONVERSATIONS };

static void put_content(struct nftnl_udata_buf *userdata, uint8_t nest, enum content content,
			const struct em_key *key)
{
	struct nftnl_udata *data = nftnl_udata_nest_start(userdata, nest);

	switch (content) {
	case NOTHING:
		break;
	case TAGS:
		put_key_typeof(userdata, key);
		break;
	case PORTS:
		put_typeof(userdata, PROTO_DESC_UDP, UDPHDR_DPORT, 0, 0);
		break;
	case ZONES:
		put_zone_typeof(userdata);
		break;
	case CONVERSATIONS:
		put_conversation_typeof(userdata);
		break;
	}
	nftnl_udata_nest_end(userdata, data);
}

static uint32_t type_of(enum content content, const struct em_key *key)
{
	uint32_t type = 0;

	switch (content) {
	case NOTHING:
		break;
	case TAGS:
		for (uint8_t i = 0; i < key->n_loads; i++)
			type = type << TYPE_BITS | TYPE_INTEGER;
		break;
	case PORTS:
		type = TYPE_INET_SERVICE;
		break;
	case ZONES:
		type = TYPE_INTEGER;
		break;
	case CONVERSATIONS:
		type = TYPE_INET_SERVICE << TYPE_BITS | TYPE_INTEGER;
		break;
	}
	return type;
}

static uint32_t length_of(enum content content, const struct em_key *key)
{
	if (content == TAGS)
		return key->length;
	return content == CONVERSATIONS ? 2 * sizeof(uint32_t) : sizeof(uint16_t);
}

static uint32_t byteorder_of(enum content content, const struct em_key *key)
{
	if (content == ZONES)
		return BYTEORDER_HOST;
	return content == CONVERSATIONS || (content == TAGS && key->n_loads > 1) ? BYTEORDER_INVALID
										 : BYTEORDER_BIG;
}

/* `typeof KEYS : DATA` */
static void set_typeof(struct em_batch *batch, struct nftnl_set *set, enum content keys,
		       const struct em_key *key, enum content data)
{
	struct nftnl_udata_buf *userdata = nftnl_udata_buf_alloc(512);

	if (!userdata) {
		out_of_memory(batch);
		return;
	}
	nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_KEYBYTEORDER, byteorder_of(keys, key));
	if (data)
		nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_DATABYTEORDER,
				    byteorder_of(data, key));
	put_content(userdata, NFTNL_UDATA_SET_KEY_TYPEOF, keys, key);
	if (data) {
		put_content(userdata, NFTNL_UDATA_SET_DATA_TYPEOF, data, key);
		nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_DATA_INTERVAL, 0);
	}
	set_userdata(set, userdata);
	nftnl_udata_buf_free(userdata);
}

static void set_byteorder(struct em_batch *batch, struct nftnl_set *set, uint32_t byteorder,
			  bool map)
{
	struct nftnl_udata_buf *userdata = nftnl_udata_buf_alloc(64);

	if (!userdata) {
		out_of_memory(batch);
		return;
	}
	nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_KEYBYTEORDER, byteorder);
	if (map)
		nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_DATABYTEORDER, BYTEORDER_INVALID);
	set_userdata(set, userdata);
	nftnl_udata_buf_free(userdata);
}

/* Each element counts what is looked up. */
static void set_element_counter(struct em_batch *batch, struct nftnl_set *set)
{
	struct nftnl_expr *counter = nftnl_expr_alloc("counter");

	if (counter)
		nftnl_set_add_expr(set, counter);
	else
		out_of_memory(batch);
}

/* NULL where there is no memory; then, too, the batch fails. */
static struct nftnl_set *new_set(struct em_batch *batch, enum em_table table, const char *name)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set || nftnl_set_set_str(set, NFTNL_SET_TABLE, EM_RULESET_TABLE) ||
	    nftnl_set_set_str(set, NFTNL_SET_NAME, name))
		out_of_memory(batch);
	if (!set)
		return NULL;
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, em_ruleset_family(table));
	nftnl_set_set_u32(set, NFTNL_SET_ID, ++batch->sets);
	return set;
}

/* Frees it. */
static void put_set(struct em_batch *batch, struct nftnl_set *set, const char *what,
		    const struct em_place *place)
{
	uint8_t family = nftnl_set_get_u32(set, NFTNL_SET_FAMILY);
	struct nlmsghdr *message = em_batch_open(batch, family, NFT_MSG_NEWSET, NEW, what, place);

	nftnl_set_nlmsg_build_payload(message, set);
	em_batch_close(batch, message);
	nftnl_set_free(set);
}

struct typed {
	enum em_table table;
	struct em_identifier name;
	enum content keys;
	const struct em_key *key; /* of tags */
	enum content data;	  /* NOTHING: a set */
	bool counting;
};

static void put_typed(struct em_batch *batch, const struct typed *typed, const char *what,
		      const struct em_place *place)
{
	char text[EM_IDENTIFIER_MAX];
	struct nftnl_set *set =
		new_set(batch, typed->table, em_identifier_format(&typed->name, text));
	const struct em_key *key = typed->key;

	if (!set)
		return;
	set_typeof(batch, set, typed->keys, key, typed->data);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, type_of(typed->keys, key));
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, length_of(typed->keys, key));
	if (typed->data) {
		nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_MAP);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, type_of(typed->data, key));
		nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, length_of(typed->data, key));
	}
	if (typed->counting)
		set_element_counter(batch, set);
	put_set(batch, set, what, place);
}

void em_message_map(struct em_batch *batch, const struct em_listener *listener, uint32_t generation,
		    bool counting)
{
	struct em_key key;
	const struct typed map = {
		.table = EM_TABLE_NETDEV,
		.name = em_ruleset_map(generation, listener),
		.keys = TAGS,
		.key = &key,
		.data = listener->replies ? NOTHING : PORTS,
		.counting = counting,
	};

	em_ruleset_key(listener, &key);
	put_typed(batch, &map, "add map", &listener->tag.place);
}

void em_message_zones(struct em_batch *batch, const struct em_listener *listener,
		      uint32_t generation)
{
	struct em_key key;
	const struct typed map = {
		.table = EM_TABLE_INET,
		.name = em_ruleset_zones(generation, listener),
		.keys = TAGS,
		.key = &key,
		.data = ZONES,
	};

	em_ruleset_key(listener, &key);
	put_typed(batch, &map, "add map of zones", &listener->replies_place);
}

void em_message_conversations(struct em_batch *batch, const struct em_ruleset *ruleset,
			      uint32_t seconds)
{
	const struct typed set = {
		.table = EM_TABLE_INET,
		.name = em_ruleset_conversations(ruleset->generation, seconds),
		.keys = CONVERSATIONS,
	};
	char text[EM_IDENTIFIER_MAX];

	put_typed(batch, &set, "add set of conversations", &ruleset->replies_place);
	em_element_add_conversations(batch, ruleset, seconds,
				     em_identifier_format(&set.name, text));
}

void em_message_ports(struct em_batch *batch, const struct em_ruleset *ruleset)
{
	const struct typed map = {
		.table = EM_TABLE_INET,
		.name = em_ruleset_ports(ruleset->generation),
		.keys = ZONES,
		.data = PORTS,
	};
	char text[EM_IDENTIFIER_MAX];

	put_typed(batch, &map, "add map of ports", &ruleset->replies_place);
	em_element_add_ports(batch, ruleset, em_identifier_format(&map.name, text));
}

/*
 * nft (up to 1.0.6) knows no `typeof` for a map of objects and dies listing concatenated integers
 * without one: to it, the key is a single number.
 */
void em_message_counts(struct em_batch *batch, const struct em_listener *listener,
		       uint32_t generation)
{
	struct em_identifier name = em_ruleset_counts(generation, listener);
	char text[EM_IDENTIFIER_MAX];
	struct nftnl_set *set = new_set(batch, EM_TABLE_NETDEV, em_identifier_format(&name, text));
	struct em_key key;

	if (!set)
		return;
	em_ruleset_key(listener, &key);
	set_byteorder(batch, set, BYTEORDER_BIG, false);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_OBJECT);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, TYPE_INTEGER);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, key.length);
	nftnl_set_set_u32(set, NFTNL_SET_OBJ_TYPE, NFT_OBJECT_COUNTER);
	put_set(batch, set, "add map of counters", &listener->tag.place);
}

void em_message_set(struct em_batch *batch, const struct em_set *source)
{
	bool ipv4 = source->family == AF_INET;
	char text[EM_IDENTIFIER_MAX];
	struct nftnl_set *set =
		new_set(batch, EM_TABLE_NETDEV, em_identifier_format(&source->name, text));

	if (!set)
		return;
	set_byteorder(batch, set, BYTEORDER_BIG, false);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_INTERVAL);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, ipv4 ? TYPE_IPADDR : TYPE_IP6ADDR);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, ipv4 ? 4 : 16);
	put_set(batch, set, "add set", &source->place);
	em_element_add_ranges(batch, source, text);
}

/* Verdict maps: anonymous, they live and die with the rule. */

uint32_t em_message_verdict_map(struct em_batch *batch, enum em_table table,
				const struct em_statement *statement, const struct em_place *place)
{
	uint32_t byteorder = statement->n_loads > 1 ? BYTEORDER_INVALID : BYTEORDER_BIG;
	uint32_t type = 0, length = 0;
	struct nftnl_set *set;

	for (uint8_t i = 0; i < statement->n_loads; i++) {
		type = type << TYPE_BITS | em_fields[statement->loads[i].field].type->id;
		length += em_load_padded(statement->loads, statement->n_loads, i);
	}
	if (statement->n_loads == 1 && em_fields[statement->loads[0].field].type->host_order)
		byteorder = BYTEORDER_HOST;
	set = new_set(batch, table, EM_ELEMENT_VERDICT_MAP);
	if (!set)
		return 0;
	set_byteorder(batch, set, byteorder, true);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_MAP);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, type);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, length);
	nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, TYPE_VERDICT);
	nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, 0);
	nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, statement->n_entries);
	put_set(batch, set, "add a verdict map", place);
	em_element_add_entries(batch, table, statement, length, batch->sets, place);
	return batch->sets;
}
