/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * message - a ruleset as netlink messages for nf_tables; see message.h.
 */
#include "nft/message.h"
#include "nft/uapi.h"

#include <endian.h>
#include <errno.h>
#include <libnftnl/rule.h>
#include <string.h>

#include "nft/expected.h"
#include "nft/statement.h"

#define NEW (NLM_F_CREATE | NLM_F_EXCL)

static struct nlmsghdr *open_for(struct em_batch *batch, enum em_table table, uint16_t type,
				 uint16_t flags, const char *what, const struct em_place *place)
{
	return em_batch_open(batch, em_ruleset_family(table), type, flags, what, place);
}

static void add_table(struct em_batch *batch, enum em_table table, bool wake)
{
	struct nlmsghdr *message =
		open_for(batch, table, NFT_MSG_NEWTABLE, NLM_F_CREATE, "add the table", NULL);

	mnl_attr_put_strz(message, NFTA_TABLE_NAME, EM_RULESET_TABLE);
	if (wake)
		mnl_attr_put_u32(message, NFTA_TABLE_FLAGS, 0);
	em_batch_close(batch, message);
}

void em_message_table(struct em_batch *batch, enum em_table table)
{
	add_table(batch, table, false);
}

void em_message_tables(struct em_batch *batch, const struct em_ruleset *ruleset, bool wake)
{
	for (enum em_table table = 0; table < EM_TABLES; table++)
		if (em_ruleset_uses(ruleset, table))
			add_table(batch, table, wake);
}

void em_message_delete_table(struct em_batch *batch, enum em_table table)
{
	struct nlmsghdr *message =
		open_for(batch, table, NFT_MSG_DELTABLE, 0, "delete the table", NULL);

	mnl_attr_put_strz(message, NFTA_TABLE_NAME, EM_RULESET_TABLE);
	em_batch_close(batch, message);
}

/* Chains and rules. */

static void add_chain(struct em_batch *batch, const struct em_chain *chain)
{
	struct nlmsghdr *message =
		open_for(batch, chain->table, NFT_MSG_NEWCHAIN, NEW, "add chain", NULL);
	char text[EM_IDENTIFIER_MAX];

	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, em_identifier_format(&chain->name, text));
	em_batch_close(batch, message);
}

/* What a kernel without it could not do. */
static const char *purpose(const struct em_rule *rule)
{
	const char *what = NULL;

	for (size_t s = 0; !what && s < rule->n_statements; s++)
		what = em_statement_purpose(&rule->statements[s]);
	return what ? what : "add rule";
}

static void put_entry(const struct em_object *object, size_t i, struct em_element *element)
{
	const struct em_entry *entry = (const struct em_entry *)object->items + i;

	memcpy(element->key, entry->key, sizeof(entry->key));
	em_identifier_format(&entry->chain, element->target);
}

struct em_object em_message_verdict_map(enum em_table table, const struct em_statement *dispatch,
					const struct em_place *place)
{
	struct em_object map = {.kind = EM_OBJECT_VERDICT_MAP,
				.table = table,
				.name = {.role = EM_MESSAGE_VERDICT_MAP},
				.place = *place,
				.purpose = "add a verdict map",
				.key.n_loads = dispatch->n_loads,
				.n = dispatch->n_entries,
				.element = put_entry,
				.items = dispatch->entries};

	memcpy(map.key.loads, dispatch->loads, sizeof(dispatch->loads));
	return map;
}

static void add_verdict_map(struct em_batch *batch, enum em_table table,
			    const struct em_statement *dispatch, const struct em_place *place)
{
	struct em_object map = em_message_verdict_map(table, dispatch, place);

	em_message_object(batch, &map);
}

/* False when out of memory. */
static bool lower(struct nftnl_rule *to, enum em_table table, const struct em_rule *rule,
		  uint32_t map)
{
	struct em_lowering l = {.rule = to,
				.inet = table == EM_TABLE_INET,
				.map_name = EM_MESSAGE_VERDICT_MAP,
				.map_id = map};

	for (size_t s = 0; s < rule->n_statements; s++)
		em_statement_lower(&l, &rule->statements[s]);
	return !l.failed;
}

/*
 * `map` is the number of the rule's verdict map in the batch; 0: it is not there.  `position` is
 * NLM_F_APPEND, or 0 for the first place.
 */
