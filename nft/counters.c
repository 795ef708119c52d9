/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * counters - read what the kernel has counted; see counters.h.
 *
 * Elements are asked for by their keys, many at a time: for each 32 KiB of a dump the kernel walks
 * through all elements before, which takes minutes where there are a million.  It answers in the
 * order in which it is asked.
 */
#include "nft/counters.h"
#include "nft/uapi.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "nft/build.h"
#include "nft/element.h"
#include "nft/inventory.h"
#include "nft/parsed.h"
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

/* What is counted. */

/* Of a listener, by enum em_counter. */
struct counts {
	struct em_count roles[EM_COUNTERS_ALL];
};

struct reading {
	const struct em_policy *policy;
	struct em_stats *stats;
	struct counts *counts; /* by listener */
	struct em_diag *diag;
};

/* Where element i of an object counts. */
static struct em_count *count_of(const struct reading *reading, const struct em_object *object,
				 size_t i)
{
	size_t listener = object->listener - reading->policy->listeners;

	if (!object->per_entity)
		return &reading->counts[listener].roles[i];
	return reading->stats->listeners[listener].entities +
	       em_listener_entities_before(object->listener, object->format) +
	       em_object_entity(object, i);
}

static void add_roles(struct em_listener_stats *stats, const struct em_count *roles)
{
	for (enum em_counter role = 0; role < EM_COUNTERS; role++) {
		stats->total.packets += roles[role].packets;
		stats->total.bytes += roles[role].bytes;
	}
	stats->copied += roles[EM_COUNTER_COPIED].packets;
	stats->rewritten += roles[EM_COUNTER_REWRITTEN].packets;
	stats->passed += roles[EM_COUNTER_PASSED].packets;
	stats->dropped += roles[EM_COUNTER_DROPPED].packets;
	stats->unknown += roles[EM_COUNTER_UNKNOWN].packets;
	stats->invalid[EM_REASON_SOURCE] += roles[EM_COUNTER_SOURCE].packets;
	stats->invalid[EM_REASON_LENGTH] += roles[EM_COUNTER_LENGTH].packets;
	stats->invalid[EM_REASON_CHECK] += roles[EM_COUNTER_CHECK].packets;
}

/* Elements. */

/* The most keys that fit into one attribute: each takes 12 bytes and up to EM_KEY_MAX. */
#define ASK_MAX 1024
/* The most that one answer, a packet of its own, takes of the receive buffer. */
#define ANSWER_SIZE 8192

struct asking {
	const struct reading *reading; /* NULL: only whether they count */
	const struct em_object *object;
	size_t first, n; /* elements to ask for */
	size_t answered; /* of them, in the same order */
	size_t missing;	 /* elements that somebody has deleted */
	bool counting;	 /* an element with a counter was seen */
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

static int read_element(const struct nlattr *nest, void *data)
{
	struct asking *asking = data;
	const struct nlattr *element[ATTRIBUTES_MAX], *counter[ATTRIBUTES_MAX];
	size_t i = asking->first + asking->answered++;
	struct em_count *count;

	parse_nest(nest, element);
	parse_nest(counter_of(element), counter);
	if (!counter[NFTA_COUNTER_PACKETS] || !counter[NFTA_COUNTER_BYTES] ||
	    i >= asking->object->n)
		return MNL_CB_OK;
	asking->counting = true;
	if (!asking->reading)
		return MNL_CB_OK;
	count = count_of(asking->reading, asking->object, i);
	if (asking->object->copied) {
		count->copied += be64toh(mnl_attr_get_u64(counter[NFTA_COUNTER_PACKETS]));
		return MNL_CB_OK;
	}
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
	const struct asking *asking = context;
	const struct em_object *object = asking->object;
	char text[EM_IDENTIFIER_MAX];
	struct nlattr *list, *nest;

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET,
			  em_identifier_format(&object->name, text));
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < asking->n; i++) {
		struct em_element element = {.comment = NULL};

		object->element(object, asking->first + i, &element);
		nest = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
		em_element_put_key(message, object, &element);
		mnl_attr_nest_end(message, nest);
	}
	mnl_attr_nest_end(message, list);
}

/* -EOPNOTSUPP: this kernel lists elements only (before 4.16). */
static int ask(struct em_netlink *netlink, struct asking *asking)
{
	const struct em_query elements = {.subsystem = NFNL_SUBSYS_NFTABLES,
					  .type = NFT_MSG_GETSETELEM,
					  .family = em_ruleset_family(asking->object->table),
					  .flags = NLM_F_ACK,
					  .attributes = name_elements,
					  .context = asking};

	asking->answered = 0;
	return em_netlink_query(netlink, &elements, read_elements, asking);
}

