/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * readback - whether the kernel has kept a ruleset as it was sent; see readback.h.
 */
#include "nft/readback.h"
#include "nft/uapi.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "nft/inventory.h"
#include "nft/message.h"

/* Attributes. */

struct row {
	const void *start;
	size_t length;
};

static struct row row_of(const struct nlmsghdr *message)
{
	return (struct row){mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg)),
			    mnl_nlmsg_get_payload_len(message) - sizeof(struct nfgenmsg)};
}

static struct row row_in(const struct nlattr *nest)
{
	return (struct row){mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest)};
}

/* The first attribute, or the one behind another; NULL: none. */
static const struct nlattr *next(struct row row, const struct nlattr *before)
{
	const struct nlattr *attribute = before ? mnl_attr_next(before) : row.start;
	const char *end = (const char *)row.start + row.length;

	return mnl_attr_ok(attribute, end - (const char *)attribute) ? attribute : NULL;
}

/* The n-th attribute of a type, from 0; NULL: there is none. */
static const struct nlattr *find(struct row row, uint16_t type, size_t n)
{
	for (const struct nlattr *at = next(row, NULL); at; at = next(row, at))
		if (mnl_attr_get_type(at) == type && n-- == 0)
			return at;
	return NULL;
}

/* How many attributes of its type come before it. */
static size_t position(struct row row, const struct nlattr *of)
{
	size_t n = 0;

	for (const struct nlattr *at = next(row, NULL); at != of; at = next(row, at))
		n += mnl_attr_get_type(at) == mnl_attr_get_type(of);
	return n;
}

static bool same_value(const struct nlattr *sent, const struct nlattr *kept)
{
	static const char map[] = EM_MESSAGE_VERDICT_MAP;
	size_t length = mnl_attr_get_payload_len(sent), there = mnl_attr_get_payload_len(kept);
	const char *bytes = mnl_attr_get_payload(sent), *others = mnl_attr_get_payload(kept);

	/* The kernel puts a number at the end of this name. */
	if (length == sizeof(map) && there >= length - 2 && memcmp(bytes, map, length) == 0)
		length = there = sizeof(map) - sizeof("%d");
	/* libnftnl sends some strings without the last byte. */
	if (there == length + 1 && others[length] == '\0')
		there = length;
	return there == length && memcmp(bytes, others, length) == 0;
}

/*
 * Whether all that was sent is there, with the same value; kernels add attributes of their own. The
 * recursion is as deep as the nests of a rule, which we made: 6.
 */
static bool is_kept(struct row sent, struct row kept)
{
	bool ok = true;

	for (const struct nlattr *at = next(sent, NULL); ok && at; at = next(sent, at)) {
		const struct nlattr *there = find(kept, mnl_attr_get_type(at), position(sent, at));

		if (!there)
			return false;
		ok = at->nla_type & NLA_F_NESTED ? is_kept(row_in(at), row_in(there))
						 : same_value(at, there);
	}
	return ok;
}

/* What is compared. */

struct comparing {
	const struct em_ruleset *ruleset;
	enum em_table table;
	struct em_batch *batch; /* where messages are made again */
	size_t *rules;		/* by chain: those seen */
	size_t chain, object;	/* found last: the kernel lists in the order of making */
	size_t n_sets;		/* seen */
	struct em_refusal *refusal;
};

static void note(struct comparing *comparing, const struct em_place *place, const char *what)
{
	if (!comparing->refusal->error)
		*comparing->refusal = (struct em_refusal){-ERANGE, {what, *place}};
}

/* The messages made for one thing; the first is what is asked for.  NULL: out of memory. */
static const struct nlmsghdr *made(struct comparing *comparing, uint16_t type)
{
	struct em_batch *batch = comparing->batch;
	const struct nlmsghdr *message = (const struct nlmsghdr *)batch->buffer;
	int length = batch->used;

	while (!batch->error && mnl_nlmsg_ok(message, length) &&
	       (message->nlmsg_type & 0xff) != type)
		message = mnl_nlmsg_next(message, &length);
	return !batch->error && mnl_nlmsg_ok(message, length) ? message : NULL;
}

