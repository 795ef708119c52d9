/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * dispatch - from an interface to the listener that a packet is for.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "nft/build.h"

#define VLAN_MAX	   4094
#define IP_FRAGMENT_OFFSET 0x1fff

static void add_u16_entry(struct em_builder *b, struct em_statement *dispatch, uint16_t key,
			  struct em_identifier chain)
{
	uint8_t bytes[2];

	em_build_number(bytes, key, 2);
	em_build_entry(b, dispatch, bytes, sizeof(bytes), chain);
}

static bool candidate(const struct em_listener *listener, const char *interface, uint16_t vlan)
{
	return listener->vlan == vlan && em_listener_on(listener, interface);
}

static struct em_identifier listener_chain(const struct em_builder *b,
					   const struct em_listener *listener)
{
	return (struct em_identifier){
		.generation = b->ruleset->generation, .role = "listener", .owner = listener->name};
}

/* `ip daddr . udp dport vmap { … }`, or the same for ip6, where a listener has such addresses. */
static void rule_addresses(struct em_builder *b, const char *interface, uint16_t vlan,
			   uint8_t family)
{
	const struct em_policy *policy = b->ruleset->policy;
	size_t length = family == AF_INET ? 4 : 16;
	struct em_statement *dispatch = NULL;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		if (!candidate(listener, interface, vlan))
			continue;
		for (size_t j = 0; j < listener->n_addresses; j++) {
			uint8_t key[20] = {0};

			if (listener->addresses[j].family != family)
				continue;
			if (!dispatch) {
				em_build_rule(b, &listener->place);
				dispatch = em_build_add(b, EM_STATEMENT_DISPATCH);
				dispatch->loads[0] = em_build_field(
					family == AF_INET ? EM_FIELD_IP_DADDR : EM_FIELD_IP6_DADDR);
				dispatch->loads[1] = em_build_field(EM_FIELD_UDP_DPORT);
				dispatch->n_loads = 2;
			}
			memcpy(key, listener->addresses[j].bytes, length);
			em_build_number(key + length, listener->port, 2);
			em_build_entry(b, dispatch, key, length + 2, listener_chain(b, listener));
		}
	}
}

static void rule_ports(struct em_builder *b, const char *interface, uint16_t vlan)
{
	const struct em_policy *policy = b->ruleset->policy;
	struct em_statement *dispatch = NULL;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		if (!candidate(listener, interface, vlan) || listener->n_addresses)
			continue;
		if (!dispatch) {
			em_build_rule(b, &listener->place);
			dispatch = em_build_match(b, EM_STATEMENT_DISPATCH,
						  em_build_field(EM_FIELD_UDP_DPORT));
		}
		add_u16_entry(b, dispatch, listener->port, listener_chain(b, listener));
	}
}

static const struct em_listener *first_candidate(const struct em_policy *policy,
						 const char *interface, uint16_t vlan)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		if (candidate(&policy->listeners[i], interface, vlan))
			return &policy->listeners[i];
	return NULL;
}

static void chain_addressed(struct em_builder *b, struct em_identifier name, const char *interface,
			    uint16_t vlan)
{
	em_build_chain(b, name);
	rule_addresses(b, interface, vlan, AF_INET);
	rule_addresses(b, interface, vlan, AF_INET6);
	rule_ports(b, interface, vlan);
}

static struct em_identifier vlan_chain(const struct em_builder *b, const char *interface,
				       uint16_t vlan)
{
	struct em_identifier name = em_build_interface_name(b, "vlan", interface);

	name.number = vlan;
	return name;
}

/*
 * Lets frames go that hold anything but IP. Newer kernels (seen on 7.2) look through a second VLAN
 * tag and through PPPoE, both for the transport header and for meta protocol: only the Ethernet
 * type itself tells what the frame holds.
 */
