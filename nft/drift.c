/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * drift - whether somebody has changed what we have installed; see drift.h.
 */
#include "nft/drift.h"
#include "nft/uapi.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "nft/expected.h"
#include "nft/message.h"

/*
 * The most elements that are counted by listing them, where the kernel does not say how many there
 * are (it does from 6.16 on). Listing is quadratic: for each 32 KiB the kernel walks through all
 * elements before. Of a larger set only a flush is seen.
 */
#define LISTED_MAX 16384

/* Base chains. */

bool em_drift_is_moved(const struct em_inventory *inventory, const struct em_inventory_chain *chain)
{
	for (int i = 0; chain->base && i < EM_BASES; i++) {
		const struct em_base *base = &em_ruleset_bases[i];
		struct em_identifier name = em_ruleset_base(i, chain->device);
		char text[EM_IDENTIFIER_MAX];

		if (base->table == inventory->table &&
		    strcmp(em_identifier_format(&name, text), chain->name) == 0)
			return strcmp(base->type, chain->type) || base->number != chain->hook ||
			       base->priority != chain->priority || chain->policy != NF_ACCEPT;
	}
	return false;
}

void em_drift_unhook(struct em_netlink *netlink, struct em_batch *batch, enum em_table table)
{
	struct em_inventory inventory;
	int rc = em_inventory_list(&inventory, table, netlink);

	for (size_t i = 0; !rc && i < inventory.n_chains; i++) {
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

static bool has_moved(const struct em_inventory *inventory, uint32_t generation)
{
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (inventory->chains[i].generation == generation &&
		    em_drift_is_moved(inventory, &inventory->chains[i]))
			return true;
	return false;
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
static bool lacks_rules(const struct counting *counting, uint32_t generation)
{
	for (size_t i = 0; i < counting->inventory->n_chains; i++) {
		const struct em_inventory_chain *chain = &counting->inventory->chains[i];
		const struct count *count = &counting->counts[i];

		if (!chain->base && chain->generation == generation &&
		    (!count->rules || count->wrong || count->rules != count->expected))
			return true;
	}
	return false;
}

static int check_rules(struct em_netlink *netlink, const struct em_inventory *inventory,
		       uint32_t generation, bool *drifted)
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
		*drifted = lacks_rules(&counting, generation);
	free(counting.counts);
	return rc;
}

/* Elements. */

static int check_listed(struct em_netlink *netlink, enum em_table table,
			const struct em_inventory_object *set, bool *drifted)
{
	uint32_t most = set->expected > LISTED_MAX ? 0 : set->expected;
	uint32_t n;
	int rc = em_inventory_count(netlink, table, set->name, most, &n);

	if (!rc)
		*drifted = most == set->expected ? n != most : n == 0;
	return rc;
}

static int check_elements(struct em_netlink *netlink, const struct em_inventory *inventory,
			  uint32_t generation, bool *drifted)
{
	int rc = 0;

	for (size_t i = 0; !rc && !*drifted && i < inventory->n_objects; i++) {
		const struct em_inventory_object *object = &inventory->objects[i];

		if (!em_inventory_is_set(object) || object->generation != generation)
			continue;
		if (object->expected == EM_EXPECTED_NONE)
			*drifted = true;
		else if (object->count != EM_EXPECTED_NONE)
			*drifted = object->count != object->expected;
		else
			rc = check_listed(netlink, inventory->table, object, drifted);
	}
	return rc;
}

static int look(struct em_netlink *netlink, const struct em_inventory *inventory,
		uint32_t generation, bool *drifted)
{
	int rc = 0;

	*drifted = inventory->dormant || has_moved(inventory, generation);
	if (!*drifted)
		rc = check_rules(netlink, inventory, generation, drifted);
	if (!rc && !*drifted)
		rc = check_elements(netlink, inventory, generation, drifted);
	return rc;
}

int em_drift_find(struct em_netlink *netlink, const struct em_inventory *inventory,
		  uint32_t generation, bool *drifted, struct em_diag *diag)
{
	int rc = -EINTR;

	*drifted = false;
	for (int i = 0; inventory->present && rc == -EINTR && i < EM_DUMP_TRIES; i++)
		rc = look(netlink, inventory, generation, drifted);
	if (inventory->present && rc) {
		struct em_refusal refusal = {rc, {.what = "list the ruleset"}};

		return em_netlink_report(diag, &refusal);
	}
	return 0;
}
