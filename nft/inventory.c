/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inventory - what is in our table, by name; see inventory.h.
 */
#include "inventory.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"

/* The first attribute of all kinds of objects is their table's name. */
_Static_assert((int)NFTA_RULE_TABLE == 1 && (int)NFTA_OBJ_TABLE == 1 && (int)NFTA_SET_TABLE == 1,
	       "the table is attribute 1");

void em_inventory_table(struct nlmsghdr *message, const void *context)
{
	(void)context;
	mnl_attr_put_strz(message, NFTA_RULE_TABLE, EM_RULESET_TABLE);
}

static bool ours(const char *table)
{
	return table && strcmp(table, EM_RULESET_TABLE) == 0;
}

static void copy_name(char *to, const char *from, size_t size)
{
	if (from)
		strncpy(to, from, size - 1);
}

static int read_table(const struct nlmsghdr *message, void *data)
{
	struct nftnl_table *table = nftnl_table_alloc();
	struct em_inventory *inventory = data;

	if (!table)
		return MNL_CB_ERROR;
	if (nftnl_table_nlmsg_parse(message, table) == 0 &&
	    ours(nftnl_table_get_str(table, NFTNL_TABLE_NAME)))
		inventory->table = true;
	nftnl_table_free(table);
	return MNL_CB_OK;
}

static int read_chain(const struct nlmsghdr *message, void *data)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct em_inventory *inventory = data;
	struct em_inventory_chain *found;

	if (!chain)
		return MNL_CB_ERROR;
	if (nftnl_chain_nlmsg_parse(message, chain) == 0 &&
	    ours(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE))) {
		found = em_build_append(&inventory->chains, &inventory->n_chains, sizeof(*found));
		if (!found) {
			nftnl_chain_free(chain);
			return MNL_CB_ERROR;
		}
		copy_name(found->name, nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME),
			  sizeof(found->name));
		copy_name(found->device, nftnl_chain_get_str(chain, NFTNL_CHAIN_DEV),
			  sizeof(found->device));
		found->generation = em_identifier_generation(found->name);
	}
	nftnl_chain_free(chain);
	return MNL_CB_OK;
}

static struct em_inventory_chain *find_chain(struct em_inventory *inventory, const char *name)
{
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (strcmp(inventory->chains[i].name, name) == 0)
			return &inventory->chains[i];
	return NULL;
}

static int read_goto(struct nftnl_expr *expression, void *data)
{
	struct em_inventory_chain *chain = data;

	if (nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_CHAIN) &&
	    strcmp(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME), "immediate") == 0)
		chain->generation = em_identifier_generation(
			nftnl_expr_get_str(expression, NFTNL_EXPR_IMM_CHAIN));
	return 0;
}

static int read_rule(const struct nlmsghdr *message, void *data)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct em_inventory *inventory = data;
	struct em_inventory_chain *chain;

	if (!rule)
		return MNL_CB_ERROR;
	if (nftnl_rule_nlmsg_parse(message, rule) == 0 &&
	    ours(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE))) {
		chain = find_chain(inventory, nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN));
		if (chain && chain->device[0])
			nftnl_expr_foreach(rule, read_goto, chain);
	}
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

static int keep_object(struct em_inventory_object **objects, size_t *n, const char *name,
		       bool refers)
{
	struct em_inventory_object *found = em_build_append(objects, n, sizeof(*found));

	if (!found)
		return MNL_CB_ERROR;
	copy_name(found->name, name, sizeof(found->name));
	found->generation = em_identifier_generation(found->name);
	found->refers = refers;
	return MNL_CB_OK;
}