static void rule_accept_not_ip(struct em_builder *b, const struct em_place *place,
			       enum em_field type)
{
	em_build_rule(b, place);
	em_build_u16(b, EM_STATEMENT_NOT_EQUAL, type, ETH_P_IP);
	em_build_u16(b, EM_STATEMENT_NOT_EQUAL, type, ETH_P_IPV6);
	em_build_add(b, EM_STATEMENT_ACCEPT);
}

/* The chain that tells VLANs apart, and theirs. */
static void chains_tagged(struct em_builder *b, const char *interface)
{
	const struct em_policy *policy = b->ruleset->policy;
	struct em_statement *dispatch = NULL;

	for (uint16_t vlan = 1; vlan <= VLAN_MAX; vlan++) {
		const struct em_listener *listener = first_candidate(policy, interface, vlan);

		if (!listener)
			continue;
		if (!dispatch) {
			em_build_chain(b, em_build_interface_name(b, "tagged", interface));
			rule_accept_not_ip(b, &listener->place, EM_FIELD_VLAN_TYPE);
			em_build_rule(b, &listener->place);
			dispatch = em_build_match(b, EM_STATEMENT_DISPATCH,
						  em_build_field(EM_FIELD_VLAN_ID));
		}
		add_u16_entry(b, dispatch, vlan, vlan_chain(b, interface, vlan));
	}
	for (uint16_t vlan = 1; vlan <= VLAN_MAX; vlan++)
		if (first_candidate(policy, interface, vlan))
			chain_addressed(b, vlan_chain(b, interface, vlan), interface, vlan);
}

/* The frame holds the whole UDP header, and (see below) is not a later fragment. */
static void rule_in_frame(struct em_builder *b, const struct em_place *place)
{
	em_build_rule(b, place);
	em_build_match(b, EM_STATEMENT_IN_FRAME, (struct em_load){.length = EM_UDP_HEADER});
}

/*
 * What most datagrams are: without a VLAN tag, a fragment or a header of IPv6 between, and with a
 * checksum, so that the frame holds the UDP header.  What such a rule does not let through is
 * looked at by those behind it.  nft reads raw bytes back as such only where no rule has told the
 * protocol before; therefore the Ethernet type comes last.
 */
static void begin_plain(struct em_builder *b, const struct em_place *place, uint16_t ether_type)
{
	struct em_load load = {.field = EM_FIELD_NETWORK, .offset = 6, .length = 1};

	em_build_rule(b, place);
	em_build_u16(b, EM_STATEMENT_NOT_EQUAL, EM_FIELD_UDP_CHECKSUM, 0);
	if (ether_type == ETH_P_IP) {
		load.length = 2;
		load.masked = true;
		em_build_number(load.mask, IP_FRAGMENT_OFFSET, 2);
		em_build_match(b, EM_STATEMENT_EQUAL, load);
	} else {
		em_build_match(b, EM_STATEMENT_EQUAL, load)->low[0] = IPPROTO_UDP;
	}
	em_build_u16(b, EM_STATEMENT_EQUAL, EM_FIELD_ETHER_TYPE, ether_type);
}

/* The listener of all untagged datagrams that come to its port; NULL: there are others. */
static const struct em_listener *only_untagged(const struct em_policy *policy,
					       const char *interface)
{
	const struct em_listener *only = first_candidate(policy, interface, 0);

	for (size_t i = 0; i < policy->n_listeners; i++)
		if (em_listener_on(&policy->listeners[i], interface) &&
		    (policy->listeners[i].port != only->port ||
		     (&policy->listeners[i] != only && !policy->listeners[i].vlan)))
			return NULL;
	return only->n_addresses ? NULL : only;
}

static void rules_plain(struct em_builder *b, const char *interface, const struct em_place *place)
{
	static const uint16_t types[] = {ETH_P_IP, ETH_P_IPV6};

	b->listener = only_untagged(b->ruleset->policy, interface);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		begin_plain(b, place, types[i]);
		if (!b->listener)
			em_build_target(b, EM_STATEMENT_GOTO,
					em_build_interface_name(b, "untagged", interface));
		else if (em_build_can_sort(b))
			em_build_sort(b);
		else
			em_build_target(b, EM_STATEMENT_GOTO, listener_chain(b, b->listener));
	}
}

