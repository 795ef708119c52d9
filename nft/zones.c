/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * zones - whether the conntrack zones that `replies` needs are nobody else's; see zones.h.
 */
#include "nft/zones.h"
#include "nft/uapi.h"

#include <errno.h>
#include <libnftnl/expr.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "nft/conntrack.h"
#include "nft/parsed.h"
#include "nft/ruleset.h"
#include "policy/conversation.h"

struct search {
	struct em_conversations conversations;
	bool wanted[UINT16_MAX + 1]; /* by zone */
	uint16_t taken;		     /* the zone that was found; 0: none */
	char by[128];		     /* the rules that it was found in */
	uint16_t value;		     /* of the immediate expression before; 0: none */
};

/* Entries. */

static bool note_entry(void *context, const struct em_conntrack *entry)
{
	struct search *search = context;

	if (search->taken || em_conntrack_is_ours(entry, &search->conversations))
		return true;
	if (search->wanted[entry->zone])
		search->taken = entry->zone;
	else if (search->wanted[entry->reply_zone])
		search->taken = entry->reply_zone;
	return true;
}

/* Rules. */

static bool is_ours(struct nftnl_rule *rule)
{
	uint32_t family = nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY);

	return (family == NFPROTO_NETDEV || family == NFPROTO_INET) &&
	       strcmp(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE), EM_RULESET_TABLE) == 0;
}

/* `ct zone set 6001` is a value put into a register, and the zone taken from there. */
static int read_expression(struct nftnl_expr *expression, void *data)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
	struct search *search = data;
	uint32_t length = 0;
	const void *value;

	if (strcmp(name, "immediate") == 0) {
		value = nftnl_expr_get(expression, NFTNL_EXPR_IMM_DATA, &length);
		search->value = 0;
		if (value && length >= sizeof(search->value))
			memcpy(&search->value, value, sizeof(search->value));
	} else if (strcmp(name, "ct") == 0 && nftnl_expr_is_set(expression, NFTNL_EXPR_CT_SREG) &&
		   nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_KEY) == NFT_CT_ZONE &&
		   search->wanted[search->value]) {
		search->taken = search->value;
	}
	return 0;
}

static void describe(struct search *search, struct nftnl_rule *rule)
{
	snprintf(search->by, sizeof(search->by), "table %s, chain %s",
		 nftnl_rule_get_str(rule, NFTNL_RULE_TABLE),
		 nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN));
}

static int read_rule(const struct nlmsghdr *message, void *data)
{
	struct nftnl_rule *rule __attribute__((cleanup(em_parsed_rule_freep))) = NULL;
	struct search *search = data;
	int result = em_parsed_rule(&rule, message);

	if (rule && !search->taken && !is_ours(rule)) {
		search->value = 0;
		nftnl_expr_foreach(rule, read_expression, search);
		if (search->taken)
			describe(search, rule);
	}
	return result;
}

static int search_rules(struct search *search, struct em_netlink *netlink)
{
	const struct em_query rules = {.subsystem = NFNL_SUBSYS_NFTABLES,
				       .type = NFT_MSG_GETRULE,
				       .family = NFPROTO_UNSPEC,
				       .flags = NLM_F_DUMP};
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < EM_DUMP_TRIES; i++) {
		search->taken = 0;
		rc = em_netlink_query(netlink, &rules, read_rule, search);
	}
	return rc;
}

/* Both. */

static bool sorts_to(const struct em_action *action, uint16_t target)
{
	return action->verdict == EM_PORT && action->port == target;
}

static bool format_sorts_to(const struct em_format *format, uint16_t target)
{
	bool found = sorts_to(&format->unknown, target);

	for (size_t i = 0; !found && i < format->n_entities; i++)
		found = sorts_to(&format->entities[i].action, target);
	return found;
}

const struct em_listener *em_zones_listener(const struct em_policy *policy, uint16_t target)
{
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		if (!listener->replies)
			continue;
		if (sorts_to(&listener->invalid, target))
			return listener;
		for (size_t f = 0; f < listener->n_formats; f++)
			if (format_sorts_to(&listener->formats[f], target))
				return listener;
	}
	return em_conversation_first(policy);
}

static int lacks(const struct em_policy *policy, const struct search *search,
		 struct em_outcome *outcome)
{
	const struct em_place *place = &em_zones_listener(policy, search->taken)->replies_place;

	if (search->by[0])
		return em_outcome_lacks(
			outcome, place,
			"replies from port %u need conntrack zone %u, which rules of "
			"somebody else set: %s",
			search->taken, search->taken, search->by);
	return em_outcome_lacks(outcome, place,
				"replies from port %u need conntrack zone %u, which somebody else "
				"uses; see conntrack -L -w %u",
				search->taken, search->taken, search->taken);
}

static int report(struct em_diag *diag, int rc, const char *what)
{
	struct em_refusal refusal = {rc, {.what = what}};

	return em_netlink_report(diag, &refusal);
}

static int check(struct search *search, struct em_netlink *netlink, const struct em_policy *policy,
		 struct em_outcome *outcome, struct em_diag *diag)
{
	int rc = em_conntrack_list(netlink, note_entry, search);

	if (rc == -EINVAL || rc == -EOPNOTSUPP)
		return em_outcome_lacks(outcome, &em_conversation_first(policy)->replies_place,
					"replies need conntrack's netlink (ctnetlink), which this "
					"kernel lacks");
	if (rc)
		return report(diag, rc, "list conntrack");
	if (!search->taken) {
		rc = search_rules(search, netlink);
		if (rc)
			return report(diag, rc, "list the rules");
	}
	return search->taken ? lacks(policy, search, outcome) : 0;
}

int em_zones_check(struct em_netlink *netlink, const struct em_policy *policy,
		   struct em_outcome *outcome, struct em_diag *diag)
{
	struct search search = {0};
	int rc = em_conversations_init(&search.conversations, policy);

	if (rc)
		return report(diag, rc, "list conntrack");
	for (size_t i = 0; i < search.conversations.n; i++)
		search.wanted[search.conversations.all[i].target] = true;
	rc = check(&search, netlink, policy, outcome, diag);
	em_conversations_clear(&search.conversations);
	return rc;
}