static void put_rule(struct em_batch *batch, const struct em_chain *chain,
		     const struct em_rule *rule, uint32_t map, uint16_t position)
{
	struct nftnl_rule *built = nftnl_rule_alloc();
	uint8_t expected[EM_EXPECTED_SIZE];
	char text[EM_IDENTIFIER_MAX];
	struct nlmsghdr *message;
	bool ok = built;

	if (ok) {
		em_expected_write(expected, chain->n_rules);
		ok = !nftnl_rule_set_str(built, NFTNL_RULE_TABLE, EM_RULESET_TABLE) &&
		     !nftnl_rule_set_str(built, NFTNL_RULE_CHAIN,
					 em_identifier_format(&chain->name, text)) &&
		     !nftnl_rule_set_data(built, NFTNL_RULE_USERDATA, expected, sizeof(expected)) &&
		     lower(built, chain->table, rule, map);
	}
	if (ok) {
		message = open_for(batch, chain->table, NFT_MSG_NEWRULE, NLM_F_CREATE | position,
				   purpose(rule), &rule->place);
		nftnl_rule_nlmsg_build_payload(message, built);
		em_batch_close(batch, message);
	} else {
		batch->error = -ENOMEM;
	}
	if (built)
		nftnl_rule_free(built);
}

void em_message_rule(struct em_batch *batch, const struct em_chain *chain,
		     const struct em_rule *rule)
{
	put_rule(batch, chain, rule, 0, NLM_F_APPEND);
}

static void add_rule(struct em_batch *batch, const struct em_chain *chain,
		     const struct em_rule *rule, uint16_t position)
{
	for (size_t s = 0; s < rule->n_statements; s++)
		if (rule->statements[s].kind == EM_STATEMENT_DISPATCH)
			add_verdict_map(batch, chain->table, &rule->statements[s], &rule->place);
	put_rule(batch, chain, rule, batch->sets, position);
}

static void add_rules(struct em_batch *batch, const struct em_chain *chain)
{
	for (size_t r = 0; r < chain->n_rules; r++)
		add_rule(batch, chain, &chain->rules[r], NLM_F_APPEND);
}

void em_message_chains(struct em_batch *batch, const struct em_ruleset *ruleset)
{
	for (size_t c = 0; c < ruleset->n_chains; c++)
		if (!ruleset->chains[c].base)
			add_chain(batch, &ruleset->chains[c]);
	for (size_t c = 0; c < ruleset->n_chains; c++)
		if (!ruleset->chains[c].base)
			add_rules(batch, &ruleset->chains[c]);
}

void em_message_base(struct em_batch *batch, const struct em_chain *chain)
{
	struct nlmsghdr *message = open_for(batch, chain->table, NFT_MSG_NEWCHAIN, NLM_F_CREATE,
					    chain->base->purpose, &chain->rules[0].place);
	char text[EM_IDENTIFIER_MAX];
	struct nlattr *hook;

	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, em_identifier_format(&chain->name, text));
	mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, chain->base->type);
	mnl_attr_put_u32(message, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	hook = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(message, NFTA_HOOK_HOOKNUM, htonl(chain->base->number));
	mnl_attr_put_u32(message, NFTA_HOOK_PRIORITY, htonl(chain->base->priority));
	if (chain->device)
		mnl_attr_put_strz(message, NFTA_HOOK_DEV, chain->device);
	mnl_attr_nest_end(message, hook);
	em_batch_close(batch, message);
}

void em_message_bases(struct em_batch *batch, const struct em_ruleset *ruleset, enum em_table table)
{
	for (size_t c = 0; c < ruleset->n_chains; c++) {
		const struct em_chain *chain = &ruleset->chains[c];
		char text[EM_IDENTIFIER_MAX];

		if (!chain->base || chain->table != table)
			continue;
		em_message_base(batch, chain);
		if (chain->base->leads == EM_STATEMENT_GOTO)
			em_message_flush_chain(batch, table,
					       em_identifier_format(&chain->name, text));
		add_rules(batch, chain);
	}
}

void em_message_first_rules(struct em_batch *batch, const struct em_ruleset *ruleset)
{
	for (size_t c = 0; c < ruleset->n_chains; c++) {
		em_message_base(batch, &ruleset->chains[c]);
		for (size_t r = ruleset->chains[c].n_rules; r-- > 0;)
			add_rule(batch, &ruleset->chains[c], &ruleset->chains[c].rules[r], 0);
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
