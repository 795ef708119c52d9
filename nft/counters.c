/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * counters - read what the kernel has counted; see counters.h.
 *
 * Elements are asked for by their keys, many at a time: for each 32 KiB of a dump the kernel walks
 * through all elements before, which takes minutes where there are a million.
 */
#include "nft/counters.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <errno.h>
#include <libnftnl/object.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft/inventory.h"
#include "nft/ruleset.h"

/* Attributes of a nest by their number; others stay NULL. */
#define ATTRIBUTES_MAX 16

static int keep_attribute(const struct nlattr *attribute, void *data)
{
	const struct nlattr **attributes = data;

	if (mnl_attr_get_type(attribute) < ATTRIBUTES_MAX)
		attributes[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}

static void parse_nest(const struct nlattr *nest, const struct nlattr *attributes[ATTRIBUTES_MAX])
{
	memset(attributes, 0, ATTRIBUTES_MAX * sizeof(*attributes));
	if (nest)
		mnl_attr_parse_nested(nest, keep_attribute, attributes);
}

/* Named counters. */

struct named_counts {
	struct em_count roles[EM_COUNTERS];
	struct em_count *entities; /* owned; NULL: they have no named counters */
};

struct named {
	const struct em_policy *policy;
	uint32_t generation;
	struct named_counts *counts; /* by listener */
	bool no_memory;
};

static struct em_count *find_role(const struct named *named, size_t listener, const char *role,
				  size_t length)
{
	for (int c = 0; c < EM_COUNTERS; c++) {
		struct em_identifier counter = em_ruleset_counter(
			named->generation, &named->policy->listeners[listener], c);

		if (strlen(counter.role) == length && memcmp(counter.role, role, length) == 0)
			return &named->counts[listener].roles[c];
	}
	return NULL;
}

/* As many bytes in hex digits, and nothing else. */
static bool read_digits(uint8_t *bytes, uint8_t length, const char *digits)
{
	if (strlen(digits) != 2U * length)
		return false;
	for (uint8_t i = 0; i < length; i++)
		if (sscanf(digits + 2 * i, "%2hhx", &bytes[i]) != 1)
			return false;
	return true;
}

/* The first one of a listener has room made for all of them. */
static struct em_count *find_entity(struct named *named, size_t listener, const char *digits)
{
	const struct em_listener *owner = &named->policy->listeners[listener];
	struct named_counts *counts = &named->counts[listener];
	const struct em_entity *entity;
	uint8_t tag[EM_TAG_MAX];

	entity = read_digits(tag, owner->tag.length, digits) ? em_listener_find(owner, tag) : NULL;
	if (!entity)
		return NULL;
	if (!counts->entities)
		counts->entities = calloc(owner->n_entities, sizeof(*counts->entities));
	if (!counts->entities) {
		named->no_memory = true;
		return NULL;
	}
	return &counts->entities[entity - owner->entities];
}

/* A counter's name is "vN-role-listener" or "vN-entity-listener-tag"; a tag is hex digits. */
static struct em_count *find_named(struct named *named, const char *name)
{
	const char *role, *owner, *end;
	bool entity;

	if (!name || em_identifier_generation(name) != named->generation)
		return NULL;
	role = strchr(name, '-') + 1;
	owner = strchr(role, '-');
	entity = owner && strncmp(role, "entity-", owner - role + 1) == 0;
	end = !owner ? NULL : entity ? strrchr(owner + 1, '-') : owner + strlen(owner);
	for (size_t i = 0; end && i < named->policy->n_listeners; i++) {
		const char *listener = named->policy->listeners[i].name;
		size_t length = end - owner - 1;

		if (strlen(listener) == length && memcmp(listener, owner + 1, length) == 0)
			return entity ? find_entity(named, i, end + 1)
				      : find_role(named, i, role, owner - role);
	}
	return NULL;
}

static int read_named(const struct nlmsghdr *message, void *data)
{
	struct nftnl_obj *counter = nftnl_obj_alloc();
	struct named *named = data;
	const char *table, *name;
	struct em_count *count;

	if (!counter)
		return MNL_CB_ERROR;
	if (nftnl_obj_nlmsg_parse(message, counter) == 0 &&
	    nftnl_obj_get_u32(counter, NFTNL_OBJ_TYPE) == NFT_OBJECT_COUNTER) {
		table = nftnl_obj_get_str(counter, NFTNL_OBJ_TABLE);
		name = nftnl_obj_get_str(counter, NFTNL_OBJ_NAME);
		count = table && strcmp(table, EM_RULESET_TABLE) == 0 ? find_named(named, name)
								      : NULL;
		if (count) {
			count->packets = nftnl_obj_get_u64(counter, NFTNL_OBJ_CTR_PKTS);
			count->bytes = nftnl_obj_get_u64(counter, NFTNL_OBJ_CTR_BYTES);
		}
	}
	nftnl_obj_free(counter);
	return named->no_memory ? MNL_CB_ERROR : MNL_CB_OK;
}

static void add_named(struct em_listener_stats *stats, const struct named_counts *named)
{
	const struct em_count *counts = named->roles;

	stats->total.packets += counts[EM_COUNTER_PACKETS].packets;
	stats->total.bytes += counts[EM_COUNTER_PACKETS].bytes;
	stats->rewritten += counts[EM_COUNTER_REWRITTEN].packets;
	stats->unknown += counts[EM_COUNTER_UNKNOWN].packets;
	stats->invalid[EM_REASON_SOURCE] += counts[EM_COUNTER_SOURCE].packets;
	stats->invalid[EM_REASON_LENGTH] += counts[EM_COUNTER_LENGTH].packets;
	stats->invalid[EM_REASON_CHECK] += counts[EM_COUNTER_CHECK].packets;
	for (size_t i = 0; named->entities && i < stats->n_entities; i++) {
		stats->entities[i].packets += named->entities[i].packets;
		stats->entities[i].bytes += named->entities[i].bytes;
	}
}

static int query_named(struct em_netlink *netlink, struct named *named)
{
	const struct em_query counters = {.subsystem = NFNL_SUBSYS_NFTABLES,
					  .type = NFT_MSG_GETOBJ,
					  .family = NFPROTO_NETDEV,
					  .flags = NLM_F_DUMP,
					  .attributes = em_inventory_table};
	int error = -EINTR;

	for (int i = 0; error == -EINTR && i < EM_DUMP_TRIES; i++)
		error = em_netlink_query(netlink, &counters, read_named, named);
	return error;
}

/* Elements of a map. */

/* More keys than this would not fit into one attribute: 12 bytes and up to EM_KEY_MAX each. */
#define ASK_MAX 1024
/* What one answer, which is a packet of its own, takes of the receive buffer at most. */
#define ANSWER_SIZE 8192
/* Elements that may be gone before the map is given up. */
#define MISSING_MAX 1000

struct mapped {
	const struct em_listener *listener;
	struct em_key key;
	char name[EM_IDENTIFIER_MAX];
	struct em_count *counts; /* by entity; added to */
	size_t first, n;	 /* entities to ask for */
	size_t answered;	 /* of them, in the same order */
	bool counting;		 /* an element with a counter was seen */
};

/* The counter of an element: in one expression, or in a list of them. */
static const struct nlattr *counter_of(const struct nlattr *const *element)
{
	const struct nlattr *expression = element[NFTA_SET_ELEM_EXPR];
	const struct nlattr *parts[ATTRIBUTES_MAX];

	if (!expression && element[NFTA_SET_ELEM_EXPRESSIONS]) {
		parse_nest(element[NFTA_SET_ELEM_EXPRESSIONS], parts);
		expression = parts[NFTA_LIST_ELEM];
	}
	parse_nest(expression, parts);
	if (!parts[NFTA_EXPR_NAME] || strcmp(mnl_attr_get_str(parts[NFTA_EXPR_NAME]), "counter"))
		return NULL;
	return parts[NFTA_EXPR_DATA];
}

static const struct em_entity *entity_of(const struct mapped *mapped, const struct nlattr *nest)
{
	const struct nlattr *key[ATTRIBUTES_MAX];
	uint8_t tag[EM_TAG_MAX];

	parse_nest(nest, key);
	if (!key[NFTA_DATA_VALUE] ||
	    mnl_attr_get_payload_len(key[NFTA_DATA_VALUE]) < mapped->key.length)
		return NULL;
	em_key_to_tag(&mapped->key, mnl_attr_get_payload(key[NFTA_DATA_VALUE]), tag);
	return em_listener_find(mapped->listener, tag);
}

static int read_element(const struct nlattr *nest, void *data)
{
	struct mapped *mapped = data;
	const struct nlattr *element[ATTRIBUTES_MAX], *counter[ATTRIBUTES_MAX];
	const struct em_entity *entity;
	struct em_count *count;

	mapped->answered++;
	parse_nest(nest, element);
	parse_nest(counter_of(element), counter);
	if (!counter[NFTA_COUNTER_PACKETS] || !counter[NFTA_COUNTER_BYTES])
		return MNL_CB_OK;
	mapped->counting = true;
	entity = mapped->counts ? entity_of(mapped, element[NFTA_SET_ELEM_KEY]) : NULL;
	if (!entity)
		return MNL_CB_OK;
	count = &mapped->counts[entity - mapped->listener->entities];
	count->packets += be64toh(mnl_attr_get_u64(counter[NFTA_COUNTER_PACKETS]));
	count->bytes += be64toh(mnl_attr_get_u64(counter[NFTA_COUNTER_BYTES]));
	return MNL_CB_OK;
}

static int read_list(const struct nlattr *attribute, void *data)
{
	if (mnl_attr_get_type(attribute) != NFTA_SET_ELEM_LIST_ELEMENTS)
		return MNL_CB_OK;
	return mnl_attr_parse_nested(attribute, read_element, data);
}

static int read_elements(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct nfgenmsg), read_list, data);
}

