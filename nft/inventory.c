/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * inventory - what is in one of our tables, by name; see inventory.h.
 */
#include "nft/inventory.h"
#include "nft/uapi.h"

#include <errno.h>
#include <libnftnl/expr.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "nft/build.h"
#include "nft/expected.h"
#include "nft/field.h"
#include "nft/parsed.h"

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
	return strcmp(table, EM_RULESET_TABLE) == 0;
}

static void copy_name(char *to, const char *from, size_t size)
{
	if (from)
		strncpy(to, from, size - 1);
}

static int read_table(const struct nlmsghdr *message, void *data)
{
	struct nftnl_table *table __attribute__((cleanup(em_parsed_table_freep))) = NULL;
	struct em_inventory *inventory = data;
	int result = em_parsed_table(&table, message);

	if (table && ours(nftnl_table_get_str(table, NFTNL_TABLE_NAME))) {
		inventory->present = true;
		inventory->dormant =
			nftnl_table_get_u32(table, NFTNL_TABLE_FLAGS) & NFT_TABLE_F_DORMANT;
	}
	return result;
}

/* False when out of memory. */
static bool keep_chain(struct em_inventory *inventory, struct nftnl_chain *chain)
{
	struct em_inventory_chain *found =
		em_build_append(&inventory->chains, &inventory->n_chains, sizeof(*found));

	if (!found)
		return false;
	copy_name(found->name, nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME), sizeof(found->name));
	found->generation = em_identifier_generation(found->name);
	found->base = nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM);
	if (!found->base)
		return true;
	copy_name(found->type, nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE), sizeof(found->type));
	found->hook = nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM);
	found->priority = nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO);
	found->policy = nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY);
	copy_name(found->device, nftnl_chain_get_str(chain, NFTNL_CHAIN_DEV),
		  sizeof(found->device));
	return true;
}

static int read_chain(const struct nlmsghdr *message, void *data)
{
	struct nftnl_chain *chain __attribute__((cleanup(em_parsed_chain_freep))) = NULL;
	int result = em_parsed_chain(&chain, message);

	if (chain && ours(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE)) &&
	    !keep_chain(data, chain))
		result = MNL_CB_ERROR;
	return result;
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
	struct em_inventory_rule *rule = data;

	if (nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_CHAIN) &&
	    strcmp(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME), "immediate") == 0)
		rule->generation = em_identifier_generation(
			nftnl_expr_get_str(expression, NFTNL_EXPR_IMM_CHAIN));
	return 0;
}

static bool keep_rule(struct em_inventory *inventory, struct em_inventory_chain *chain,
		      struct nftnl_rule *rule)
{
	struct em_inventory_rule *found =
		em_build_append(&inventory->rules, &inventory->n_rules, sizeof(*found));

	if (!found)
		return false;
	memcpy(found->chain, chain->name, sizeof(found->chain));
	found->handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE);
	nftnl_expr_foreach(rule, read_goto, found);
	if (found->generation > chain->generation)
		chain->generation = found->generation;
	return true;
}

static int read_rule(const struct nlmsghdr *message, void *data)
{
	struct nftnl_rule *rule __attribute__((cleanup(em_parsed_rule_freep))) = NULL;
	struct em_inventory *inventory = data;
	struct em_inventory_chain *chain;
	int result = em_parsed_rule(&rule, message);

	if (rule && ours(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE))) {
		chain = find_chain(inventory, nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN));
		if (chain && !keep_rule(inventory, chain, rule))
			result = MNL_CB_ERROR;
	}
	return result;
}

/* What is kept, to be added to; NULL when out of memory. */
static struct em_inventory_object *keep_object(struct em_inventory *inventory,
					       enum em_object_kind kind, const char *name)
{
	struct em_inventory_object *found =
		em_build_append(&inventory->objects, &inventory->n_objects, sizeof(*found));

	if (!found)
		return NULL;
	found->kind = kind;
	copy_name(found->name, name, sizeof(found->name));
	found->generation = em_identifier_generation(found->name);
	return found;
}

static enum em_object_kind kind_of_set(uint32_t flags)
{
	if (flags & NFT_SET_OBJECT)
		return EM_OBJECT_COUNTER_MAP;
	return flags & NFT_SET_MAP ? EM_OBJECT_MAP : EM_OBJECT_SET;
}

/*
 * From Linux 6.16 on, the kernel says how many elements a set has; libnftnl does not yet, nor do
 * the headers of older systems name it.  Of intervals it does not count what an element is to us.
 */
#define SET_COUNT 20

static uint32_t count_of(const struct nlmsghdr *message, uint32_t flags)
{
	struct nlattr *attribute;

	if (flags & NFT_SET_INTERVAL)
		return EM_EXPECTED_NONE;
	mnl_attr_for_each (attribute, message, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attribute) == SET_COUNT)
			return ntohl(mnl_attr_get_u32(attribute));
	return EM_EXPECTED_NONE;
}

