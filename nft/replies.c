/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * replies - table inet: what conntrack is told of the datagrams that were marked at ingress; see
 * ruleset.h.
 */
#include <errno.h>
#include <netinet/in.h>

#include "nft/build.h"
#include "policy/conversation.h"

static struct em_identifier zone_chain(const struct em_builder *b,
				       const struct em_listener *listener)
{
	return (struct em_identifier){
		.generation = b->ruleset->generation, .role = "zone", .owner = listener->name};
}

static struct em_identifier translate_chain(const struct em_builder *b, uint32_t timeout)
{
	struct em_identifier name = em_ruleset_entry(b->ruleset->generation, EM_BASE_NAT);

	name.number = timeout;
	return name;
}

/* Before conntrack. */

static void chain_marked(struct em_builder *b, const struct em_place *place)
{
	const struct em_policy *policy = b->ruleset->policy;
	struct em_load mark = em_build_field(EM_FIELD_MARK);
	struct em_statement *dispatch;

	mark.masked = true;
	em_build_number(mark.mask, EM_MARK_MASK, 4);
	em_build_chain(b, em_ruleset_entry(b->ruleset->generation, EM_BASE_RAW));
	em_build_rule(b, place);
	dispatch = em_build_match(b, EM_STATEMENT_DISPATCH, mark);
	for (size_t i = 0; i < policy->n_listeners; i++) {
		uint8_t key[4];

		em_build_number(key, em_ruleset_mark(b->ruleset->generation, i), sizeof(key));
		if (policy->listeners[i].replies)
			em_build_entry(b, dispatch, key, sizeof(key),
				       zone_chain(b, &policy->listeners[i]));
	}
}

static void chain_zone(struct em_builder *b)
{
	const struct em_listener *listener = b->listener;
	struct em_statement *statement;

	em_build_chain(b, zone_chain(b, listener));
	em_build_rule(b, &listener->replies_place);
	em_build_mark(b, 0);
	em_build_rule(b, &listener->replies_place);
	statement = em_build_lookup(b, EM_STATEMENT_SET_MAPPED,
				    em_ruleset_zones(b->ruleset->generation, listener));
	statement->written = EM_FIELD_ZONE;
	em_build_add(b, EM_STATEMENT_ACCEPT);
	if (listener->unknown.verdict != EM_PORT)
		return;
	em_build_rule(b, &listener->replies_place);
	statement = em_build_add(b, EM_STATEMENT_SET);
	statement->written = EM_FIELD_ZONE;
	em_build_number(statement->low, em_ruleset_zone(listener, listener->unknown.port), 2);
}

/* Behind conntrack. */

static void add_timeout(struct em_builder *b, uint32_t seconds)
{
	struct em_ruleset *ruleset = b->ruleset;
	uint32_t *element;

	for (size_t i = 0; i < ruleset->n_timeouts; i++)
		if (ruleset->timeouts[i] == seconds)
			return;
	element = em_build_append(&ruleset->timeouts, &ruleset->n_timeouts, sizeof(*element));
	if (element)
		*element = seconds;
	else
		b->error = -ENOMEM;
}

static void all_conversations(struct em_builder *b)
{
	struct em_conversations *conversations = &b->ruleset->conversations;

	if (b->error)
		return;
	b->error = em_conversations_init(conversations, b->ruleset->policy);
	for (size_t i = 0; !b->error && i < conversations->n; i++)
		add_timeout(b, conversations->all[i].timeout);
}

static void chain_translate(struct em_builder *b, const struct em_place *place)
{
	uint32_t generation = b->ruleset->generation;

	em_build_chain(b, em_ruleset_entry(generation, EM_BASE_NAT));
	for (size_t t = 0; t < b->ruleset->n_timeouts; t++) {
		uint32_t seconds = b->ruleset->timeouts[t];
		struct em_statement *in;

		em_build_rule(b, place);
		in = em_build_match(b, EM_STATEMENT_IN, em_build_field(EM_FIELD_UDP_DPORT));
		in->loads[in->n_loads++] = em_build_field(EM_FIELD_ZONE);
		in->target = em_ruleset_conversations(generation, seconds);
		em_build_target(b, EM_STATEMENT_GOTO, translate_chain(b, seconds));
	}
}

static void rule_timeout(struct em_builder *b, const struct em_place *place, uint32_t seconds,
			 uint8_t family)
{
	em_build_rule(b, place);
	em_build_match(b, EM_STATEMENT_EQUAL, em_build_field(EM_FIELD_NFPROTO))->low[0] = family;
	em_build_target(b, EM_STATEMENT_TIMEOUT, em_ruleset_timeout(seconds, family));
}

static void chain_translate_within(struct em_builder *b, const struct em_place *place,
				   uint32_t seconds)
{
	em_build_chain(b, translate_chain(b, seconds));
	rule_timeout(b, place, seconds, AF_INET);
	rule_timeout(b, place, seconds, AF_INET6);
	em_build_rule(b, place);
	em_build_match(b, EM_STATEMENT_EQUAL, em_build_field(EM_FIELD_L4PROTO))->low[0] =
		IPPROTO_UDP;
	em_build_match(b, EM_STATEMENT_TRANSLATE, em_build_field(EM_FIELD_ZONE))->target =
		em_ruleset_ports(b->ruleset->generation);
}

void em_build_replies(struct em_builder *b)
{
	const struct em_policy *policy = b->ruleset->policy;
	const struct em_listener *first = em_conversation_first(policy);
	const struct em_place *place = &b->ruleset->replies_place;

	if (!first)
		return;
	b->table = EM_TABLE_INET;
	b->ruleset->replies = true;
	b->ruleset->replies_place = first->replies_place;
	all_conversations(b);
	chain_marked(b, place);
	for (size_t i = 0; i < policy->n_listeners; i++) {
		b->listener = &policy->listeners[i];
		if (b->listener->replies)
			chain_zone(b);
	}
	chain_translate(b, place);
	for (size_t t = 0; t < b->ruleset->n_timeouts; t++)
		chain_translate_within(b, place, b->ruleset->timeouts[t]);
}
