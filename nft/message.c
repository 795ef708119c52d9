/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * message - a ruleset as netlink messages for nf_tables; see message.h.
 */
#include "nft/message.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <endian.h>
#include <errno.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink_cttimeout.h>
#include <sys/socket.h>

#include "nft/element.h"
#include "nft/statement.h"

#define NEW (NLM_F_CREATE | NLM_F_EXCL)

static const char *format(const struct em_identifier *name, char text[EM_IDENTIFIER_MAX])
{
	return em_identifier_format(name, text);
}

static void out_of_memory(struct em_batch *batch)
{
	batch->error = -ENOMEM;
}

static struct nlmsghdr *open_for(struct em_batch *batch, enum em_table table, uint16_t type,
				 uint16_t flags, const char *what, const struct em_place *place)
{
	return em_batch_open(batch, em_ruleset_family(table), type, flags, what, place);
}

void em_message_table(struct em_batch *batch, enum em_table table)
{
	struct nlmsghdr *message =
		open_for(batch, table, NFT_MSG_NEWTABLE, NLM_F_CREATE, "add the table", NULL);

	mnl_attr_put_strz(message, NFTA_TABLE_NAME, EM_RULESET_TABLE);
	em_batch_close(batch, message);
}

void em_message_tables(struct em_batch *batch, const struct em_ruleset *ruleset)
{
	em_message_table(batch, EM_TABLE_NETDEV);
	if (ruleset->replies)
		em_message_table(batch, EM_TABLE_INET);
}

void em_message_delete_table(struct em_batch *batch, enum em_table table)
{
	struct nlmsghdr *message =
		open_for(batch, table, NFT_MSG_DELTABLE, 0, "delete the table", NULL);

	mnl_attr_put_strz(message, NFTA_TABLE_NAME, EM_RULESET_TABLE);
	em_batch_close(batch, message);
}

/* Counters and timeouts. */

static void add_counter(struct em_batch *batch, const char *name, const struct em_place *place)
{
	struct nlmsghdr *message =
		open_for(batch, EM_TABLE_NETDEV, NFT_MSG_NEWOBJ, NEW, "add counter", place);
	struct nlattr *data;

	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	data = mnl_attr_nest_start(message, NFTA_OBJ_DATA);
	mnl_attr_put_u64(message, NFTA_COUNTER_BYTES, 0);
	mnl_attr_put_u64(message, NFTA_COUNTER_PACKETS, 0);
	mnl_attr_nest_end(message, data);
	em_batch_close(batch, message);
}

void em_message_entity_counter(struct em_batch *batch, const struct em_listener *listener,
			       uint32_t generation, const struct em_entity *entity)
{
	char text[EM_IDENTIFIER_MAX];

	add_counter(batch, em_ruleset_entity_counter(generation, listener, entity, text),
		    &entity->place);
}

void em_message_timeout(struct em_batch *batch, uint32_t seconds, uint8_t family,
			const struct em_place *place)
{
	struct nlmsghdr *message = open_for(batch, EM_TABLE_INET, NFT_MSG_NEWOBJ, NLM_F_CREATE,
					    "add a conntrack timeout", place);
	struct em_identifier name = em_ruleset_timeout(seconds, family);
	struct nlattr *data, *policy;
	char text[EM_IDENTIFIER_MAX];

	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_OBJ_NAME, format(&name, text));
	mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_CT_TIMEOUT));
	data = mnl_attr_nest_start(message, NFTA_OBJ_DATA);
	mnl_attr_put_u16(message, NFTA_CT_TIMEOUT_L3PROTO, htons(family));
	mnl_attr_put_u8(message, NFTA_CT_TIMEOUT_L4PROTO, IPPROTO_UDP);
	policy = mnl_attr_nest_start(message, NFTA_CT_TIMEOUT_DATA);
	mnl_attr_put_u32(message, CTA_TIMEOUT_UDP_UNREPLIED, htonl(seconds));
	mnl_attr_put_u32(message, CTA_TIMEOUT_UDP_REPLIED, htonl(seconds));
	mnl_attr_nest_end(message, policy);
	mnl_attr_nest_end(message, data);
	em_batch_close(batch, message);
}

static void add_maps(struct em_batch *batch, const struct em_ruleset *ruleset,
		     const struct em_listener *listener)
{
	em_message_map(batch, listener, ruleset->generation, !ruleset->object_counters);
	if (ruleset->object_counters)
		em_message_counts(batch, listener, ruleset->generation);
	if (listener->replies)
		em_message_zones(batch, listener, ruleset->generation);
}

