/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * drift - what somebody has changed of what we have installed; see drift.h.
 */
#include "nft/drift.h"
#include "nft/uapi.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft/expected.h"
#include "nft/message.h"

/* Base chains. */

bool em_drift_is_moved(const struct em_inventory *inventory, const struct em_inventory_chain *chain)
{
	const struct em_base *base =
		chain->base ? em_ruleset_find_base(inventory->table, chain->name, chain->device)
			    : NULL;

	return base && (strcmp(base->type, chain->type) || base->number != chain->hook ||
			base->priority != chain->priority || chain->policy != NF_ACCEPT);
}

static bool is_remade(const struct em_inventory *inventory)
{
	for (size_t i = 0; i < inventory->n_objects; i++)
		if (inventory->objects[i].remade)
			return true;
	return false;
}

void em_drift_unhook(struct em_netlink *netlink, struct em_batch *batch, enum em_table table)
{
	struct em_inventory inventory;
	int rc = em_inventory_list(&inventory, table, netlink);

	/* That goes as a whole. */
	for (size_t i = 0; !rc && !is_remade(&inventory) && i < inventory.n_chains; i++) {
		const struct em_inventory_chain *chain = &inventory.chains[i];

		if (!em_drift_is_moved(&inventory, chain))
			continue;
		em_message_flush_chain(batch, table, chain->name);
		em_message_delete_chain(batch, table, chain->name);
	}
	em_inventory_clear(&inventory);
	if (rc && !batch->error)
		batch->error = rc;
}

void em_drift_delete_remade(struct em_netlink *netlink, struct em_batch *batch)
{
	struct em_inventory inventory;
	int rc = em_inventory_list(&inventory, EM_TABLE_NETDEV, netlink);

	if (!rc && is_remade(&inventory))
		em_message_delete_table(batch, EM_TABLE_NETDEV);
	em_inventory_clear(&inventory);
	if (rc && !batch->error)
		batch->error = rc;
}

/* Findings. */

static const char *family(enum em_table table)
{
	return table == EM_TABLE_INET ? "inet" : "netdev";
}

int em_drift_add(struct em_kernel_state *out, enum em_table table, const char *kind,
		 const char *name, const char *what)
{
	struct em_drift drift;

	snprintf(drift.object, sizeof(drift.object), "%s %s " EM_RULESET_TABLE "%s%s", kind,
		 family(table), name[0] ? " " : "", name);
	snprintf(drift.what, sizeof(drift.what), "%s", what);
	return em_kernel_state_add_drift(out, &drift);
}

static int add_number(struct em_kernel_state *out, enum em_table table, const char *kind,
		      const char *name, const char *what, uint32_t n, uint32_t expected)
{
	char text[64];

	if (!n)
		snprintf(text, sizeof(text), "has no %s", what);
	else if (n < expected)
		snprintf(text, sizeof(text), "has %u of %u %s", n, expected, what);
	else
		snprintf(text, sizeof(text), "has more than %u %s", expected, what);
	return em_drift_add(out, table, kind, name, text);
}

static int find_moved(struct em_kernel_state *out, const struct em_inventory *inventory)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < inventory->n_chains; i++)
		if (inventory->chains[i].generation == out->generation &&
		    em_drift_is_moved(inventory, &inventory->chains[i]))
			rc = em_drift_add(out, inventory->table, "chain", inventory->chains[i].name,
					  "has another hook or priority or policy");
	return rc;
}

/* Our base chains have rules that lead to a policy, and no others but for marks. */
static int find_strangers(struct em_kernel_state *out, const struct em_inventory *inventory)
{
	const char *last = "";
	int rc = 0;

	for (size_t i = 0; !rc && i < inventory->n_rules; i++) {
		const struct em_inventory_rule *rule = &inventory->rules[i];

		if (rule->generation || !strcmp(rule->chain, last))
			continue;
		last = rule->chain;
		rc = em_drift_add(out, inventory->table, "chain", last, "has rules of others");
	}
	for (size_t i = 0; !rc && i < inventory->n_chains; i++) {
		const struct em_inventory_chain *chain = &inventory->chains[i];

		if (!chain->generation &&
		    !em_ruleset_find_base(inventory->table, chain->name, chain->device))
			rc = em_drift_add(out, inventory->table, "chain", chain->name,
					  "is none of ours");
	}
	return rc;
}

/* Rules. */

struct count {
	uint32_t rules;
	bool wrong; /* one says that there should be another number of them, or says nothing */
	uint32_t expected;
};

struct counting {
	const struct em_inventory *inventory;
	struct count *counts; /* by chain */
	size_t last;	      /* the chain found last: the rules of a chain come together */
};

static struct count *find_count(struct counting *counting, const char *chain)
{
	const struct em_inventory *inventory = counting->inventory;

	for (size_t n = 0; n < inventory->n_chains; n++) {
		size_t i = (counting->last + n) % inventory->n_chains;

		if (strcmp(inventory->chains[i].name, chain) == 0) {
			counting->last = i;
			return &counting->counts[i];
		}
	}
	return NULL;
}

