/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "nft/translations.h"
#include "nft/uapi.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "nft/build.h"
#include "nft/others_rule.h"
#include "nft/parsed.h"
#include "nft/zones.h"
#include "policy/conversation.h"

/* By port. */
enum { KNOWN = 1, TARGET = 2 };

struct ports {
	uint8_t roles[UINT16_MAX + 1];
};

struct rule {
	struct nftnl_rule *rule; /* owned */
	struct em_others_rule may;
	bool seen;
};

struct search {
	struct ports ports;
	struct nftnl_chain **bases; /* owned; to which no rule can lead */
	size_t n_bases;
	size_t n_translating; /* of these, those of others that translate destinations */
	struct rule *rules;   /* owned; of others, that may do something with the ports */
	size_t n_rules;
};

/* What has been found. */
struct found {
	struct nftnl_rule *rule; /* NULL: nothing; the search's */
	uint16_t port;
};

static void clear_bases(struct search *search)
{
	while (search->n_bases)
		nftnl_chain_free(search->bases[--search->n_bases]);
	free(search->bases);
	search->bases = NULL;
	search->n_translating = 0;
}

static void clear_rules(struct search *search)
{
	while (search->n_rules)
		nftnl_rule_free(search->rules[--search->n_rules].rule);
	free(search->rules);
	search->rules = NULL;
}

static void clear(struct search *search)
{
	clear_bases(search);
	clear_rules(search);
}

/* Ports. */

static int read_policy(struct ports *ports, const struct em_policy *policy)
{
	struct em_conversations conversations;
	int rc = em_conversations_init(&conversations, policy);

	for (size_t i = 0; !rc && i < conversations.n; i++) {
		ports->roles[conversations.all[i].known] |= KNOWN;
		ports->roles[conversations.all[i].target] |= TARGET;
	}
	em_conversations_clear(&conversations);
	return rc;
}

static int read_key(const struct nlattr *attribute, void *data)
{
	const struct nlattr *value = mnl_attr_get_payload(attribute);
	const uint8_t *key = mnl_attr_get_payload(value);
	struct ports *ports = data;
	uint16_t zone;

	/* The port that is known in the order of the wire, and the zone in that of the host. */
	if (mnl_attr_get_type(attribute) != NFTA_SET_ELEM_KEY ||
	    mnl_attr_get_payload_len(value) < 6)
		return MNL_CB_OK;
	ports->roles[key[0] << 8 | key[1]] |= KNOWN;
	memcpy(&zone, key + 4, sizeof(zone));
	ports->roles[zone] |= TARGET;
	return MNL_CB_OK;
}

static int read_element(const struct nlattr *element, void *data)
{
	return mnl_attr_parse_nested(element, read_key, data);
}

static int read_list(const struct nlattr *attribute, void *data)
{
	if (mnl_attr_get_type(attribute) != NFTA_SET_ELEM_LIST_ELEMENTS)
		return MNL_CB_OK;
	return mnl_attr_parse_nested(attribute, read_element, data);
}

static int read_elements(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct nfgenmsg), read_list, data);
}

static void name_set(struct nlmsghdr *message, const void *context)
{
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, EM_RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, context);
}

/* Those of the sets of conversations. */
static int read_sets(struct ports *ports, struct em_netlink *netlink,
		     const struct em_inventory *inet, uint32_t generation)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < inet->n_objects; i++) {
		const struct em_inventory_object *object = &inet->objects[i];
		const struct em_query elements = {.subsystem = NFNL_SUBSYS_NFTABLES,
						  .type = NFT_MSG_GETSETELEM,
						  .family = NFPROTO_INET,
						  .flags = NLM_F_DUMP,
						  .attributes = name_set,
						  .context = object->name};

		if (object->kind != EM_OBJECT_SET || object->generation != generation)
			continue;
		rc = -EINTR;
		for (int t = 0; rc == -EINTR && t < EM_DUMP_TRIES; t++)
			rc = em_netlink_query(netlink, &elements, read_elements, ports);
	}
	return rc;
}

/* The first port of the roles that a rule may match; 0: none. */
static uint16_t port_of(const struct ports *ports, const struct em_others_rule *may, uint8_t roles)
{
	for (uint32_t port = may->low; may->udp && port <= may->high; port++)
		if (ports->roles[port] & roles)
			return port;
	return 0;
}

/* Chains and rules. */

static bool translates(const struct nftnl_chain *chain)
{
	uint32_t family = nftnl_chain_get_u32(chain, NFTNL_CHAIN_FAMILY);

	if (family != NFPROTO_IPV4 && family != NFPROTO_IPV6 && family != NFPROTO_INET)
		return false;
	if (family == NFPROTO_INET &&
	    !strcmp(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE), EM_RULESET_TABLE))
		return false;
	return nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM) == NF_INET_PRE_ROUTING &&
	       !strcmp(nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE), "nat");
}