int em_counters_in_elements(struct em_netlink *netlink, const struct em_object *object)
{
	struct asking asking = {.object = object, .n = 1};
	int rc = ask(netlink, &asking);

	return rc ? rc : asking.counting;
}

/* Whether a set is empty or gone. Returns 0 or -errno. */
static int find_empty(struct em_netlink *netlink, const struct em_object *object, bool *empty)
{
	char text[EM_IDENTIFIER_MAX];
	uint32_t n;
	int rc = em_inventory_count(netlink, object->table,
				    em_identifier_format(&object->name, text), 0, &n);

	*empty = rc == -ENOENT || (!rc && !n);
	return rc == -ENOENT || rc == -EINTR ? 0 : rc;
}

/*
 * Another program has deleted an element, and its counter with it: the one behind those that were
 * answered. More may be gone, so we go on with few at a time, or stop.
 */
static int skip_missing(struct em_netlink *netlink, struct asking *asking)
{
	bool empty = false;
	int rc = asking->missing++ ? 0 : find_empty(netlink, asking->object, &empty);

	asking->n = empty ? asking->object->n - asking->first : asking->answered + 1;
	return rc;
}

static const char reading_counters[] = "read counters";

/* Returns 0 or -errno; *counting says whether any element counts. */
static int read_counting(struct em_netlink *netlink, const struct reading *reading,
			 const struct em_object *object, bool *counting)
{
	struct asking asking = {.reading = reading, .object = object};
	size_t most = em_netlink_receive_buffer(netlink) / ANSWER_SIZE, at_once;
	int rc = 0;

	em_diag_progress(reading->diag, reading_counters, 0, object->n);
	at_once = most = most < 1 ? 1 : most > ASK_MAX ? ASK_MAX : most;
	for (; !rc && asking.first < object->n; asking.first += asking.n) {
		asking.n = object->n - asking.first < at_once ? object->n - asking.first : at_once;
		rc = ask(netlink, &asking);
		if (rc == -ENOENT) {
			rc = skip_missing(netlink, &asking);
			at_once = 1;
			continue;
		}
		if (!rc && !asking.counting)
			break;
		at_once = 2 * at_once < most ? 2 * at_once : most;
		em_diag_progress(reading->diag, reading_counters, asking.first + asking.n,
				 object->n);
	}
	em_diag_progress(reading->diag, reading_counters, object->n, object->n);
	*counting = asking.counting;
	return rc == -EOPNOTSUPP ? 0 : rc;
}

/* Named counters. */

struct named {
	char *name; /* owned */
	struct em_count *count;
	struct em_count seen; /* to be added to it */
};

struct index {
	struct named *all; /* by name */
	size_t n;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static int compare_name(const void *name, const void *named)
{
	return strcmp(name, ((const struct named *)named)->name);
}

static void index_clear(struct index *index)
{
	for (size_t i = 0; i < index->n; i++)
		free(index->all[i].name);
	free(index->all);
}

static int index_object(struct index *index, const struct reading *reading,
			const struct em_object *object)
{
	for (size_t i = 0; i < object->n; i++) {
		struct named *named = em_build_append(&index->all, &index->n, sizeof(*index->all));
		struct em_element element = {.comment = NULL};

		if (!named)
			return -ENOMEM;
		object->element(object, i, &element);
		named->name = strdup(element.target);
		named->count = count_of(reading, object, i);
		if (!named->name)
			return -ENOMEM;
	}
	return 0;
}

static int index_init(struct index *index, const struct reading *reading,
		      const struct em_ruleset *ruleset)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < ruleset->n_objects; i++)
		if (ruleset->objects[i].kind == EM_OBJECT_COUNTER)
			rc = index_object(index, reading, &ruleset->objects[i]);
	if (!rc && index->n)
		qsort(index->all, index->n, sizeof(*index->all), by_name);
	return rc;
}

