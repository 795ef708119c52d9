/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * others_rule - what a rule of somebody else may do with UDP datagrams to some ports.
 *
 * Understood are comparisons of the protocol and of the UDP destination port with values, of nft
 * and of iptables-nft.  Whatever else a rule compares may hold.
 */
#ifndef EM_NFT_OTHERS_RULE_H
#define EM_NFT_OTHERS_RULE_H

#include <libnftnl/rule.h>
#include <stdbool.h>
#include <stdint.h>

struct em_others_rule {
	bool udp;	   /* UDP datagrams may match: */
	uint16_t low;	   /* those to these ports, inclusive; low > high: none */
	uint16_t high;	   /* likewise */
	bool translates;   /* the destination: DNAT, or a redirection to this host */
	bool untracks;	   /* keeps them from conntrack */
	bool dispatches;   /* may lead to any chain of its table, by a map */
	const char *leads; /* to this chain; the rule's own; NULL: to none */
};

void em_others_rule_read(struct em_others_rule *out, struct nftnl_rule *rule);

#endif
