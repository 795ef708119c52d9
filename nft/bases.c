/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * bases - the base chains of a ruleset.
 */
#include "nft/build.h"
#include "nft/uapi.h"

#include <limits.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

/* NF_IP_PRI_RAW of the kernel: before what other tables usually do at ingress, and conntrack. */
#define RAW (-300)
/* NF_IP_PRI_NAT_DST */
#define NAT_DST (-100)
/* Behind what other tables usually do at egress. */
#define LAST 300

#define ADD "add base chain"

const struct em_base em_ruleset_bases[EM_BASES] = {
	[EM_BASE_HEADERS] = {EM_TABLE_NETDEV, "headers", NULL, "filter", "ingress",
			     NF_NETDEV_INGRESS, RAW - 1, EM_STATEMENT_GOTO, "pull", ADD},
	[EM_BASE_SORT] = {EM_TABLE_NETDEV, "ingress", NULL, "filter", "ingress", NF_NETDEV_INGRESS,
			  RAW, EM_STATEMENT_GOTO, "dispatch", ADD},
	[EM_BASE_EGRESS] = {EM_TABLE_NETDEV, "egress", NULL, "filter", "egress", NF_NETDEV_EGRESS,
			    LAST, EM_STATEMENT_GOTO, "leaving", ADD},
	[EM_BASE_LAST] = {EM_TABLE_NETDEV, "last", NULL, "filter", "ingress", NF_NETDEV_INGRESS,
			  INT_MAX, EM_STATEMENT_JUMP, "forward", ADD},
	[EM_BASE_COPIES] = {EM_TABLE_NETDEV, "copies", NULL, "filter", "egress", NF_NETDEV_EGRESS,
			    0, EM_STATEMENT_JUMP, "copier", ADD},
	[EM_BASE_RAW] = {EM_TABLE_INET, "raw", "prerouting", "filter", "prerouting",
			 NF_INET_PRE_ROUTING, RAW, EM_STATEMENT_JUMP, "marked", ADD},
	/* Before 5.2, families ip and ip6 have such chains, and family inet has none. */
	[EM_BASE_NAT] = {EM_TABLE_INET, "nat", "prerouting", "nat", "prerouting",
			 NF_INET_PRE_ROUTING, NAT_DST, EM_STATEMENT_JUMP, "translate",
			 "translate ports in family inet (add a base chain of type nat)"},
};

struct em_identifier em_ruleset_base(enum em_base_kind which, const char *interface)
{
	const struct em_base *base = &em_ruleset_bases[which];

	return (struct em_identifier){.role = base->role,
				      .owner = base->owner ? base->owner : interface};
}

const struct em_base *em_ruleset_find_base(enum em_table table, const char *name,
					   const char *device)
{
	for (enum em_base_kind which = 0; which < EM_BASES; which++) {
		struct em_identifier expected = em_ruleset_base(which, device);
		char text[EM_IDENTIFIER_MAX];

		if (em_ruleset_bases[which].table == table &&
		    strcmp(em_identifier_format(&expected, text), name) == 0)
			return &em_ruleset_bases[which];
	}
	return NULL;
}

struct em_identifier em_ruleset_entry(uint32_t generation, enum em_base_kind which,
				      const char *interface)
{
	return (struct em_identifier){.generation = generation,
				      .role = em_ruleset_bases[which].entry,
				      .owner = interface};
}

/* The port of all listeners of the interface; 0: they have several. */
static uint16_t only_port(const struct em_policy *policy, const char *interface)
{
	uint16_t port = 0;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		if (!em_listener_on(listener, interface))
			continue;
		if (port && port != listener->port)
			return 0;
		port = listener->port;
	}
	return port;
}

/* What the packets of others do not meet, which go on at once. */
static void add_guard(struct em_builder *b, enum em_base_kind which, const char *interface)
{
	uint16_t port;

	if (which == EM_BASE_HEADERS)
		em_build_u16(b, EM_STATEMENT_EQUAL, EM_FIELD_PROTOCOL, ETH_P_IPV6);
	if (which != EM_BASE_SORT)
		return;
	port = only_port(b->ruleset->policy, interface);
	if (port)
		em_build_u16(b, EM_STATEMENT_EQUAL, EM_FIELD_UDP_DPORT, port);
	else
		em_build_match(b, EM_STATEMENT_EQUAL, em_build_field(EM_FIELD_L4PROTO))->low[0] =
			IPPROTO_UDP;
}

void em_build_base(struct em_builder *b, enum em_base_kind which, const char *interface,
		   const struct em_place *place)
{
	const struct em_base *base = &em_ruleset_bases[which];

	b->table = base->table;
	em_build_chain(b, em_ruleset_base(which, interface));
	em_build_rule(b, place);
	add_guard(b, which, interface);
	em_build_target(b, base->leads, em_ruleset_entry(b->ruleset->generation, which, interface));
	if (b->error)
		return;
	b->ruleset->chains[b->ruleset->n_chains - 1].base = base;
	b->ruleset->chains[b->ruleset->n_chains - 1].device = interface;
}