/* False when out of memory. */
static bool keep_set(struct em_inventory *inventory, struct nftnl_set *set, uint32_t count)
{
	uint32_t flags = nftnl_set_get_u32(set, NFTNL_SET_FLAGS);
	struct em_inventory_object *found;
	const void *userdata;
	uint32_t length;

	if (flags & NFT_SET_ANONYMOUS)
		return true;
	found = keep_object(inventory, kind_of_set(flags), nftnl_set_get_str(set, NFTNL_SET_NAME));
	if (!found)
		return false;
	userdata = nftnl_set_get_data(set, NFTNL_SET_USERDATA, &length);
	found->expected = userdata ? em_expected_read(userdata, length) : EM_EXPECTED_NONE;
	found->count = count;
	/* To nft the key is several values; to us one, see message_object.c. */
	found->remade = em_inventory_is_conversations(found) &&
			nftnl_set_get_u32(set, NFTNL_SET_KEY_TYPE) >> EM_TYPE_BITS;
	return true;
}

static int read_set(const struct nlmsghdr *message, void *data)
{
	struct nftnl_set *set __attribute__((cleanup(em_parsed_set_freep))) = NULL;
	int result = em_parsed_set(&set, message);

	if (set && ours(nftnl_set_get_str(set, NFTNL_SET_TABLE)) &&
	    !keep_set(data, set, count_of(message, nftnl_set_get_u32(set, NFTNL_SET_FLAGS))))
		result = MNL_CB_ERROR;
	return result;
}

/* False when out of memory. */
static bool keep_named(struct em_inventory *inventory, struct nftnl_obj *named)
{
	uint32_t type = nftnl_obj_get_u32(named, NFTNL_OBJ_TYPE);
	struct em_inventory_object *found;

	if (type != NFT_OBJECT_COUNTER && type != NFT_OBJECT_CT_TIMEOUT)
		return true;
	found = keep_object(inventory,
			    type == NFT_OBJECT_COUNTER ? EM_OBJECT_COUNTER : EM_OBJECT_TIMEOUT,
			    nftnl_obj_get_str(named, NFTNL_OBJ_NAME));
	if (found)
		found->used = nftnl_obj_get_u32(named, NFTNL_OBJ_USE);
	return found;
}

static int read_object(const struct nlmsghdr *message, void *data)
{
	struct nftnl_obj *object __attribute__((cleanup(em_parsed_obj_freep))) = NULL;
	int result = em_parsed_obj(&object, message);

	if (object && ours(nftnl_obj_get_str(object, NFTNL_OBJ_TABLE)) && !keep_named(data, object))
		result = MNL_CB_ERROR;
	return result;
}

/* The kernel knows one chain's rules when asked for them, and looks at no other's. */
static void name_chain(struct nlmsghdr *message, const void *context)
{
	const struct em_inventory_chain *chain = context;

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, chain->name);
}

static int dump(struct em_inventory *inventory, struct em_netlink *netlink, uint8_t type,
		void (*attributes)(struct nlmsghdr *message, const void *context),
		const void *context, mnl_cb_t callback)
{
	const struct em_query query = {.subsystem = NFNL_SUBSYS_NFTABLES,
				       .type = type,
				       .family = em_ruleset_family(inventory->table),
				       .flags = NLM_F_DUMP,
				       .attributes = attributes,
				       .context = context};

	return em_netlink_query(netlink, &query, callback, inventory);
}

static int read_base_rules(struct em_inventory *inventory, struct em_netlink *netlink)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < inventory->n_chains; i++)
		if (inventory->chains[i].base)
			rc = dump(inventory, netlink, NFT_MSG_GETRULE, name_chain,
				  &inventory->chains[i], read_rule);
	return rc;
}

static int read_once(struct em_inventory *inventory, struct em_netlink *netlink)
{
	int rc = dump(inventory, netlink, NFT_MSG_GETTABLE, NULL, NULL, read_table);

	/* This is the answer of a kernel that has nfnetlink, but no nf_tables. */
	if (rc == -EINVAL || rc == -EOPNOTSUPP)
		return 0;
	if (rc || !inventory->present)
		return rc;
	rc = dump(inventory, netlink, NFT_MSG_GETCHAIN, NULL, NULL, read_chain);
	if (!rc)
		rc = read_base_rules(inventory, netlink);
	if (!rc)
		rc = dump(inventory, netlink, NFT_MSG_GETSET, em_inventory_table, NULL, read_set);
	if (!rc)
		rc = dump(inventory, netlink, NFT_MSG_GETOBJ, em_inventory_table, NULL,
			  read_object);
	return rc;
}