static int count_rule(const struct nlmsghdr *message, void *data)
{
	struct nlattr *attribute, *chain = NULL, *userdata = NULL;
	struct counting *counting = data;
	uint32_t expected = EM_EXPECTED_NONE;
	struct count *count;

	mnl_attr_for_each (attribute, message, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attribute) == NFTA_RULE_TABLE &&
		    strcmp(mnl_attr_get_str(attribute), EM_RULESET_TABLE))
			return MNL_CB_OK;
		if (mnl_attr_get_type(attribute) == NFTA_RULE_CHAIN)
			chain = attribute;
		if (mnl_attr_get_type(attribute) == NFTA_RULE_USERDATA)
			userdata = attribute;
	}
	count = chain ? find_count(counting, mnl_attr_get_str(chain)) : NULL;
	if (!count)
		return MNL_CB_OK;
	if (userdata)
		expected = em_expected_read(mnl_attr_get_payload(userdata),
					    mnl_attr_get_payload_len(userdata));
	count->wrong |=
		expected == EM_EXPECTED_NONE || (count->rules && expected != count->expected);
	count->expected = expected;
	count->rules++;
	return MNL_CB_OK;
}

/* A chain of ours has at least one rule. */
static int judge_chain(struct em_kernel_state *out, enum em_table table, const char *chain,
		       const struct count *count)
{
	if (!count->rules || (!count->wrong && count->rules != count->expected))
		return add_number(out, table, "chain", chain, "rules", count->rules,
				  count->expected);
	return count->wrong ? em_drift_add(out, table, "chain", chain, "has rules of others") : 0;
}

static int judge_rules(struct em_kernel_state *out, const struct counting *counting)
{
	const struct em_inventory *inventory = counting->inventory;
	int rc = 0;

	for (size_t i = 0; !rc && i < inventory->n_chains; i++) {
		const struct em_inventory_chain *chain = &inventory->chains[i];

		if (!chain->base && chain->generation == out->generation)
			rc = judge_chain(out, inventory->table, chain->name, &counting->counts[i]);
	}
	return rc;
}

static int check_rules(struct em_kernel_state *out, struct em_netlink *netlink,
		       const struct em_inventory *inventory)
{
	const struct em_query rules = {.subsystem = NFNL_SUBSYS_NFTABLES,
				       .type = NFT_MSG_GETRULE,
				       .family = em_ruleset_family(inventory->table),
				       .flags = NLM_F_DUMP,
				       .attributes = em_inventory_table};
	struct counting counting = {.inventory = inventory};
	int rc;

	counting.counts = calloc(inventory->n_chains + 1, sizeof(*counting.counts));
	if (!counting.counts)
		return -ENOMEM;
	rc = em_netlink_query(netlink, &rules, count_rule, &counting);
	if (!rc)
		rc = judge_rules(out, &counting);
	free(counting.counts);
	return rc;
}

/* Elements. */

/* Of a set that is too large to list, *n is right only where it is 0. */
static int count_elements(struct em_netlink *netlink, enum em_table table,
			  const struct em_inventory_object *set, uint32_t *n)
{
	uint32_t most = set->expected > EM_LISTED_MAX ? 0 : set->expected;
	int rc = em_inventory_count(netlink, table, set->name, most, n);

	if (!rc && most != set->expected && *n)
		*n = set->expected;
	return rc;
}

static int check_set(struct em_kernel_state *out, struct em_netlink *netlink, enum em_table table,
		     const struct em_inventory_object *set)
{
	const char *kind = set->kind == EM_OBJECT_SET ? "set" : "map";
	uint32_t n = set->count;
	int rc = 0;

	if (set->expected == EM_EXPECTED_ANY)
		return 0;
	if (set->expected == EM_EXPECTED_NONE)
		return em_drift_add(out, table, kind, set->name, "is not the one that was made");
	if (n == EM_EXPECTED_NONE)
		rc = count_elements(netlink, table, set, &n);
	if (rc || n == set->expected)
		return rc;
	return add_number(out, table, kind, set->name, "elements", n, set->expected);
}

static int check_elements(struct em_kernel_state *out, struct em_netlink *netlink,
			  const struct em_inventory *inventory)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < inventory->n_objects; i++)
		if (em_inventory_is_set(&inventory->objects[i]) &&
		    inventory->objects[i].generation == out->generation)
			rc = check_set(out, netlink, inventory->table, &inventory->objects[i]);
	return rc;
}

static int look(struct em_kernel_state *out, struct em_netlink *netlink,
		const struct em_inventory *inventory)
{
	int rc = 0;

	if (inventory->dormant)
		rc = em_drift_add(out, inventory->table, "table", "",
				  "is dormant: its chains see no packets");
	if (!rc)
		rc = find_moved(out, inventory);
	if (!rc)
		rc = find_strangers(out, inventory);
	if (!rc)
		rc = check_rules(out, netlink, inventory);
	return rc ? rc : check_elements(out, netlink, inventory);
}

int em_drift_find(struct em_kernel_state *out, struct em_netlink *netlink,
		  const struct em_inventory *inventory, struct em_diag *diag)
{
	const size_t n = out->n_drifts;
	int rc = -EINTR;

	for (int i = 0; inventory->present && rc == -EINTR && i < EM_DUMP_TRIES; i++) {
		out->n_drifts = n;
		rc = look(out, netlink, inventory);
	}
	if (inventory->present && rc) {
		struct em_refusal refusal = {rc, {.what = "list the ruleset"}};

		return em_netlink_report(diag, &refusal);
	}
	return 0;
}