static int read_named(const struct nlmsghdr *message, void *data)
{
	struct nftnl_obj *counter __attribute__((cleanup(em_parsed_obj_freep))) = NULL;
	int result = em_parsed_obj(&counter, message);
	const struct index *index = data;
	struct named *named;

	if (counter && nftnl_obj_get_u32(counter, NFTNL_OBJ_TYPE) == NFT_OBJECT_COUNTER &&
	    strcmp(nftnl_obj_get_str(counter, NFTNL_OBJ_TABLE), EM_RULESET_TABLE) == 0) {
		named = bsearch(nftnl_obj_get_str(counter, NFTNL_OBJ_NAME), index->all, index->n,
				sizeof(*index->all), compare_name);
		if (named) {
			named->seen.packets = nftnl_obj_get_u64(counter, NFTNL_OBJ_CTR_PKTS);
			named->seen.bytes = nftnl_obj_get_u64(counter, NFTNL_OBJ_CTR_BYTES);
		}
	}
	return result;
}

static int query_named(struct em_netlink *netlink, struct index *index)
{
	const struct em_query counters = {.subsystem = NFNL_SUBSYS_NFTABLES,
					  .type = NFT_MSG_GETOBJ,
					  .family = NFPROTO_NETDEV,
					  .flags = NLM_F_DUMP,
					  .attributes = em_inventory_table};
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < EM_DUMP_TRIES; i++)
		rc = em_netlink_query(netlink, &counters, read_named, index);
	return rc;
}

static int read_all_named(struct em_netlink *netlink, const struct reading *reading,
			  const struct em_ruleset *ruleset)
{
	struct index index = {0};
	int rc = index_init(&index, reading, ruleset);

	if (!rc)
		rc = query_named(netlink, &index);
	for (size_t i = 0; !rc && i < index.n; i++) {
		index.all[i].count->packets += index.all[i].seen.packets;
		index.all[i].count->bytes += index.all[i].seen.bytes;
	}
	index_clear(&index);
	return rc;
}

/* All of it. */

/* *objects says whether it is by named counters that entities are counted. */
static int read_all_counting(struct em_netlink *netlink, const struct reading *reading,
			     const struct em_ruleset *ruleset, bool *objects)
{
	int rc = 0;

	*objects = false;
	for (size_t i = 0; !rc && i < ruleset->n_objects; i++) {
		const struct em_object *object = &ruleset->objects[i];
		bool counting;

		if (!object->counting || !object->n)
			continue;
		rc = read_counting(netlink, reading, object, &counting);
		*objects |= !counting;
	}
	return rc;
}

/* Whether the generation was installed with zones: it has sets of the tags that it marks. */
static int has_zones(struct em_netlink *netlink, uint32_t generation, bool *zones)
{
	struct em_inventory inventory;
	int rc = em_inventory_list(&inventory, EM_TABLE_NETDEV, netlink);

	*zones = false;
	for (size_t i = 0; !rc && i < inventory.n_objects; i++)
		*zones |= inventory.objects[i].generation == generation &&
			  em_identifier_owner(inventory.objects[i].name, EM_ROLE_TAGS);
	em_inventory_clear(&inventory);
	return rc;
}

static int read_all(struct em_netlink *netlink, const struct reading *reading, uint32_t generation)
{
	struct em_ruleset *ruleset __attribute__((cleanup(em_ruleset_freep))) = NULL;
	struct em_ruleset *other __attribute__((cleanup(em_ruleset_freep))) = NULL;
	struct em_form form = {.zones = false};
	int rc = has_zones(netlink, generation, &form.zones);

	if (!rc)
		rc = em_ruleset_new_counters(&ruleset, reading->policy, generation, form);
	if (!rc)
		rc = read_all_counting(netlink, reading, ruleset, &form.object_counters);
	if (!rc && form.object_counters)
		rc = em_ruleset_new_counters(&other, reading->policy, generation, form);
	if (!rc)
		rc = read_all_named(netlink, reading, other ? other : ruleset);
	for (size_t i = 0; !rc && i < reading->policy->n_listeners; i++)
		add_roles(&reading->stats->listeners[i], reading->counts[i].roles);
	return rc;
}

int em_counters_read(struct em_netlink *netlink, const struct em_policy *policy,
		     uint32_t generation, struct em_stats *stats, struct em_diag *diag)
{
	struct reading reading = {.policy = policy, .stats = stats, .diag = diag};
	int rc;

	reading.counts = calloc(policy->n_listeners, sizeof(*reading.counts));
	rc = reading.counts ? read_all(netlink, &reading, generation) : -ENOMEM;
	free(reading.counts);
	if (rc) {
		struct em_refusal refusal = {rc, {.what = "read the counters"}};

		return em_netlink_report(diag, &refusal);
	}
	return 0;
}
