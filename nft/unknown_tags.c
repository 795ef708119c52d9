/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "nft/unknown_tags.h"
#include "nft/uapi.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/clock.h"
#include "nft/attribute.h"
#include "nft/build.h"
#include "nft/check_host.h"
#include "nft/expression.h"

#define NS_PER_MS UINT64_C(1000000)

/*
 * A map has data of one length: each version of IP has its own.  Tags that are too long for one are
 * in a set, for both.
 */
struct version {
	const char *role;
	uint8_t family;
	uint8_t length; /* of an address; 0: a set */
	enum em_field sender;
};

static const struct version versions[] = {{"unknown4", AF_INET, 4, EM_FIELD_IP_SADDR},
					  {"unknown6", AF_INET6, 16, EM_FIELD_IP6_SADDR},
					  {"unknown", AF_UNSPEC, 0, EM_FIELD_PAYLOAD}};

#define VERSIONS (sizeof(versions) / sizeof(versions[0]))

static bool has(const struct em_format *format, const struct version *version)
{
	uint8_t only = em_format_family(format);
	struct em_key key;

	em_key_of_tag(format, &key);
	if (em_key_length(&key) > EM_NOTED_KEY_MAX)
		return !version->length;
	return version->length && (only == AF_UNSPEC || only == version->family);
}

static struct em_object make_object(uint32_t generation, const struct em_listener *listener,
				    const struct em_format *format, const struct version *version)
{
	struct em_object object = {.kind = version->length ? EM_OBJECT_MAP : EM_OBJECT_SET,
				   .table = EM_TABLE_NETDEV,
				   .name = {.generation = generation,
					    .role = version->role,
					    .owner = listener->name,
					    .format = format->name},
				   .place = format->tag.place,
				   .purpose = version->length ? "add map of unknown tags"
							      : "add set of unknown tags",
				   .data = version->sender,
				   .size = EM_UNKNOWN_MAX,
				   .listener = listener,
				   .format = format};

	em_key_of_tag(format, &object.key);
	return object;
}

/* Alone in its rule, which a full one ends. */
static void rule_update(struct em_builder *b, const struct version *version)
{
	struct em_object object =
		make_object(b->ruleset->generation, b->listener, b->format, version);
	struct em_statement *update;

	/* The second chain has the same. */
	if (!b->whole)
		em_build_object(b, object);
	em_build_rule(b, &b->format->tag.place);
	update = em_build_lookup(b, EM_STATEMENT_UPDATE, object.name);
	update->seconds = EM_UNKNOWN_SECONDS;
	update->counting = true;
	update->noting = version->length;
	update->written = version->sender;
}

void em_build_unknown_tags(struct em_builder *b)
{
	for (size_t i = 0; !b->ruleset->form.forgets && i < VERSIONS; i++)
		if (has(b->format, &versions[i]))
			rule_update(b, &versions[i]);
}

/* Reading. */

struct reading {
	const struct em_object *object;
	const struct version *version;
	struct em_unknown_list *list;
	/* Those of the format over the other version of IP, in the list. */
	size_t first, others;
};

static uint64_t number(const struct nlattr *attribute)
{
	return attribute && mnl_attr_get_payload_len(attribute) == sizeof(uint64_t)
		       ? be64toh(mnl_attr_get_u64(attribute))
		       : 0;
}

/* The kernel prolongs an element with each datagram. */
static uint64_t age_of(struct em_row element)
{
	const uint64_t all = EM_UNKNOWN_SECONDS * EM_SECOND;
	uint64_t left = number(em_row_find(element, NFTA_SET_ELEM_EXPIRATION, 0)) * NS_PER_MS;

	return left < all ? all - left : 0;
}

static uint64_t packets_of(struct em_row element)
{
	struct em_row counter = em_row_in(em_row_find(element, NFTA_SET_ELEM_EXPR, 0));

	return number(em_row_find(em_row_in(em_row_find(counter, NFTA_EXPR_DATA, 0)),
				  NFTA_COUNTER_PACKETS, 0));
}

static const void *value_of(struct em_row element, uint16_t type, size_t length)
{
	const struct nlattr *value =
		em_row_find(em_row_in(em_row_find(element, type, 0)), NFTA_DATA_VALUE, 0);

	return value && mnl_attr_get_payload_len(value) == length ? mnl_attr_get_payload(value)
								  : NULL;
}