static void name_elements(struct nlmsghdr *message, const void *context)
{
	const struct mapped *mapped = context;
	struct nlattr *list, *element, *key;
	uint8_t bytes[EM_KEY_MAX];

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, mapped->name);
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < mapped->n; i++) {
		em_key_from_tag(&mapped->key, mapped->listener->entities[mapped->first + i].tag,
				bytes);
		element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
		key = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
		mnl_attr_put(message, NFTA_DATA_VALUE, mapped->key.length, bytes);
		mnl_attr_nest_end(message, key);
		mnl_attr_nest_end(message, element);
	}
	mnl_attr_nest_end(message, list);
}

static void mapped_init(struct mapped *mapped, const struct em_listener *listener,
			uint32_t generation)
{
	struct em_identifier name = em_ruleset_map(generation, listener);

	*mapped = (struct mapped){.listener = listener};
	em_ruleset_key(listener, &mapped->key);
	em_identifier_format(&name, mapped->name);
}

static int query_elements(struct em_netlink *netlink, struct mapped *mapped)
{
	const struct em_query elements = {.subsystem = NFNL_SUBSYS_NFTABLES,
					  .type = NFT_MSG_GETSETELEM,
					  .family = NFPROTO_NETDEV,
					  .flags = NLM_F_ACK,
					  .attributes = name_elements,
					  .context = mapped};

	mapped->answered = 0;
	return em_netlink_query(netlink, &elements, read_elements, mapped);
}