static void empty(struct em_batch *batch)
{
	batch->used = batch->last = 0;
}

static bool ours(const struct nlattr *table)
{
	return table && strcmp(mnl_attr_get_str(table), EM_RULESET_TABLE) == 0;
}

/* Rules. */

static const struct em_chain *find_chain(struct comparing *comparing, const char *name)
{
	const struct em_ruleset *ruleset = comparing->ruleset;
	char text[EM_IDENTIFIER_MAX];

	for (size_t n = 0; n < ruleset->n_chains; n++) {
		size_t i = (comparing->chain + n) % ruleset->n_chains;
		const struct em_chain *chain = &ruleset->chains[i];

		if (chain->table == comparing->table &&
		    strcmp(em_identifier_format(&chain->name, text), name) == 0) {
			comparing->chain = i;
			return chain;
		}
	}
	return NULL;
}

static int compare_rule(const struct nlmsghdr *message, void *data)
{
	struct comparing *comparing = data;
	struct row kept = row_of(message);
	const struct nlattr *name = find(kept, NFTA_RULE_CHAIN, 0);
	const struct nlmsghdr *sent;
	const struct em_chain *chain;
	const struct em_rule *rule;
	size_t *seen;

	if (!name || !ours(find(kept, NFTA_RULE_TABLE, 0)) ||
	    em_identifier_generation(mnl_attr_get_str(name)) != comparing->ruleset->generation)
		return MNL_CB_OK;
	chain = find_chain(comparing, mnl_attr_get_str(name));
	seen = &comparing->rules[comparing->chain];
	if (!chain || *seen >= chain->n_rules)
		return MNL_CB_OK;
	rule = &chain->rules[(*seen)++];
	em_message_rule(comparing->batch, chain, rule);
	sent = made(comparing, NFT_MSG_NEWRULE);
	if (sent && !is_kept(row_of(sent), kept))
		note(comparing, &rule->place, "keep a rule as it was sent");
	empty(comparing->batch);
	return MNL_CB_OK;
}

static void expect_rules(struct comparing *comparing)
{
	for (size_t i = 0; i < comparing->ruleset->n_chains; i++) {
		const struct em_chain *chain = &comparing->ruleset->chains[i];

		if (chain->table == comparing->table && !chain->base &&
		    comparing->rules[i] != chain->n_rules)
			note(comparing, &chain->rules[0].place, "keep all rules of a chain");
	}
}

/* Sets and maps. */

/* One that all generations share has not been made for this one. */
static bool is_set(const struct em_object *object)
{
	return object->name.generation &&
	       (object->kind == EM_OBJECT_SET || object->kind == EM_OBJECT_MAP ||
		object->kind == EM_OBJECT_COUNTER_MAP);
}

static const struct em_object *find_set(struct comparing *comparing, const char *name)
{
	const struct em_ruleset *ruleset = comparing->ruleset;
	char text[EM_IDENTIFIER_MAX];

	for (size_t n = 0; n < ruleset->n_objects; n++) {
		size_t i = (comparing->object + n) % ruleset->n_objects;
		const struct em_object *object = &ruleset->objects[i];

		if (is_set(object) && object->table == comparing->table &&
		    strcmp(em_identifier_format(&object->name, text), name) == 0) {
			comparing->object = i;
			return object;
		}
	}
	return NULL;
}

/* Its number was for the batch alone. */
static bool is_set_kept(struct row sent, struct row kept)
{
	bool ok = true;

	for (const struct nlattr *at = next(sent, NULL); ok && at; at = next(sent, at))
		ok = mnl_attr_get_type(at) == NFTA_SET_ID ||
		     is_kept((struct row){at, at->nla_len}, kept);
	return ok;
}

