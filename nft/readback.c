/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * readback - whether the kernel has kept a ruleset as it was sent; see readback.h.
 */
#include "nft/readback.h"
#include "nft/uapi.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft/attribute.h"
#include "nft/drift.h"
#include "nft/inventory.h"
#include "nft/message.h"
#include "nft/readback_elements.h"

/* What is compared. */

/* A map that a rule looks into, under the name that the kernel gave it. */
struct verdict_map {
	char name[32];
	struct em_object object;
};

struct comparing {
	const struct em_ruleset *ruleset;
	const struct em_installed *installed;
	enum em_table table;
	struct em_batch *batch;	  /* where messages are made again */
	size_t *rules;		  /* by chain: those seen */
	size_t chain, object;	  /* found last: the kernel lists in the order of making */
	size_t n_sets;		  /* seen */
	struct verdict_map *maps; /* seen; room for all */
	size_t n_maps;
	struct em_refusal *refusal;
};

static void note(struct comparing *comparing, const struct em_place *place, const char *what)
{
	if (!comparing->refusal->error)
		*comparing->refusal = (struct em_refusal){-ERANGE, {what, *place}, true};
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

/* The name of the map that a rule in the kernel looks into; NULL: it looks into none. */
static const char *map_name(struct em_row rule)
{
	struct em_row expressions = em_row_in(em_row_find(rule, NFTA_RULE_EXPRESSIONS, 0));
	static const char prefix[] = EM_MESSAGE_VERDICT_MAP;

	for (const struct nlattr *at = em_row_next(expressions, NULL); at;
	     at = em_row_next(expressions, at)) {
		struct em_row data = em_row_in(em_row_find(em_row_in(at), NFTA_EXPR_DATA, 0));
		const struct nlattr *name = em_row_find(data, NFTA_LOOKUP_SET, 0);
		const struct nlattr *kind = em_row_find(em_row_in(at), NFTA_EXPR_NAME, 0);

		if (kind && name && strcmp(mnl_attr_get_str(kind), "lookup") == 0 &&
		    strncmp(mnl_attr_get_str(name), prefix, strlen(prefix) - strlen("%d")) == 0)
			return mnl_attr_get_str(name);
	}
	return NULL;
}

/* Its elements are compared later: one dump has to end before another one. */
static void remember_map(struct comparing *comparing, const struct em_rule *rule,
			 struct em_row kept)
{
	const char *name = map_name(kept);

	for (size_t s = 0; name && s < rule->n_statements; s++) {
		struct verdict_map *map = &comparing->maps[comparing->n_maps];

		if (rule->statements[s].kind != EM_STATEMENT_DISPATCH)
			continue;
		map->object = em_message_verdict_map(comparing->table, &rule->statements[s],
						     &rule->place);
		snprintf(map->name, sizeof(map->name), "%s", name);
		comparing->n_maps++;
		return;
	}
}

static int compare_rule(const struct nlmsghdr *message, void *data)
{
	struct comparing *comparing = data;
	struct em_row kept = em_row_of(message);
	const struct nlattr *name = em_row_find(kept, NFTA_RULE_CHAIN, 0);
	const struct nlmsghdr *sent;
	const struct em_chain *chain;
	const struct em_rule *rule;
	size_t *seen;

	if (!name || !ours(em_row_find(kept, NFTA_RULE_TABLE, 0)) ||
	    em_identifier_generation(mnl_attr_get_str(name)) != comparing->ruleset->generation)
		return MNL_CB_OK;
	chain = find_chain(comparing, mnl_attr_get_str(name));
	seen = &comparing->rules[comparing->chain];
	if (!chain || *seen >= chain->n_rules)
		return MNL_CB_OK;
	rule = &chain->rules[(*seen)++];
	em_message_rule(comparing->batch, chain, rule);
	sent = made(comparing, NFT_MSG_NEWRULE);
	if (sent && !em_row_is_kept(em_row_of(sent), kept))
		note(comparing, &rule->place, "keep a rule as it was sent");
	empty(comparing->batch);
	remember_map(comparing, rule, kept);
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
static bool is_set_kept(struct em_row sent, struct em_row kept)
{
	bool ok = true;

	for (const struct nlattr *at = em_row_next(sent, NULL); ok && at;
	     at = em_row_next(sent, at))
		ok = mnl_attr_get_type(at) == NFTA_SET_ID ||
		     em_row_is_kept((struct em_row){at, at->nla_len}, kept);
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
	struct em_row kept = em_row_of(message);
	const struct nlattr *name = em_row_find(kept, NFTA_SET_NAME, 0);
	const struct em_object *object;
	const struct nlmsghdr *sent;

	if (!name || !ours(em_row_find(kept, NFTA_SET_TABLE, 0)) ||
	    em_identifier_generation(mnl_attr_get_str(name)) != comparing->ruleset->generation)
		return MNL_CB_OK;
	object = find_set(comparing, mnl_attr_get_str(name));
	if (!object)
		return MNL_CB_OK;
	comparing->n_sets++;
	make_set(comparing, object);
	sent = made(comparing, NFT_MSG_NEWSET);
	if (sent && !is_set_kept(em_row_of(sent), kept))
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

/* Elements. */

static int compare_maps(struct comparing *comparing, struct em_netlink *netlink)
{
	bool kept = true;
	int rc = 0;

	for (size_t i = 0; !rc && i < comparing->n_maps; i++) {
		const struct verdict_map *map = &comparing->maps[i];

		rc = em_readback_elements(netlink, comparing->batch, &map->object, map->name,
					  &kept);
		if (!rc && !kept)
			note(comparing, &map->object.place, "keep a verdict map as it was sent");
	}
	return rc;
}

static int compare_elements(struct comparing *comparing, struct em_netlink *netlink)
{
	char text[EM_IDENTIFIER_MAX];
	bool kept = true;
	int rc = 0;

	for (size_t i = 0; !rc && i < comparing->ruleset->n_objects; i++) {
		const struct em_object *object = &comparing->ruleset->objects[i];

		if (!is_set(object) || object->table != comparing->table ||
		    (object->per_entity && !comparing->installed->whole))
			continue;
		rc = em_readback_elements(netlink, comparing->batch, object,
					  em_identifier_format(&object->name, text), &kept);
		if (!rc && !kept)
			note(comparing, &object->place, "keep the elements of a set");
	}
	return rc;
}

/* Base chains. */

static bool has_base(const struct em_inventory *inventory, const struct em_chain *chain)
{
	char text[EM_IDENTIFIER_MAX];

	em_identifier_format(&chain->name, text);
	for (size_t i = 0; i < inventory->n_chains; i++) {
		const struct em_inventory_chain *there = &inventory->chains[i];

		if (strcmp(there->name, text))
			continue;
		/* In table netdev, what is new leads nowhere yet. */
		if (inventory->table == EM_TABLE_NETDEV && there->generation)
			return true;
		return there->base && !em_drift_is_moved(inventory, there) &&
		       strcmp(there->device, chain->device ? chain->device : "") == 0;
	}
	return false;
}

static int compare_bases(struct comparing *comparing, struct em_netlink *netlink)
{
	struct em_inventory inventory;
	int rc = em_inventory_list(&inventory, comparing->table, netlink);

	for (size_t i = 0; !rc && i < comparing->ruleset->n_chains; i++) {
		const struct em_chain *chain = &comparing->ruleset->chains[i];

		if (chain->base && chain->table == comparing->table && !has_base(&inventory, chain))
			note(comparing, &chain->rules[0].place, "keep a base chain as it was sent");
	}
	em_inventory_clear(&inventory);
	return rc;
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
	comparing->n_sets = comparing->n_maps = 0;
	*comparing->refusal = (struct em_refusal){0};
	rc = dump(comparing, netlink, NFT_MSG_GETRULE, compare_rule);
	if (!rc)
		rc = dump(comparing, netlink, NFT_MSG_GETSET, compare_set);
	if (!rc)
		rc = compare_maps(comparing, netlink);
	if (!rc)
		rc = compare_elements(comparing, netlink);
	if (!rc && comparing->installed->whole)
		rc = compare_bases(comparing, netlink);
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

/* What another program has changed meanwhile says nothing about the kernel. */
static int blame(struct comparing *comparing, struct em_netlink *netlink)
{
	uint32_t id;
	int rc = em_netlink_ruleset_id(netlink, &id);

	if (!rc && id != comparing->installed->id)
		*comparing->refusal = (struct em_refusal){
			-EBUSY, {.what = "read back the ruleset, which another program changes"}};
	return comparing->refusal->error;
}

static size_t count_maps(const struct em_ruleset *ruleset)
{
	size_t n = 0;

	for (size_t c = 0; c < ruleset->n_chains; c++)
		for (size_t r = 0; r < ruleset->chains[c].n_rules; r++)
			for (size_t s = 0; s < ruleset->chains[c].rules[r].n_statements; s++)
				n += ruleset->chains[c].rules[r].statements[s].kind ==
				     EM_STATEMENT_DISPATCH;
	return n;
}

int em_readback_compare(struct em_netlink *netlink, struct em_batch *batch,
			const struct em_ruleset *ruleset, const struct em_installed *installed,
			struct em_refusal *refusal)
{
	struct comparing comparing = {
		.ruleset = ruleset, .installed = installed, .batch = batch, .refusal = refusal};
	int rc = 0;

	*refusal = (struct em_refusal){-ENOMEM, {.what = "compare the ruleset"}};
	comparing.rules = calloc(ruleset->n_chains + 1, sizeof(*comparing.rules));
	comparing.maps = calloc(count_maps(ruleset) + 1, sizeof(*comparing.maps));
	if (comparing.rules && comparing.maps)
		*refusal = (struct em_refusal){0};
	else
		rc = -ENOMEM;
	for (enum em_table table = 0; !rc && table < EM_TABLES; table++) {
		comparing.table = table;
		if (em_ruleset_uses(ruleset, table))
			rc = compare_table(&comparing, netlink);
	}
	free(comparing.rules);
	free(comparing.maps);
	return rc == -ERANGE || rc == -ENOENT ? blame(&comparing, netlink) : rc;
}