void em_message_objects(struct em_batch *batch, const struct em_ruleset *ruleset)
{
	const struct em_policy *policy = ruleset->policy;
	char text[EM_IDENTIFIER_MAX];

	for (size_t i = 0; i < policy->n_listeners; i++)
		for (int c = 0; c < EM_COUNTERS; c++) {
			struct em_identifier name =
				em_ruleset_counter(ruleset->generation, &policy->listeners[i], c);

			add_counter(batch, format(&name, text), &policy->listeners[i].place);
		}
	for (size_t i = 0; i < ruleset->n_sets; i++)
		em_message_set(batch, &ruleset->sets[i]);
	for (size_t i = 0; i < policy->n_listeners; i++)
		add_maps(batch, ruleset, &policy->listeners[i]);
	for (size_t i = 0; i < ruleset->n_timeouts; i++) {
		const struct em_place *place = &ruleset->replies_place;

		em_message_conversations(batch, ruleset, ruleset->timeouts[i]);
		em_message_timeout(batch, ruleset->timeouts[i], AF_INET, place);
		em_message_timeout(batch, ruleset->timeouts[i], AF_INET6, place);
	}
	if (ruleset->replies)
		em_message_ports(batch, ruleset);
}

/* Chains and rules. */

static void add_chain(struct em_batch *batch, const struct em_chain *chain)
{
	struct nlmsghdr *message =
		open_for(batch, chain->table, NFT_MSG_NEWCHAIN, NEW, "add chain", NULL);
	char text[EM_IDENTIFIER_MAX];

	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, format(&chain->name, text));
	em_batch_close(batch, message);
}

/* What a kernel without it could not do. */
static const char *purpose(const struct em_rule *rule)
{
	const char *what = "add rule";

	for (size_t s = 0; s < rule->n_statements; s++) {
		if (rule->statements[s].written == EM_FIELD_ZONE)
			what = "set conntrack zones";
		else if (rule->statements[s].kind == EM_STATEMENT_TIMEOUT)
			what = "set conntrack timeouts";
		else if (rule->statements[s].kind == EM_STATEMENT_TRANSLATE)
			what = "translate addresses in family inet";
	}
	return what;
}

/* False when out of memory. */
static bool lower(struct nftnl_rule *to, const struct em_rule *rule, uint32_t map)
{
	struct em_lowering l = {.rule = to, .map_name = EM_ELEMENT_VERDICT_MAP, .map_id = map};

	for (size_t s = 0; s < rule->n_statements; s++)
		em_statement_lower(&l, &rule->statements[s]);
	return !l.failed;
}

static void add_rule(struct em_batch *batch, enum em_table table, const struct em_identifier *chain,
		     const struct em_rule *rule)
{
	struct nftnl_rule *built = nftnl_rule_alloc();
	char text[EM_IDENTIFIER_MAX];
	struct nlmsghdr *message;
	uint32_t map = 0;
	bool ok = built;

	for (size_t s = 0; s < rule->n_statements; s++)
		if (rule->statements[s].kind == EM_STATEMENT_DISPATCH)
			map = em_message_verdict_map(batch, table, &rule->statements[s],
						     &rule->place);
	if (ok) {
		nftnl_rule_set_str(built, NFTNL_RULE_TABLE, EM_RULESET_TABLE);
		nftnl_rule_set_str(built, NFTNL_RULE_CHAIN, format(chain, text));
		ok = lower(built, rule, map);
	}
	if (ok) {
		message = open_for(batch, table, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
				   purpose(rule), &rule->place);
		nftnl_rule_nlmsg_build_payload(message, built);
		em_batch_close(batch, message);
	} else {
		out_of_memory(batch);
	}
	if (built)
		nftnl_rule_free(built);
}

void em_message_chains(struct em_batch *batch, const struct em_ruleset *ruleset)
{
	for (size_t c = 0; c < ruleset->n_chains; c++)
		add_chain(batch, &ruleset->chains[c]);
	for (size_t c = 0; c < ruleset->n_chains; c++) {
		const struct em_chain *chain = &ruleset->chains[c];

		for (size_t r = 0; r < chain->n_rules; r++)
			add_rule(batch, chain->table, &chain->name, &chain->rules[r]);
	}
}

struct base {
	enum em_table table;
	const char *name;
	const char *type;
	uint32_t hook;
	int32_t priority;
	const char *device; /* NULL: none */
};

