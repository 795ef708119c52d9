/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replies - table inet: what conntrack is told of the datagrams that were marked at ingress; see
 * ruleset.h.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "build.h"
#include "conversation.h"

#define PORTS 65536

static struct em_identifier zone_chain(const struct em_builder *b,
				       const struct em_listener *listener)
{
	return (struct em_identifier){
		.generation = b->ruleset->generation, .role = "zone", .owner = listener->name};
}

static struct em_identifier targets_of(const struct em_builder *b,
				       const struct em_listener *listener)
{
	return (struct em_identifier){
		.generation = b->ruleset->generation, .role = "targets", .owner = listener->name};
}

static struct em_identifier all_ports(const struct em_builder *b)
{
	return (struct em_identifier){.generation = b->ruleset->generation, .role = "ports"};
}

static struct em_identifier translate_chain(const struct em_builder *b, uint32_t timeout)
{
	struct em_identifier name = em_ruleset_entry(b->ruleset->generation, EM_BASE_NAT);

	name.number = timeout;
	return name;
}

/* Target ports. */

static void mark_targets(bool seen[PORTS], const struct em_listener *listener)
{
	for (size_t i = 0; i < listener->n_entities; i++)
		seen[listener->entities[i].port] = true;
	if (listener->unknown == EM_PORT)
		seen[listener->unknown_port] = true;
}

static void add_targets(struct em_builder *b, struct em_identifier name,
			const struct em_place *place, const bool seen[PORTS])
{
	struct em_targets *targets;

	if (b->error)
		return;
	targets = em_build_append(&b->ruleset->targets, &b->ruleset->n_targets, sizeof(*targets));
	if (!targets) {
		b->error = -ENOMEM;
		return;
	}
	*targets = (struct em_targets){.name = name, .place = *place};
	for (unsigned int port = 1; port < PORTS; port++) {
		uint16_t *element;

		if (!seen[port])
			continue;
		element = em_build_append(&targets->ports, &targets->n_ports, sizeof(*element));
		if (!element) {
			b->error = -ENOMEM;
			return;
		}
		*element = port;
	}
}

/* Of each listener, and a map of those of all. */
static void all_targets(struct em_builder *b, const struct em_place *place)
{
	const struct em_policy *policy = b->ruleset->policy;
	bool seen[PORTS] = {false};

	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];
		bool own[PORTS] = {false};

		if (!listener->replies)
			continue;
		mark_targets(own, listener);
		mark_targets(seen, listener);
		add_targets(b, targets_of(b, listener), &listener->replies_place, own);
	}
	add_targets(b, all_ports(b), place, seen);
	if (!b->error)
		b->ruleset->targets[b->ruleset->n_targets - 1].map = true;
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
	if (listener->unknown != EM_PORT)
		return;
	em_build_rule(b, &listener->replies_place);
	statement = em_build_add(b, EM_STATEMENT_SET);
	statement->written = EM_FIELD_ZONE;
	em_build_number(statement->low, listener->unknown_port, 2);
}

/* Behind conntrack. */

static int longer_first(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x < y) - (x > y);
}

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

static void all_timeouts(struct em_builder *b)
{
	const struct em_policy *policy = b->ruleset->policy;

	for (size_t i = 0; !b->error && i < policy->n_listeners; i++)
		if (policy->listeners[i].replies)
			add_timeout(b, policy->listeners[i].flow_timeout);
	if (!b->error)
		qsort(b->ruleset->timeouts, b->ruleset->n_timeouts, sizeof(uint32_t), longer_first);
}

static void rule_translate(struct em_builder *b, const struct em_listener *listener)
{
	em_build_rule(b, &listener->replies_place);
	em_build_u16(b, EM_STATEMENT_EQUAL, EM_FIELD_UDP_DPORT, listener->port);
	em_build_match(b, EM_STATEMENT_IN, em_build_field(EM_FIELD_ZONE))->target =
		targets_of(b, listener);
	em_build_target(b, EM_STATEMENT_GOTO, translate_chain(b, listener->flow_timeout));
}

/* Where two listeners share a port and a target, the longer timeout is found first. */
static void chain_translate(struct em_builder *b)
{
	const struct em_policy *policy = b->ruleset->policy;

	em_build_chain(b, em_ruleset_entry(b->ruleset->generation, EM_BASE_NAT));
	for (size_t t = 0; t < b->ruleset->n_timeouts; t++)
		for (size_t i = 0; i < policy->n_listeners; i++)
			if (policy->listeners[i].replies &&
			    policy->listeners[i].flow_timeout == b->ruleset->timeouts[t])
				rule_translate(b, &policy->listeners[i]);
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
		all_ports(b);
}

void em_build_replies(struct em_builder *b)
{
	const struct em_policy *policy = b->ruleset->policy;
	const struct em_listener *first = em_conversation_first(policy);

	if (!first)
		return;
	b->table = EM_TABLE_INET;
	all_targets(b, &first->replies_place);
	all_timeouts(b);
	chain_marked(b, &first->replies_place);
	for (size_t i = 0; i < policy->n_listeners; i++) {
		b->listener = &policy->listeners[i];
		if (b->listener->replies)
			chain_zone(b);
	}
	chain_translate(b);
	for (size_t t = 0; t < b->ruleset->n_timeouts; t++)
		chain_translate_within(b, &first->replies_place, b->ruleset->timeouts[t]);
}