static int query_map(struct em_netlink *netlink, const struct em_listener *listener,
		     uint32_t generation, struct em_count *counts)
{
	size_t most = em_netlink_receive_buffer(netlink) / ANSWER_SIZE;
	unsigned int missing = 0;
	struct mapped mapped;
	int error = 0;

	most = most < 1 ? 1 : most > ASK_MAX ? ASK_MAX : most;
	mapped_init(&mapped, listener, generation);
	mapped.counts = counts;
	for (; !error && mapped.first < listener->n_entities; mapped.first += mapped.n) {
		mapped.n = listener->n_entities - mapped.first;
		if (mapped.n > most)
			mapped.n = most;
		error = query_elements(netlink, &mapped);
		/* Somebody has deleted the next one with `nft delete element`. */
		if (error == -ENOENT && missing++ < MISSING_MAX) {
			mapped.n = mapped.answered + 1;
			error = 0;
		}
	}
	return error;
}

static int read_all(struct em_netlink *netlink, struct named *named, struct em_stats *stats)
{
	const struct em_policy *policy = named->policy;
	int error = query_named(netlink, named);

	for (size_t i = 0; !error && i < policy->n_listeners; i++) {
		add_named(&stats->listeners[i], &named->counts[i]);
		if (policy->listeners[i].n_entities && !named->counts[i].entities)
			error = query_map(netlink, &policy->listeners[i], named->generation,
					  stats->listeners[i].entities);
	}
	return error;
}

static int report(struct em_diag *diag, int error)
{
	struct em_refusal refusal = {error, {.what = "read the counters"}};

	return em_netlink_report(diag, &refusal);
}

int em_counters_read(struct em_netlink *netlink, const struct em_policy *policy,
		     uint32_t generation, struct em_stats *stats, struct em_diag *diag)
{
	struct named named = {.policy = policy, .generation = generation};
	int error;

	named.counts = calloc(policy->n_listeners, sizeof(*named.counts));
	error = named.counts ? read_all(netlink, &named, stats) : -ENOMEM;
	for (size_t i = 0; named.counts && i < policy->n_listeners; i++)
		free(named.counts[i].entities);
	free(named.counts);
	return error ? report(diag, error) : 0;
}

int em_counters_in_elements(struct em_netlink *netlink, const struct em_listener *listener,
			    uint32_t generation, struct em_diag *diag)
{
	struct mapped mapped;
	int error;

	mapped_init(&mapped, listener, generation);
	mapped.n = 1;
	error = query_elements(netlink, &mapped);
	return error ? report(diag, error) : mapped.counting;
}