static void add_base(struct em_batch *batch, const struct base *base, const struct em_place *place)
{
	struct nlmsghdr *message = open_for(batch, base->table, NFT_MSG_NEWCHAIN, NLM_F_CREATE,
					    "add base chain", place);
	struct nlattr *hook;

	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, base->name);
	mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, base->type);
	mnl_attr_put_u32(message, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	hook = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(message, NFTA_HOOK_HOOKNUM, htonl(base->hook));
	mnl_attr_put_u32(message, NFTA_HOOK_PRIORITY, htonl(base->priority));
	if (base->device)
		mnl_attr_put_strz(message, NFTA_HOOK_DEV, base->device);
	mnl_attr_nest_end(message, hook);
	em_batch_close(batch, message);
}

void em_message_ingress(struct em_batch *batch, const char *interface, uint32_t generation)
{
	for (int i = 0; i < EM_INGRESSES; i++) {
		struct em_identifier name = em_ruleset_base(i, interface);
		struct em_statement to = {.kind = EM_STATEMENT_GOTO,
					  .target = em_ruleset_dispatch(generation, i, interface)};
		struct em_rule rule = {.statements = &to, .n_statements = 1};
		char text[EM_IDENTIFIER_MAX];
		const struct base base = {.table = EM_TABLE_NETDEV,
					  .name = format(&name, text),
					  .type = "filter",
					  .hook = NF_NETDEV_INGRESS,
					  .priority = em_ruleset_ingress[i].priority,
					  .device = interface};

		add_base(batch, &base, NULL);
		em_message_flush_chain(batch, EM_TABLE_NETDEV, text);
		add_rule(batch, EM_TABLE_NETDEV, &name, &rule);
	}
}

void em_message_inet_bases(struct em_batch *batch, uint32_t generation,
			   const struct em_place *place)
{
	for (int i = 0; i < EM_BASES; i++) {
		const struct em_base_chain *chain = &em_ruleset_bases[i];
		struct em_statement to = {.kind = EM_STATEMENT_JUMP,
					  .target = em_ruleset_entry(generation, i)};
		struct em_rule rule = {.place = *place, .statements = &to, .n_statements = 1};
		char text[EM_IDENTIFIER_MAX];
		const struct base base = {.table = EM_TABLE_INET,
					  .name = format(&chain->name, text),
					  .type = chain->type,
					  .hook = NF_INET_PRE_ROUTING,
					  .priority = chain->priority};

		add_base(batch, &base, place);
		add_rule(batch, EM_TABLE_INET, &chain->name, &rule);
	}
}

/* Deleting. */

void em_message_flush_chain(struct em_batch *batch, enum em_table table, const char *name)
{
	struct nlmsghdr *message = open_for(batch, table, NFT_MSG_DELRULE, 0, "delete rules", NULL);

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, name);
	em_batch_close(batch, message);
}

void em_message_delete_rule(struct em_batch *batch, enum em_table table, const char *chain,
			    uint64_t handle)
{
	struct nlmsghdr *message = open_for(batch, table, NFT_MSG_DELRULE, 0, "delete rule", NULL);

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, chain);
	mnl_attr_put_u64(message, NFTA_RULE_HANDLE, htobe64(handle));
	em_batch_close(batch, message);
}

void em_message_delete_chain(struct em_batch *batch, enum em_table table, const char *name)
{
	struct nlmsghdr *message =
		open_for(batch, table, NFT_MSG_DELCHAIN, 0, "delete chain", NULL);

	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, name);
	em_batch_close(batch, message);
}

void em_message_flush_map(struct em_batch *batch, enum em_table table, const char *name)
{
	struct nlmsghdr *message =
		open_for(batch, table, NFT_MSG_DELSETELEM, 0, "delete elements", NULL);

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, name);
	em_batch_close(batch, message);
}

void em_message_delete_set(struct em_batch *batch, enum em_table table, const char *name)
{
	struct nlmsghdr *message = open_for(batch, table, NFT_MSG_DELSET, 0, "delete set", NULL);

	mnl_attr_put_strz(message, NFTA_SET_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_NAME, name);
	em_batch_close(batch, message);
}

static void delete_object(struct em_batch *batch, enum em_table table, uint32_t type,
			  const char *what, const char *name)
{
	struct nlmsghdr *message = open_for(batch, table, NFT_MSG_DELOBJ, 0, what, NULL);

	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(type));
	em_batch_close(batch, message);
}

void em_message_delete_counter(struct em_batch *batch, const char *name)
{
	delete_object(batch, EM_TABLE_NETDEV, NFT_OBJECT_COUNTER, "delete counter", name);
}

void em_message_delete_timeout(struct em_batch *batch, const char *name)
{
	delete_object(batch, EM_TABLE_INET, NFT_OBJECT_CT_TIMEOUT, "delete timeout", name);
}