/* NULL: it has not been seen over the other version of IP. */
static struct em_unknown *find(const struct reading *reading, const uint8_t tag[EM_TAG_MAX])
{
	for (size_t i = reading->first; i < reading->others; i++)
		if (memcmp(reading->list->all[i].tag, tag, EM_TAG_MAX) == 0)
			return &reading->list->all[i];
	return NULL;
}

static int add(const struct reading *reading, struct em_row element)
{
	const struct em_object *object = reading->object;
	const struct version *version = reading->version;
	const void *key = value_of(element, NFTA_SET_ELEM_KEY, em_key_length(&object->key));
	const void *sender = value_of(element, NFTA_SET_ELEM_DATA, version->length);
	struct em_unknown unknown = {.listener = object->listener,
				     .format = object->format,
				     .packets = packets_of(element),
				     .age = age_of(element),
				     .sender = {.family = version->family}};
	struct em_unknown *known;

	/* Another program may have made one of another kind. */
	if (!key || (version->length && !sender))
		return -EBADMSG;
	em_key_to_tag(&object->key, key, unknown.tag);
	if (version->length)
		memcpy(unknown.sender.bytes, sender, version->length);
	known = find(reading, unknown.tag);
	if (!known)
		return em_unknown_add(reading->list, &unknown);
	known->packets += unknown.packets;
	known->age = unknown.age < known->age ? unknown.age : known->age;
	return 0;
}

static int read_elements(const struct nlmsghdr *message, void *data)
{
	struct em_row row =
		em_row_in(em_row_find(em_row_of(message), NFTA_SET_ELEM_LIST_ELEMENTS, 0));
	const struct reading *reading = data;
	int rc = 0;

	for (const struct nlattr *at = em_row_next(row, NULL); !rc && at; at = em_row_next(row, at))
		rc = add(reading, em_row_in(at));
	errno = -rc;
	return rc ? MNL_CB_ERROR : MNL_CB_OK;
}

static void name_map(struct nlmsghdr *message, const void *context)
{
	const struct em_object *object = context;
	char text[EM_IDENTIFIER_MAX];

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET,
			  em_identifier_format(&object->name, text));
}

static int read_map(struct em_netlink *netlink, struct reading *reading)
{
	const struct em_query query = {.subsystem = NFNL_SUBSYS_NFTABLES,
				       .type = NFT_MSG_GETSETELEM,
				       .family = em_ruleset_family(reading->object->table),
				       .flags = NLM_F_DUMP,
				       .attributes = name_map,
				       .context = reading->object};

	return em_netlink_query(netlink, &query, read_elements, reading);
}

static int read_maps(struct em_netlink *netlink, uint32_t generation,
		     const struct em_listener *listener, const struct em_format *format,
		     struct em_unknown_list *list)
{
	const size_t first = list->n;
	int rc = 0;

	for (size_t i = 0; !rc && i < VERSIONS; i++) {
		const struct em_object object =
			make_object(generation, listener, format, &versions[i]);
		struct reading reading = {&object, &versions[i], list, first, list->n};

		if (has(format, &versions[i]))
			rc = read_map(netlink, &reading);
	}
	return rc;
}

/* A change of the ruleset interrupts a dump: it begins anew. */
static int read_format(struct em_netlink *netlink, uint32_t generation,
		       const struct em_listener *listener, const struct em_format *format,
		       struct em_unknown_list *list)
{
	const size_t before = list->n;
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < EM_DUMP_TRIES; i++) {
		list->n = before;
		rc = read_maps(netlink, generation, listener, format, list);
	}
	return rc;
}

int em_unknown_tags_read(struct em_netlink *netlink, const struct em_policy *policy,
			 uint32_t generation, struct em_unknown_list *list, struct em_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < policy->n_listeners; i++)
		for (size_t j = 0; !rc && j < policy->listeners[i].n_formats; j++)
			rc = read_format(netlink, generation, &policy->listeners[i],
					 &policy->listeners[i].formats[j], list);
	if (rc == -ENOENT && em_nft_forgets()) {
		em_diag_warning(diag, NULL,
				"no unknown tags are recorded: nf_tables of this kernel has no "
				"maps with a size whose elements time out (Linux 4.16)");
		return 0;
	}
	return rc ? em_diag_errno(diag, rc, NULL, "nftables: cannot read the unknown tags") : 0;
}