static void make_set(struct comparing *comparing, const struct em_object *object)
{
	struct em_object alone = *object;

	/* Without elements; and whether these count has been tried. */
	alone.per_entity = true;
	alone.counting = false;
	em_message_object(comparing->batch, &alone);
}

static int compare_set(const struct nlmsghdr *message, void *data)
{
	struct comparing *comparing = data;
	struct row kept = row_of(message);
	const struct nlattr *name = find(kept, NFTA_SET_NAME, 0);
	const struct em_object *object;
	const struct nlmsghdr *sent;

	if (!name || !ours(find(kept, NFTA_SET_TABLE, 0)) ||
	    em_identifier_generation(mnl_attr_get_str(name)) != comparing->ruleset->generation)
		return MNL_CB_OK;
	object = find_set(comparing, mnl_attr_get_str(name));
	if (!object)
		return MNL_CB_OK;
	comparing->n_sets++;
	make_set(comparing, object);
	sent = made(comparing, NFT_MSG_NEWSET);
	if (sent && !is_set_kept(row_of(sent), kept))
		note(comparing, &object->place, "keep a set as it was sent");
	empty(comparing->batch);
	return MNL_CB_OK;
}

static void expect_sets(struct comparing *comparing)
{
	size_t n = 0;

	for (size_t i = 0; i < comparing->ruleset->n_objects; i++) {
		const struct em_object *object = &comparing->ruleset->objects[i];

		if (is_set(object) && object->table == comparing->table && ++n > comparing->n_sets)
			note(comparing, &object->place, "keep all sets");
	}
}

/* All of it. */

static int dump(struct comparing *comparing, struct em_netlink *netlink, uint8_t type,
		mnl_cb_t callback)
{
	const struct em_query query = {.subsystem = NFNL_SUBSYS_NFTABLES,
				       .type = type,
				       .family = em_ruleset_family(comparing->table),
				       .flags = NLM_F_DUMP,
				       .attributes = em_inventory_table};

	return em_netlink_query(netlink, &query, callback, comparing);
}

static int compare_once(struct comparing *comparing, struct em_netlink *netlink)
{
	int rc;

	memset(comparing->rules, 0, comparing->ruleset->n_chains * sizeof(*comparing->rules));
	comparing->n_sets = 0;
	*comparing->refusal = (struct em_refusal){0};
	rc = dump(comparing, netlink, NFT_MSG_GETRULE, compare_rule);
	if (!rc)
		rc = dump(comparing, netlink, NFT_MSG_GETSET, compare_set);
	if (rc)
		return rc;
	expect_rules(comparing);
	expect_sets(comparing);
	return comparing->batch->error;
}

static int compare_table(struct comparing *comparing, struct em_netlink *netlink)
{
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < EM_DUMP_TRIES; i++)
		rc = compare_once(comparing, netlink);
	if (rc)
		*comparing->refusal = (struct em_refusal){rc, {.what = "list the ruleset"}};
	return comparing->refusal->error;
}

int em_readback_compare(struct em_netlink *netlink, struct em_batch *batch,
			const struct em_ruleset *ruleset, struct em_refusal *refusal)
{
	struct comparing comparing = {.ruleset = ruleset, .batch = batch, .refusal = refusal};
	int rc = 0;

	*refusal = (struct em_refusal){-ENOMEM, {.what = "compare the ruleset"}};
	comparing.rules = calloc(ruleset->n_chains + 1, sizeof(*comparing.rules));
	if (!comparing.rules)
		return -ENOMEM;
	*refusal = (struct em_refusal){0};
	for (enum em_table table = 0; !rc && table < EM_TABLES; table++) {
		comparing.table = table;
		if (em_ruleset_uses(ruleset, table))
			rc = compare_table(&comparing, netlink);
	}
	free(comparing.rules);
	return rc;
}
