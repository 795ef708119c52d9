/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * message_object - objects as netlink messages; see message.h.
 *
 * What is said of a set's types is for `nft list` alone, which could not name them otherwise.
 */
#include "nft/message.h"
#include "nft/uapi.h"

#include <errno.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nfnetlink_cttimeout.h>

#include "nft/element.h"
#include "nft/expected.h"
#include "nft/userdata.h"

#define NEW	     (NLM_F_CREATE | NLM_F_EXCL)
#define TYPE_VERDICT 0xffffff00

enum { BYTEORDER_INVALID, BYTEORDER_HOST, BYTEORDER_BIG };

/*
 * The numbers of expressions in `typeof`; include/expression.h, include/proto.h, src/meta.c and
 * src/ct.c of nftables.
 */
enum { EXPR_PAYLOAD = 7, EXPR_META = 9, EXPR_CT = 12, EXPR_CONCAT = 13 };
enum { EXPR_TYPE, EXPR_DATA };
enum { META_KEY };
enum { CT_KEY, CT_DIR, ORIGINAL = 0 };
enum { PAYLOAD_DESC, PAYLOAD_TYPE, PAYLOAD_BASE, PAYLOAD_OFFSET, PAYLOAD_LEN };
enum { PROTO_DESC_UNKNOWN = 0, PROTO_BASE_NETWORK = 2, PROTO_BASE_TRANSPORT = 3 };

static void out_of_memory(struct em_batch *batch)
{
	batch->error = -ENOMEM;
}

/* Types. */

static void put_payload(struct em_userdata *userdata, const struct em_load *load)
{
	const struct em_field_row *field = &em_fields[load->field];

	em_userdata_put_u32(userdata, PAYLOAD_DESC, field->header);
	em_userdata_put_u32(userdata, PAYLOAD_TYPE, field->header_field);
	if (field->header != PROTO_DESC_UNKNOWN)
		return;
	em_userdata_put_u32(userdata, PAYLOAD_BASE,
			    load->field == EM_FIELD_NETWORK ? PROTO_BASE_NETWORK
							    : PROTO_BASE_TRANSPORT);
	em_userdata_put_u32(userdata, PAYLOAD_OFFSET, load->offset * 8);
	em_userdata_put_u32(userdata, PAYLOAD_LEN, load->length * 8);
}

static void put_load(struct em_userdata *userdata, const struct em_load *load)
{
	const struct em_field_row *field = &em_fields[load->field];
	bool conntrack = field->source == EM_FROM_CONNTRACK, meta = field->source == EM_FROM_META;
	size_t data;

	em_userdata_put_u32(userdata, EXPR_TYPE,
			    conntrack ? EXPR_CT
			    : meta    ? EXPR_META
				      : EXPR_PAYLOAD);
	data = em_userdata_open(userdata, EXPR_DATA);
	if (conntrack) {
		em_userdata_put_u32(userdata, CT_KEY, field->base);
		em_userdata_put_u32(userdata, CT_DIR, ORIGINAL);
	} else if (meta) {
		em_userdata_put_u32(userdata, META_KEY, field->base);
	} else {
		put_payload(userdata, load);
	}
	em_userdata_close(userdata, data);
}

static void put_loads(struct em_userdata *userdata, const struct em_key *key)
{
	size_t concatenation, part;

	if (key->n_loads == 1) {
		put_load(userdata, &key->loads[0]);
		return;
	}
	em_userdata_put_u32(userdata, EXPR_TYPE, EXPR_CONCAT);
	concatenation = em_userdata_open(userdata, EXPR_DATA);
	for (uint8_t i = 0; i < key->n_loads; i++) {
		part = em_userdata_open(userdata, i);
		put_load(userdata, &key->loads[i]);
		em_userdata_close(userdata, part);
	}
	em_userdata_close(userdata, concatenation);
}

/* `typeof KEY`, and `: DATA` */
static void put_typeof(struct em_userdata *userdata, const struct em_object *object)
{
	const struct em_load data = {.field = object->data};
	size_t nest;

	nest = em_userdata_open(userdata, EM_USERDATA_KEY_TYPEOF);
	put_loads(userdata, &object->key);
	em_userdata_close(userdata, nest);
	if (object->kind != EM_OBJECT_MAP)
		return;
	nest = em_userdata_open(userdata, EM_USERDATA_DATA_TYPEOF);
	put_load(userdata, &data);
	em_userdata_close(userdata, nest);
	em_userdata_put_u32(userdata, EM_USERDATA_DATA_INTERVAL, 0);
}

static uint32_t order_of(enum em_field field)
{
	return em_fields[field].type->host_order ? BYTEORDER_HOST : BYTEORDER_BIG;
}