static int note_chain(const struct nlmsghdr *message, void *data)
{
	struct nftnl_chain *chain __attribute__((cleanup(em_parsed_chain_freep))) = NULL, **base;
	struct search *search = data;
	int result = em_parsed_chain(&chain, message);

	if (!chain || !nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM))
		return result;
	base = em_build_append(&search->bases, &search->n_bases, sizeof(struct nftnl_chain *));
	if (!base)
		return MNL_CB_ERROR;
	search->n_translating += translates(chain);
	*base = chain;
	chain = NULL;
	return MNL_CB_OK;
}

static int note_rule(const struct nlmsghdr *message, void *data)
{
	struct search *search = data;
	struct nftnl_rule *rule __attribute__((cleanup(em_parsed_rule_freep))) = NULL;
	int result = em_parsed_rule(&rule, message);
	struct em_others_rule may;
	struct rule *kept;

	if (!rule || !strcmp(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE), EM_RULESET_TABLE))
		return result;
	em_others_rule_read(&may, rule);
	if (!port_of(&search->ports, &may, KNOWN | TARGET) ||
	    !(may.translates || may.untracks || may.dispatches || may.leads))
		return MNL_CB_OK;
	kept = em_build_append(&search->rules, &search->n_rules, sizeof(*kept));
	if (!kept)
		return MNL_CB_ERROR;
	*kept = (struct rule){.rule = rule, .may = may};
	rule = NULL;
	return MNL_CB_OK;
}

static int list(struct search *search, struct em_netlink *netlink, uint8_t type)
{
	const struct em_query all = {.subsystem = NFNL_SUBSYS_NFTABLES,
				     .type = type,
				     .family = NFPROTO_UNSPEC,
				     .flags = NLM_F_DUMP};
	bool chains = type == NFT_MSG_GETCHAIN;
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < EM_DUMP_TRIES; i++) {
		chains ? clear_bases(search) : clear_rules(search);
		rc = em_netlink_query(netlink, &all, chains ? note_chain : note_rule, search);
	}
	/* The kernel has netfilter, but no nf_tables. */
	return rc == -EINVAL || rc == -EOPNOTSUPP ? 0 : rc;
}

static bool is_at(const struct rule *rule, const struct nftnl_chain *base, const char *chain)
{
	return nftnl_rule_get_u32(rule->rule, NFTNL_RULE_FAMILY) ==
		       nftnl_chain_get_u32(base, NFTNL_CHAIN_FAMILY) &&
	       !strcmp(nftnl_rule_get_str(rule->rule, NFTNL_RULE_TABLE),
		       nftnl_chain_get_str(base, NFTNL_CHAIN_TABLE)) &&
	       !strcmp(nftnl_rule_get_str(rule->rule, NFTNL_RULE_CHAIN), chain);
}

/* Whether it is where a map may lead to. */
static bool is_within(const struct search *search, const struct rule *rule,
		      const struct nftnl_chain *base)
{
	for (size_t i = 0; i < search->n_bases; i++)
		if (is_at(rule, search->bases[i],
			  nftnl_chain_get_str(search->bases[i], NFTNL_CHAIN_NAME)))
			return false;
	return is_at(rule, base, nftnl_rule_get_str(rule->rule, NFTNL_RULE_CHAIN));
}

/*
 * Follows a packet from a chain (NULL: from any of the table) that leads from the base chain.  Ends
 * because no rule is looked at twice.
 */
static void follow(struct search *search, const struct nftnl_chain *base, const char *chain,
		   struct found *found)
{
	bool early = nftnl_chain_get_s32(base, NFTNL_CHAIN_PRIO) <=
		     em_ruleset_bases[EM_BASE_NAT].priority;

	for (size_t i = 0; !found->rule && i < search->n_rules; i++) {
		struct rule *rule = &search->rules[i];
		uint16_t port;

		if (rule->seen ||
		    !(chain ? is_at(rule, base, chain) : is_within(search, rule, base)))
			continue;
		port = port_of(&search->ports, &rule->may, early ? KNOWN | TARGET : TARGET);
		if (!port)
			continue;
		rule->seen = true;
		if (rule->may.translates)
			*found = (struct found){rule->rule, port};
		else if (rule->may.dispatches || rule->may.leads)
			follow(search, base, rule->may.leads, found);
	}
}

static void follow_all(struct search *search, struct found *found)
{
	for (size_t b = 0; !found->rule && b < search->n_bases; b++) {
		if (!translates(search->bases[b]))
			continue;
		for (size_t i = 0; i < search->n_rules; i++)
			search->rules[i].seen = false;
		follow(search, search->bases[b],
		       nftnl_chain_get_str(search->bases[b], NFTNL_CHAIN_NAME), found);
	}
}