int em_inventory_list(struct em_inventory *out, enum em_table table, struct em_netlink *netlink)
{
	int rc = -EINTR;

	*out = (struct em_inventory){0};
	for (int i = 0; rc == -EINTR && i < EM_DUMP_TRIES; i++) {
		em_inventory_clear(out);
		out->table = table;
		rc = read_once(out, netlink);
	}
	return rc;
}

int em_inventory_read(struct em_inventory *out, enum em_table table, struct em_netlink *netlink,
		      struct em_diag *diag)
{
	struct em_refusal refusal = {em_inventory_list(out, table, netlink),
				     {.what = "list the ruleset"}};

	return refusal.error ? em_netlink_report(diag, &refusal) : 0;
}

void em_inventory_clear(struct em_inventory *inventory)
{
	free(inventory->chains);
	free(inventory->rules);
	free(inventory->objects);
	*inventory = (struct em_inventory){0};
}

bool em_inventory_is_conversations(const struct em_inventory_object *object)
{
	static const char *const roles[] = {EM_ROLE_CONVERSATIONS4, EM_ROLE_CONVERSATIONS6,
					    EM_ROLE_OVERFLOW4,	    EM_ROLE_OVERFLOW6,
					    EM_ROLE_GROUPS4,	    EM_ROLE_GROUPS6,
					    EM_ROLE_LINKS6,	    EM_ROLE_LINK_OVERFLOW6};

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (object->kind == EM_OBJECT_SET &&
		    !strncmp(object->name, roles[i], strlen(roles[i])))
			return true;
	return false;
}

bool em_inventory_is_shared(const struct em_inventory_object *object)
{
	return object->kind == EM_OBJECT_TIMEOUT || em_inventory_is_conversations(object);
}

bool em_inventory_is_set(const struct em_inventory_object *object)
{
	return object->kind == EM_OBJECT_SET || object->kind == EM_OBJECT_MAP ||
	       object->kind == EM_OBJECT_COUNTER_MAP;
}

struct listing {
	const char *set;
	uint32_t most;
	uint32_t n;
};

static int count_element(const struct nlattr *element, void *data)
{
	struct listing *listing = data;

	(void)element;
	listing->n++;
	return MNL_CB_OK;
}

static int count_list(const struct nlattr *attribute, void *data)
{
	if (mnl_attr_get_type(attribute) != NFTA_SET_ELEM_LIST_ELEMENTS)
		return MNL_CB_OK;
	return mnl_attr_parse_nested(attribute, count_element, data);
}

/* The rest of the list goes away with the socket: em_netlink_query() opens another one. */
static int count_elements(const struct nlmsghdr *message, void *data)
{
	struct listing *listing = data;
	int result = mnl_attr_parse(message, sizeof(struct nfgenmsg), count_list, data);

	if (listing->n <= listing->most)
		return result;
	errno = ECANCELED;
	return MNL_CB_ERROR;
}

static void name_set(struct nlmsghdr *message, const void *context)
{
	const struct listing *listing = context;

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, listing->set);
}

int em_inventory_count(struct em_netlink *netlink, enum em_table table, const char *set,
		       uint32_t most, uint32_t *n)
{
	struct listing listing = {.set = set, .most = most};
	const struct em_query query = {.subsystem = NFNL_SUBSYS_NFTABLES,
				       .type = NFT_MSG_GETSETELEM,
				       .family = em_ruleset_family(table),
				       .flags = NLM_F_DUMP,
				       .attributes = name_set,
				       .context = &listing};
	int rc = em_netlink_query(netlink, &query, count_elements, &listing);

	*n = listing.n;
	return rc == -ECANCELED && listing.n > most ? 0 : rc;
}

bool em_inventory_carries_out(const struct em_inventory *inventory,
			      const struct em_inventory_chain *chain)
{
	const struct em_base *base =
		chain->base ? em_ruleset_find_base(inventory->table, chain->name, chain->device)
			    : NULL;

	return base && base->leads == EM_STATEMENT_JUMP;
}

uint32_t em_inventory_in_force(const struct em_inventory *inventory)
{
	uint32_t generation = 0;

	for (size_t i = 0; i < inventory->n_chains; i++) {
		const struct em_inventory_chain *chain = &inventory->chains[i];

		if (chain->base && chain->generation > generation &&
		    !em_inventory_carries_out(inventory, chain))
			generation = chain->generation;
	}
	return generation;
}

bool em_inventory_leads(const struct em_inventory *inventory, const char *chain,
			uint32_t generation)
{
	for (size_t i = 0; i < inventory->n_rules; i++)
		if (inventory->rules[i].generation == generation &&
		    strcmp(inventory->rules[i].chain, chain) == 0)
			return true;
	return false;
}