static int read_set(const struct nlmsghdr *message, void *data)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct em_inventory *inventory = data;
	int result = MNL_CB_OK;

	if (!set)
		return MNL_CB_ERROR;
	if (nftnl_set_nlmsg_parse(message, set) == 0 &&
	    ours(nftnl_set_get_str(set, NFTNL_SET_TABLE)) &&
	    !(nftnl_set_get_u32(set, NFTNL_SET_FLAGS) & NFT_SET_ANONYMOUS))
		result = keep_object(&inventory->sets, &inventory->n_sets,
				     nftnl_set_get_str(set, NFTNL_SET_NAME),
				     nftnl_set_get_u32(set, NFTNL_SET_FLAGS) & NFT_SET_OBJECT);
	nftnl_set_free(set);
	return result;
}

static int read_counter(const struct nlmsghdr *message, void *data)
{
	struct nftnl_obj *counter = nftnl_obj_alloc();
	struct em_inventory *inventory = data;
	int result = MNL_CB_OK;

	if (!counter)
		return MNL_CB_ERROR;
	if (nftnl_obj_nlmsg_parse(message, counter) == 0 &&
	    ours(nftnl_obj_get_str(counter, NFTNL_OBJ_TABLE)) &&
	    nftnl_obj_get_u32(counter, NFTNL_OBJ_TYPE) == NFT_OBJECT_COUNTER)
		result = keep_object(&inventory->counters, &inventory->n_counters,
				     nftnl_obj_get_str(counter, NFTNL_OBJ_NAME), false);
	nftnl_obj_free(counter);
	return result;
}

/* The kernel knows one chain's rules when asked for them, and looks at no other's. */
static void name_chain(struct nlmsghdr *message, const void *context)
{
	const struct em_inventory_chain *chain = context;

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, chain->name);
}

static int read_base_rules(struct em_inventory *inventory, struct em_netlink *netlink)
{
	for (size_t i = 0; i < inventory->n_chains; i++) {
		int error = 0;

		if (inventory->chains[i].device[0])
			error = em_netlink_query(netlink, NFT_MSG_GETRULE, NLM_F_DUMP, name_chain,
						 &inventory->chains[i], read_rule, inventory);
		if (error)
			return error;
	}
	return 0;
}

static int read_once(struct em_inventory *inventory, struct em_netlink *netlink)
{
	int error = em_netlink_query(netlink, NFT_MSG_GETTABLE, NLM_F_DUMP, NULL, NULL, read_table,
				     inventory);

	/* So says a kernel that has netfilter's netlink, but no nf_tables behind it. */
	if (error == -EINVAL || error == -EOPNOTSUPP)
		return 0;
	if (error || !inventory->table)
		return error;
	error = em_netlink_query(netlink, NFT_MSG_GETCHAIN, NLM_F_DUMP, NULL, NULL, read_chain,
				 inventory);
	if (!error)
		error = read_base_rules(inventory, netlink);
	if (!error)
		error = em_netlink_query(netlink, NFT_MSG_GETSET, NLM_F_DUMP, em_inventory_table,
					 NULL, read_set, inventory);
	if (!error)
		error = em_netlink_query(netlink, NFT_MSG_GETOBJ, NLM_F_DUMP, em_inventory_table,
					 NULL, read_counter, inventory);
	return error;
}

int em_inventory_read(struct em_inventory *out, struct em_netlink *netlink, struct em_diag *diag)
{
	int error = -EINTR;

	*out = (struct em_inventory){0};
	for (int i = 0; error == -EINTR && i < EM_DUMP_TRIES; i++) {
		em_inventory_clear(out);
		error = read_once(out, netlink);
	}
	if (error) {
		struct em_refusal refusal = {error, {.what = "list the ruleset"}};

		return em_netlink_report(diag, &refusal);
	}
	return 0;
}

void em_inventory_clear(struct em_inventory *inventory)
{
	free(inventory->chains);
	free(inventory->sets);
	free(inventory->counters);
	*inventory = (struct em_inventory){0};
}

uint32_t em_inventory_in_force(const struct em_inventory *inventory)
{
	uint32_t generation = 0;

	for (size_t i = 0; i < inventory->n_chains; i++)
		if (inventory->chains[i].device[0] && inventory->chains[i].generation > generation)
			generation = inventory->chains[i].generation;
	return generation;
}