/*
 * nft dies listing concatenated integers without a `typeof`. It knows none for a map of objects
 * (up to 1.0.6), nor for bytes of the payload (0.9.8): to it, such a key is a single number. Where
 * it knows the `typeof`, that is what counts.
 */
static bool is_one_number(const struct em_object *object)
{
	return object->kind == EM_OBJECT_COUNTER_MAP ||
	       (object->kind != EM_OBJECT_VERDICT_MAP && object->key.n_loads > 1);
}

static uint32_t key_order(const struct em_object *object)
{
	if (is_one_number(object))
		return BYTEORDER_BIG;
	return object->key.n_loads > 1 ? BYTEORDER_INVALID : order_of(object->key.loads[0].field);
}

static uint32_t key_type(const struct em_object *object)
{
	uint32_t type = 0;

	if (is_one_number(object))
		return EM_TYPE_INTEGER;
	for (uint8_t i = 0; i < object->key.n_loads; i++)
		type = type << EM_TYPE_BITS | em_fields[object->key.loads[i].field].type->id;
	return type;
}

/* False when out of memory. */
static bool set_userdata(struct nftnl_set *set, const struct em_object *object)
{
	struct em_userdata userdata = {0};

	em_userdata_put_u32(&userdata, EM_USERDATA_KEY_ORDER, key_order(object));
	if (object->kind == EM_OBJECT_MAP)
		em_userdata_put_u32(&userdata, EM_USERDATA_DATA_ORDER, order_of(object->data));
	else if (object->kind == EM_OBJECT_VERDICT_MAP)
		em_userdata_put_u32(&userdata, EM_USERDATA_DATA_ORDER, BYTEORDER_INVALID);
	if ((object->kind == EM_OBJECT_SET || object->kind == EM_OBJECT_MAP) &&
	    !em_object_is_typed(object))
		put_typeof(&userdata, object);
	if (object->kind != EM_OBJECT_VERDICT_MAP && (!object->size || object->listener))
		em_userdata_put_u32(&userdata, EM_EXPECTED_TYPE,
				    object->size ? EM_EXPECTED_ANY : em_element_count(object));
	return !nftnl_set_set_data(set, NFTNL_SET_USERDATA, userdata.bytes, userdata.length);
}

/* Sets and maps. */

/* Intervals of several loads: the kernel has to know where one ends. */
static bool has_fields(const struct em_object *object)
{
	return object->interval && object->key.n_loads > 1;
}

static void put_fields(struct nlmsghdr *message, const struct em_object *object)
{
	struct nlattr *description = mnl_attr_nest_start(message, NFTA_SET_DESC);
	struct nlattr *fields = mnl_attr_nest_start(message, NFTA_SET_DESC_CONCAT);

	for (uint8_t i = 0; i < object->key.n_loads; i++) {
		struct nlattr *field = mnl_attr_nest_start(message, NFTA_LIST_ELEM);

		mnl_attr_put_u32(message, NFTA_SET_FIELD_LEN,
				 htonl(em_load_length(&object->key.loads[i])));
		mnl_attr_nest_end(message, field);
	}
	mnl_attr_nest_end(message, fields);
	mnl_attr_nest_end(message, description);
}

static void set_kind(struct nftnl_set *set, const struct em_object *object)
{
	static const uint32_t flags[EM_OBJECT_KINDS] = {
		[EM_OBJECT_MAP] = NFT_SET_MAP,
		[EM_OBJECT_COUNTER_MAP] = NFT_SET_OBJECT,
		[EM_OBJECT_VERDICT_MAP] = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_MAP,
	};
	uint32_t all = flags[object->kind] | (object->interval ? NFT_SET_INTERVAL : 0) |
		       (has_fields(object) ? NFT_SET_CONCAT : 0) |
		       (object->size ? NFT_SET_EVAL | NFT_SET_TIMEOUT : 0);

	if (all)
		nftnl_set_set_u32(set, NFTNL_SET_FLAGS, all);
	if (em_object_room(object))
		nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, em_object_room(object));
	if (object->kind == EM_OBJECT_MAP) {
		nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, em_fields[object->data].type->id);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, em_fields[object->data].length);
	} else if (object->kind == EM_OBJECT_COUNTER_MAP) {
		nftnl_set_set_u32(set, NFTNL_SET_OBJ_TYPE, NFT_OBJECT_COUNTER);
	} else if (object->kind == EM_OBJECT_VERDICT_MAP) {
		nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, TYPE_VERDICT);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, 0);
	}
}

/* Each element counts what is looked up. */
static void put_element_counter(struct nlmsghdr *message)
{
	struct nlattr *expression = mnl_attr_nest_start(message, NFTA_SET_EXPR);

	mnl_attr_put_strz(message, NFTA_EXPR_NAME, "counter");
	mnl_attr_nest_end(message, mnl_attr_nest_start(message, NFTA_EXPR_DATA));
	mnl_attr_nest_end(message, expression);
}