static int find(struct search *search, struct em_netlink *netlink, struct found *found)
{
	int rc = list(search, netlink, NFT_MSG_GETRULE);

	if (!rc)
		follow_all(search, found);
	return rc;
}

/* What there is to say. */

static const char *family_of(struct nftnl_rule *rule)
{
	switch (nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY)) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	default:
		return "inet";
	}
}

static void describe(char *text, size_t size, const struct found *found)
{
	snprintf(text, size,
		 "replies translate port %u, and so may a rule of others, of which only the first "
		 "counts; clear it with: nft delete rule %s %s %s handle %llu",
		 found->port, family_of(found->rule),
		 nftnl_rule_get_str(found->rule, NFTNL_RULE_TABLE),
		 nftnl_rule_get_str(found->rule, NFTNL_RULE_CHAIN),
		 (unsigned long long)nftnl_rule_get_u64(found->rule, NFTNL_RULE_HANDLE));
}

static int report(struct em_diag *diag, int rc)
{
	return em_diag_errno(diag, rc, NULL, "nftables: cannot look for translations of others");
}

static const struct em_place *place_of(const struct em_policy *policy, uint16_t port)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		if (policy->listeners[i].replies && policy->listeners[i].port == port)
			return &policy->listeners[i].replies_place;
	return &em_zones_listener(policy, port)->replies_place;
}

int em_translations_check(struct em_netlink *netlink, const struct em_policy *policy,
			  struct em_outcome *outcome, struct em_diag *diag)
{
	struct search search __attribute__((cleanup(clear))) = {.n_bases = 0};
	struct found found = {NULL, 0};
	char text[sizeof(outcome->lacking)];
	int rc = read_policy(&search.ports, policy);

	if (!rc)
		rc = list(&search, netlink, NFT_MSG_GETCHAIN);
	if (!rc && search.n_translating)
		rc = find(&search, netlink, &found);
	if (rc)
		return report(diag, rc);
	if (!found.rule)
		return 0;
	describe(text, sizeof(text), &found);
	return em_outcome_lacks(outcome, place_of(policy, found.port), "%s", text);
}

int em_translations_inspect(struct em_fault *fault, struct em_netlink *netlink,
			    const struct em_inventory *inet, uint32_t generation,
			    struct em_diag *diag)
{
	struct search search __attribute__((cleanup(clear))) = {.n_bases = 0};
	struct found found = {NULL, 0};
	int rc;

	if (!inet->present)
		return 0;
	rc = list(&search, netlink, NFT_MSG_GETCHAIN);
	if (!rc && search.n_translating)
		rc = read_sets(&search.ports, netlink, inet, generation);
	if (!rc && search.n_translating)
		rc = find(&search, netlink, &found);
	if (rc)
		return report(diag, rc);
	if (found.rule)
		describe(fault->text, sizeof(fault->text), &found);
	return 0;
}

/* Warnings. */

static bool has_legacy_nat(const char *path)
{
	FILE *file __attribute__((cleanup(em_fclosep))) = fopen(path, "re");
	char name[64];

	while (file && fscanf(file, "%63s", name) == 1)
		if (!strcmp(name, "nat"))
			return true;
	return false;
}

static void warn_legacy(const struct em_place *place, struct em_diag *diag)
{
	static const char *const names[][2] = {
		{"/proc/net/ip_tables_names", "iptables"},
		{"/proc/net/ip6_tables_names", "ip6tables"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (has_legacy_nat(names[i][0]))
			em_diag_warning(diag, place,
					"rules of legacy %s are not looked at: one that translates "
					"the port of an entity does nothing beside replies; see "
					"%s-legacy -t nat -S",
					names[i][1], names[i][1]);
}

void em_translations_warn(struct em_netlink *netlink, const struct em_policy *policy,
			  struct em_diag *diag)
{
	struct search search __attribute__((cleanup(clear))) = {.n_bases = 0};
	const struct em_listener *first = em_conversation_first(policy);

	if (!first)
		return;
	warn_legacy(&first->replies_place, diag);
	if (read_policy(&search.ports, policy) || list(&search, netlink, NFT_MSG_GETRULE))
		return;
	for (size_t i = 0; i < search.n_rules; i++)
		if (search.rules[i].may.untracks)
			em_diag_warning(
				diag, &first->replies_place,
				"table %s %s, chain %s has a rule that may keep datagrams of the "
				"listener from conntrack: they would not be sorted",
				family_of(search.rules[i].rule),
				nftnl_rule_get_str(search.rules[i].rule, NFTNL_RULE_TABLE),
				nftnl_rule_get_str(search.rules[i].rule, NFTNL_RULE_CHAIN));
}