/*
 * A frame that is a later fragment, or that ends within the UDP header, is not ours; that it is
 * UDP, the base chain has seen to. The kernel has a short cut for loads of up to 4 bytes; this one
 * is of 8, and so it also refuses an IPv6 packet whose second fragment header marks it as a later
 * fragment.
 *
 * "Untagged" is tested as "no other Ethernet type than IP", not as "an Ethernet type of IP": on a
 * tunnel or WireGuard the IP header comes first, and a rule on the Ethernet type never matches.
 */
static void chain_dispatch(struct em_builder *b, const char *interface,
			   const struct em_place *place, bool untagged, bool tagged)
{
	em_build_chain(b, em_ruleset_entry(b->ruleset->generation, EM_BASE_SORT, interface));
	if (untagged)
		rules_plain(b, interface, place);
	em_build_rule(b, place);
	em_build_u16(b, EM_STATEMENT_NOT_EQUAL, EM_FIELD_IP_FRAG_OFF, 0);
	em_build_add(b, EM_STATEMENT_ACCEPT);
	em_build_rule(b, place);
	em_build_u16(b, EM_STATEMENT_NOT_EQUAL, EM_FIELD_IP6_FRAG_OFF, 0);
	em_build_add(b, EM_STATEMENT_ACCEPT);

	if (tagged) {
		rule_in_frame(b, place);
		em_build_u16(b, EM_STATEMENT_EQUAL, EM_FIELD_ETHER_TYPE, ETH_P_8021Q);
		em_build_target(b, EM_STATEMENT_GOTO,
				em_build_interface_name(b, "tagged", interface));
	}
	if (untagged) {
		rule_accept_not_ip(b, place, EM_FIELD_ETHER_TYPE);
		rule_in_frame(b, place);
		em_build_target(b, EM_STATEMENT_GOTO,
				em_build_interface_name(b, "untagged", interface));
	}
}

static void rule_pull(struct em_builder *b)
{
	em_build_match(b, EM_STATEMENT_COPY, em_build_field(EM_FIELD_IP6_HOPLIMIT))->written =
		EM_FIELD_IP6_HOPLIMIT;
}

/*
 * Newer kernels read behind a second VLAN tag or PPPoE, but write in front of it: what is not an
 * IPv6 packet by its Ethernet type is left alone.
 */
static void chain_pull(struct em_builder *b, const char *interface, const struct em_place *place,
		       bool untagged, bool tagged)
{
	em_build_chain(b, em_ruleset_entry(b->ruleset->generation, EM_BASE_HEADERS, interface));
	if (tagged) {
		em_build_rule(b, place);
		em_build_u16(b, EM_STATEMENT_EQUAL, EM_FIELD_VLAN_TYPE, ETH_P_IPV6);
		rule_pull(b);
	}
	if (untagged) {
		em_build_rule(b, place);
		em_build_u16(b, EM_STATEMENT_NOT_EQUAL, EM_FIELD_ETHER_TYPE, ETH_P_IPV6);
		em_build_add(b, EM_STATEMENT_ACCEPT);
		em_build_rule(b, place);
		rule_pull(b);
	}
}

void em_build_interface(struct em_builder *b, const char *interface)
{
	const struct em_policy *policy = b->ruleset->policy;
	const struct em_listener *first = NULL;
	bool untagged = false, tagged = false;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		if (!em_listener_on(listener, interface))
			continue;
		first = first ? first : listener;
		untagged |= listener->vlan == 0;
		tagged |= listener->vlan != 0;
	}
	chain_pull(b, interface, &first->place, untagged, tagged);
	chain_dispatch(b, interface, &first->place, untagged, tagged);
	if (untagged)
		chain_addressed(b, em_build_interface_name(b, "untagged", interface), interface, 0);
	if (tagged)
		chains_tagged(b, interface);
}