static void fill_set(struct em_batch *batch, struct nftnl_set *set, const struct em_object *object)
{
	char text[EM_IDENTIFIER_MAX];

	if (nftnl_set_set_str(set, NFTNL_SET_TABLE, EM_RULESET_TABLE) ||
	    nftnl_set_set_str(set, NFTNL_SET_NAME, em_identifier_format(&object->name, text)) ||
	    !set_userdata(set, object))
		out_of_memory(batch);
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, em_ruleset_family(object->table));
	nftnl_set_set_u32(set, NFTNL_SET_ID, ++batch->sets);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, key_type(object));
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, em_key_length(&object->key));
	set_kind(set, object);
}

static void add_set(struct em_batch *batch, const struct em_object *object)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct nlmsghdr *message;

	if (!set) {
		out_of_memory(batch);
		return;
	}
	fill_set(batch, set, object);
	message = em_batch_open(batch, em_ruleset_family(object->table), NFT_MSG_NEWSET,
				object->size ? NLM_F_CREATE : NEW, object->purpose, &object->place);
	nftnl_set_nlmsg_build_payload(message, set);
	if (has_fields(object))
		put_fields(message, object);
	if (object->counting)
		put_element_counter(message);
	em_batch_close(batch, message);
	nftnl_set_free(set);
}

/* Timeouts: there is one for all generations. */

static void add_timeout(struct em_batch *batch, const struct em_object *object)
{
	struct nlmsghdr *message =
		em_batch_open(batch, em_ruleset_family(object->table), NFT_MSG_NEWOBJ, NLM_F_CREATE,
			      object->purpose, &object->place);
	struct nlattr *data, *policy;
	char text[EM_IDENTIFIER_MAX];

	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_OBJ_NAME, em_identifier_format(&object->name, text));
	mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_CT_TIMEOUT));
	data = mnl_attr_nest_start(message, NFTA_OBJ_DATA);
	mnl_attr_put_u16(message, NFTA_CT_TIMEOUT_L3PROTO, htons(object->family));
	mnl_attr_put_u8(message, NFTA_CT_TIMEOUT_L4PROTO, IPPROTO_UDP);
	policy = mnl_attr_nest_start(message, NFTA_CT_TIMEOUT_DATA);
	mnl_attr_put_u32(message, CTA_TIMEOUT_UDP_UNREPLIED, htonl(object->seconds));
	mnl_attr_put_u32(message, CTA_TIMEOUT_UDP_REPLIED, htonl(object->seconds));
	mnl_attr_nest_end(message, policy);
	mnl_attr_nest_end(message, data);
	em_batch_close(batch, message);
}

static void add_elements(struct em_batch *batch, const struct em_object *object, uint32_t id)
{
	for (size_t next = 0; next < object->n;)
		next = em_element_add(batch, object, id, next);
}

void em_message_object(struct em_batch *batch, const struct em_object *object)
{
	if (object->kind == EM_OBJECT_TIMEOUT)
		add_timeout(batch, object);
	else if (object->kind != EM_OBJECT_COUNTER)
		add_set(batch, object);
	if (!object->per_entity)
		add_elements(batch, object,
			     object->kind == EM_OBJECT_VERDICT_MAP ? batch->sets : 0);
}

void em_message_objects(struct em_batch *batch, const struct em_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->n_objects; i++)
		em_message_object(batch, &ruleset->objects[i]);
}

/* Deleting. */

static void delete_set(struct em_batch *batch, enum em_table table, const char *name)
{
	struct nlmsghdr *message = em_batch_open(batch, em_ruleset_family(table), NFT_MSG_DELSET, 0,
						 "delete set", NULL);

	mnl_attr_put_strz(message, NFTA_SET_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_NAME, name);
	em_batch_close(batch, message);
}

static void delete_named(struct em_batch *batch, enum em_table table, uint32_t type,
			 const char *what, const char *name)
{
	struct nlmsghdr *message =
		em_batch_open(batch, em_ruleset_family(table), NFT_MSG_DELOBJ, 0, what, NULL);

	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(type));
	em_batch_close(batch, message);
}

void em_message_delete_object(struct em_batch *batch, enum em_table table, enum em_object_kind kind,
			      const char *name)
{
	if (kind == EM_OBJECT_COUNTER)
		delete_named(batch, table, NFT_OBJECT_COUNTER, "delete counter", name);
	else if (kind == EM_OBJECT_TIMEOUT)
		delete_named(batch, table, NFT_OBJECT_CT_TIMEOUT, "delete timeout", name);
	else
		delete_set(batch, table, name);
}
