/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * remember - the rules at ingress that fill the sets of conversations; see ruleset.h.
 */
#include <linux/if_packet.h>

#include "nft/answers.h"

static bool is_own(const struct em_listener *listener, const struct em_action *action)
{
	return action->verdict == EM_PORT && action->port == listener->port;
}

/* Whether something is sorted to the port that it came for: that is no conversation. */
static bool sorts_to_itself(const struct em_listener *listener)
{
	bool found = is_own(listener, &listener->invalid);

	for (size_t f = 0; !found && f < listener->n_formats; f++) {
		const struct em_format *format = &listener->formats[f];

		found = is_own(listener, &format->unknown);
		for (size_t i = 0; !found && i < format->n_entities; i++)
			found = is_own(listener, &format->entities[i].action);
	}
	return found;
}

struct em_identifier em_build_remember_name(const struct em_builder *b)
{
	return em_build_listener_name(b, "remember");
}

static void rule_remember(struct em_builder *b, const struct em_layout *ip, const char *set,
			  uint32_t seconds)
{
	em_build_rule(b, &b->listener->replies_place);
	em_answers_add_keyed(b, EM_STATEMENT_UPDATE, ip, false, set, b->listener->port)->seconds =
		seconds;
	em_build_add(b, EM_STATEMENT_ACCEPT);
}

static struct em_identifier asked_name(const struct em_builder *b, const struct em_layout *ip)
{
	return em_build_listener_name(b, ip == &em_answers_ip4 ? "asked4" : "asked6");
}

static struct em_identifier link_name(const struct em_builder *b)
{
	return em_build_listener_name(b, "remember-link");
}

static void chain_asked(struct em_builder *b, const struct em_layout *ip)
{
	em_build_chain(b, asked_name(b, ip));
	if (ip == &em_answers_ip6)
		em_answers_link(b, &b->listener->replies_place, false, link_name(b));
	rule_remember(b, ip, ip->groups, b->listener->flow_timeout);
}

/* By the address, where there is no frame that says so. */
static void rule_asked(struct em_builder *b, const struct em_layout *ip)
{
	struct em_load first = em_answers_address(EM_FIELD_NETWORK, ip->destination, ip);
	struct em_statement *match;

	first.length = 1;
	em_build_rule(b, &b->listener->replies_place);
	/* nft would list a range of one value as that value. */
	match = em_build_match(
		b, ip->group_low == ip->group_high ? EM_STATEMENT_EQUAL : EM_STATEMENT_RANGE,
		first);
	match->low[0] = ip->group_low;
	match->high[0] = ip->group_high;
	em_build_target(b, EM_STATEMENT_GOTO, asked_name(b, ip));
}

/* A full set breaks off its rule alone: the datagram is sorted all the same. */
static void chain_remember(struct em_builder *b, const struct em_layout *ip,
			   struct em_identifier name)
{
	em_build_chain(b, name);
	if (ip == &em_answers_ip6)
		em_answers_link(b, &b->listener->replies_place, false, link_name(b));
	if (ip->groups)
		rule_asked(b, ip);
	rule_remember(b, ip, ip->conversations, b->listener->flow_timeout);
	rule_remember(b, ip, ip->overflow, em_answers_overflow_seconds(b->listener->flow_timeout));
}

/* Frames for many hosts. */
static void rule_frames(struct em_builder *b, const struct em_place *place)
{
	struct em_identifier asked = em_build_listener_name(b, "asked");
	struct em_statement *dispatch;

	em_build_rule(b, place);
	dispatch = em_build_match(b, EM_STATEMENT_DISPATCH, em_build_field(EM_FIELD_PKTTYPE));
	em_answers_add_byte(b, dispatch, PACKET_BROADCAST, asked);
	em_answers_add_byte(b, dispatch, PACKET_MULTICAST, asked);
}

/* What is for this host alone, from anywhere but a link-local address. */
static void rule_plain(struct em_builder *b, const struct em_layout *ip)
{
	struct em_load group = em_answers_address(EM_FIELD_NETWORK, ip->destination, ip);

	em_build_rule(b, &b->listener->replies_place);
	em_build_match(b, EM_STATEMENT_EQUAL, em_build_field(EM_FIELD_PKTTYPE))->low[0] =
		PACKET_HOST;
	em_answers_version(b, ip);
	if (ip == &em_answers_ip6)
		em_answers_not_link(b, false);
	group.length = 1;
	group.masked = ip->group_low != ip->group_high;
	group.mask[0] = ip->group_low;
	em_build_match(b, EM_STATEMENT_NOT_EQUAL, group)->low[0] = ip->group_low;
	em_answers_add_keyed(b, EM_STATEMENT_UPDATE, ip, false, ip->conversations,
			     b->listener->port)
		->seconds = b->listener->flow_timeout;
	em_build_add(b, EM_STATEMENT_ACCEPT);
}

void em_build_remember(struct em_builder *b)
{
	const struct em_place *place = &b->listener->replies_place;
	struct em_identifier to4 = em_build_listener_name(b, "remember4");
	struct em_identifier to6 = em_build_listener_name(b, "remember6");

	em_build_chain(b, em_build_remember_name(b));
	if (sorts_to_itself(b->listener)) {
		em_build_rule(b, place);
		em_build_u16(b, EM_STATEMENT_EQUAL, EM_FIELD_UDP_DPORT, b->listener->port);
		em_build_add(b, EM_STATEMENT_ACCEPT);
	}
	rule_plain(b, &em_answers_ip4);
	rule_plain(b, &em_answers_ip6);
	rule_frames(b, place);
	em_answers_dispatch(b, place, to4, to6);
	chain_remember(b, &em_answers_ip4, to4);
	chain_remember(b, &em_answers_ip6, to6);
	if (!b->ruleset->form.joined)
		chain_remember(b, &em_answers_link_local, link_name(b));
	em_build_chain(b, em_build_listener_name(b, "asked"));
	em_answers_dispatch(b, place, asked_name(b, &em_answers_ip4),
			    asked_name(b, &em_answers_ip6));
	chain_asked(b, &em_answers_ip4);
	chain_asked(b, &em_answers_ip6);
}
