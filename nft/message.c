/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message - a ruleset as netlink messages for nf_tables; see message.h.
 */
#include "message.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <errno.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "expression.h"

#define NEW (NLM_F_CREATE | NLM_F_EXCL)

static const char *format(const struct em_identifier *name, char text[EM_IDENTIFIER_MAX])
{
	return em_identifier_format(name, text);
}

static void out_of_memory(struct em_batch *batch)
{
	batch->error = -ENOMEM;
}

void em_message_table(struct em_batch *batch)
{
	struct nlmsghdr *message =
		em_batch_open(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, "add the table", NULL);

	mnl_attr_put_strz(message, NFTA_TABLE_NAME, EM_RULESET_TABLE);
	em_batch_close(batch, message);
}

void em_message_delete_table(struct em_batch *batch)
{
	struct nlmsghdr *message =
		em_batch_open(batch, NFT_MSG_DELTABLE, 0, "delete the table", NULL);

	mnl_attr_put_strz(message, NFTA_TABLE_NAME, EM_RULESET_TABLE);
	em_batch_close(batch, message);
}

/* Counters. */

static void add_counter(struct em_batch *batch, const char *name, const struct em_place *place)
{
	struct nlmsghdr *message = em_batch_open(batch, NFT_MSG_NEWOBJ, NEW, "add counter", place);
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

static void add_maps(struct em_batch *batch, const struct em_ruleset *ruleset,
		     const struct em_listener *listener)
{
	em_message_map(batch, listener, ruleset->generation, !ruleset->object_counters);
	if (ruleset->object_counters)
		em_message_counts(batch, listener, ruleset->generation);
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
}

/* Chains and rules. */

static void add_chain(struct em_batch *batch, const struct em_identifier *name)
{
	struct nlmsghdr *message = em_batch_open(batch, NFT_MSG_NEWCHAIN, NEW, "add chain", NULL);
	char text[EM_IDENTIFIER_MAX];

	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, format(name, text));
	em_batch_close(batch, message);
}

static void add_rule(struct em_batch *batch, const struct em_identifier *chain,
		     const struct em_rule *rule)
{
	struct nftnl_rule *built = nftnl_rule_alloc();
	char text[EM_IDENTIFIER_MAX];
	struct nlmsghdr *message;
	uint32_t map = 0;
	bool ok = built;

	for (size_t s = 0; s < rule->n_statements; s++)
		if (rule->statements[s].kind == EM_STATEMENT_DISPATCH)
			map = em_message_verdict_map(batch, &rule->statements[s], &rule->place);
	if (ok) {
		nftnl_rule_set_str(built, NFTNL_RULE_TABLE, EM_RULESET_TABLE);
		nftnl_rule_set_str(built, NFTNL_RULE_CHAIN, format(chain, text));
		ok = em_expression_add(built, rule, EM_MESSAGE_VERDICT_MAP, map);
	}
	if (ok) {
		message = em_batch_open(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
					"add rule", &rule->place);
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
		add_chain(batch, &ruleset->chains[c].name);
	for (size_t c = 0; c < ruleset->n_chains; c++)
		for (size_t r = 0; r < ruleset->chains[c].n_rules; r++)
			add_rule(batch, &ruleset->chains[c].name, &ruleset->chains[c].rules[r]);
}

static void add_base(struct em_batch *batch, const char *name, const char *interface)
{
	struct nlmsghdr *message =
		em_batch_open(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, "add base chain", NULL);
	struct nlattr *hook;

	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, name);
	mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, "filter");
	mnl_attr_put_u32(message, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	hook = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(message, NFTA_HOOK_HOOKNUM, htonl(NF_NETDEV_INGRESS));
	mnl_attr_put_u32(message, NFTA_HOOK_PRIORITY, htonl(EM_RULESET_PRIORITY));
	mnl_attr_put_strz(message, NFTA_HOOK_DEV, interface);
	mnl_attr_nest_end(message, hook);
	em_batch_close(batch, message);
}

void em_message_base(struct em_batch *batch, const char *interface, uint32_t generation)
{
	struct em_identifier base = em_ruleset_base(interface);
	struct em_statement to = {.kind = EM_STATEMENT_GOTO,
				  .target = em_ruleset_dispatch(generation, interface)};
	struct em_rule rule = {.statements = &to, .n_statements = 1};
	char text[EM_IDENTIFIER_MAX];

	add_base(batch, format(&base, text), interface);
	em_message_flush_chain(batch, text);
	add_rule(batch, &base, &rule);
}

void em_message_flush_chain(struct em_batch *batch, const char *name)
{
	struct nlmsghdr *message = em_batch_open(batch, NFT_MSG_DELRULE, 0, "delete rules", NULL);

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, name);
	em_batch_close(batch, message);
}

void em_message_delete_chain(struct em_batch *batch, const char *name)
{
	struct nlmsghdr *message = em_batch_open(batch, NFT_MSG_DELCHAIN, 0, "delete chain", NULL);

	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, name);
	em_batch_close(batch, message);
}

void em_message_flush_map(struct em_batch *batch, const char *name)
{
	struct nlmsghdr *message =
		em_batch_open(batch, NFT_MSG_DELSETELEM, 0, "delete elements", NULL);

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, name);
	em_batch_close(batch, message);
}

void em_message_delete_set(struct em_batch *batch, const char *name)
{
	struct nlmsghdr *message = em_batch_open(batch, NFT_MSG_DELSET, 0, "delete set", NULL);

	mnl_attr_put_strz(message, NFTA_SET_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_NAME, name);
	em_batch_close(batch, message);
}

void em_message_delete_counter(struct em_batch *batch, const char *name)
{
	struct nlmsghdr *message = em_batch_open(batch, NFT_MSG_DELOBJ, 0, "delete counter", NULL);

	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	em_batch_close(batch, message);
}
