/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * replies - table inet: the rules that tell conntrack about the datagrams marked at ingress; see
 * ruleset.h.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "nft/build.h"
#include "policy/conversation.h"

static struct em_identifier zone_chain(const struct em_builder *b,
				       const struct em_listener *listener, bool invalid)
{
	return (struct em_identifier){.generation = b->ruleset->generation,
				      .role = invalid ? "invalid" : "zone",
				      .owner = listener->name};
}

/* The set of conversations with this timeout, and the map from zones to ports. */
static struct em_identifier conversations_name(const struct em_builder *b, uint32_t seconds)
{
	return (struct em_identifier){
		.generation = b->ruleset->generation, .role = "conversations", .number = seconds};
}

static struct em_identifier translate_chain(const struct em_builder *b, uint32_t timeout)
{
	struct em_identifier name = em_ruleset_entry(b->ruleset->generation, EM_BASE_NAT, NULL);

	name.number = timeout;
	return name;
}

/* Before conntrack. */

static void add_marked(struct em_builder *b, struct em_statement *dispatch, size_t listener,
		       bool invalid)
{
	uint8_t key[4];

	em_build_number(key, em_ruleset_mark(b->ruleset->generation, listener, invalid),
			sizeof(key));
	em_build_entry(b, dispatch, key, sizeof(key),
		       zone_chain(b, &b->ruleset->policy->listeners[listener], invalid));
}

static void chain_marked(struct em_builder *b, const struct em_place *place)
{
	const struct em_policy *policy = b->ruleset->policy;
	struct em_load mark = em_build_field(EM_FIELD_MARK);
	struct em_statement *dispatch;

	mark.masked = true;
	em_build_number(mark.mask, EM_MARK_MASK, 4);
	em_build_chain(b, em_ruleset_entry(b->ruleset->generation, EM_BASE_RAW, NULL));
	em_build_rule(b, place);
	dispatch = em_build_match(b, EM_STATEMENT_DISPATCH, mark);
	for (size_t i = 0; i < policy->n_listeners; i++) {
		if (!policy->listeners[i].replies)
			continue;
		add_marked(b, dispatch, i, false);
		if (policy->listeners[i].invalid.verdict == EM_PORT)
			add_marked(b, dispatch, i, true);
	}
}

static void rule_zone(struct em_builder *b, uint16_t port)
{
	struct em_statement *statement;

	em_build_rule(b, &b->listener->replies_place);
	statement = em_build_add(b, EM_STATEMENT_SET);
	statement->written = EM_FIELD_ZONE;
	em_build_number(statement->low, em_ruleset_zone(b->listener, port), 2);
}

static void rule_mapped_zone(struct em_builder *b, const char *role)
{
	em_build_rule(b, &b->listener->replies_place);
	em_build_lookup(b, EM_STATEMENT_SET_MAPPED, em_build_format_name(b, role))->written =
		EM_FIELD_ZONE;
	em_build_add(b, EM_STATEMENT_ACCEPT);
}

static void chain_zone(struct em_builder *b)
{
	const struct em_listener *listener = b->listener;

	em_build_chain(b, zone_chain(b, listener, false));
	em_build_rule(b, &listener->replies_place);
	em_build_mark(b, 0);
	rule_mapped_zone(b, EM_ROLE_ZONES);
	if (em_build_has(b, EM_PORT, true))
		rule_mapped_zone(b, EM_ROLE_ZONE_RANGES);
	if (listener->formats->unknown.verdict == EM_PORT)
		rule_zone(b, listener->formats->unknown.port);
}

static void chain_invalid(struct em_builder *b)
{
	const struct em_listener *listener = b->listener;

	if (listener->invalid.verdict != EM_PORT)
		return;
	em_build_chain(b, zone_chain(b, listener, true));
	em_build_rule(b, &listener->replies_place);
	em_build_mark(b, 0);
	rule_zone(b, listener->invalid.port);
}

/* Behind conntrack. */

static void rule_conversations(struct em_builder *b, const struct em_place *place, uint32_t seconds)
{
	struct em_statement *in;

	em_build_rule(b, place);
	in = em_build_match(b, EM_STATEMENT_IN, em_build_field(EM_FIELD_UDP_DPORT));
	in->loads[in->n_loads++] = em_build_field(EM_FIELD_ZONE);
	in->target = conversations_name(b, seconds);
	em_build_target(b, EM_STATEMENT_GOTO, translate_chain(b, seconds));
}

static void rule_timeout(struct em_builder *b, const struct em_place *place, uint32_t seconds,
			 uint8_t family)
{
	em_build_rule(b, place);
	em_build_match(b, EM_STATEMENT_EQUAL, em_build_field(EM_FIELD_NFPROTO))->low[0] = family;
	em_build_target(b, EM_STATEMENT_TIMEOUT, em_object_timeout(seconds, family).name);
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
		em_object_ports(b->ruleset->generation).name;
}

/* Objects. */

struct em_object em_object_timeout(uint32_t seconds, uint8_t family)
{
	return (struct em_object){.kind = EM_OBJECT_TIMEOUT,
				  .table = EM_TABLE_INET,
				  .name = {.role = "flow-timeout",
					   .number = seconds,
					   .owner = family == AF_INET ? "ip" : "ip6"},
				  .purpose = "add a conntrack timeout",
				  .seconds = seconds,
				  .family = family};
}

static void put_conversation(const struct em_object *object, size_t i, struct em_element *element)
{
	const struct em_conversation *conversation =
		(const struct em_conversation *)object->items + i;

	em_build_number(element->key, conversation->known, 2);
	em_build_number(element->key + 4, conversation->target, 2);
}

static struct em_object conversations_object(const struct em_builder *b, uint32_t seconds)
{
	return (struct em_object){
		.kind = EM_OBJECT_SET,
		.table = EM_TABLE_INET,
		.name = conversations_name(b, seconds),
		.purpose = "add set of conversations",
		.key = {.loads = {{.field = EM_FIELD_UDP_DPORT}, {.field = EM_FIELD_ZONE}},
			.n_loads = 2},
		.element = put_conversation};
}

static void put_port(const struct em_object *object, size_t i, struct em_element *element)
{
	uint16_t port = ((const uint16_t *)object->items)[i];

	em_build_number(element->key, port, 2);
	em_build_number(element->data, port, 2);
}

struct em_object em_object_ports(uint32_t generation)
{
	return (struct em_object){.kind = EM_OBJECT_MAP,
				  .table = EM_TABLE_INET,
				  .name = {.generation = generation, .role = "ports"},
				  .purpose = "add map of ports",
				  .key = {.loads = {{.field = EM_FIELD_ZONE}}, .n_loads = 1},
				  .data = EM_FIELD_UDP_DPORT,
				  .element = put_port};
}

/* One more item of the object, zeroed; never NULL. */
static void *add_item(struct em_builder *b, struct em_object *object, size_t size)
{
	void *item = b->error ? NULL : em_build_append(&object->items, &object->n, size);

	if (item)
		return item;
	b->error = -ENOMEM;
	return &b->scratch;
}

static void add_object(struct em_builder *b, struct em_object object, const struct em_place *place)
{
	object.place = *place;
	em_build_object(b, object);
}

static void build_conversations(struct em_builder *b, const struct em_place *place,
				const struct em_conversations *all, uint32_t seconds)
{
	struct em_object object = conversations_object(b, seconds);

	for (size_t i = 0; i < all->n; i++)
		if (all->all[i].timeout == seconds)
			*(struct em_conversation *)add_item(b, &object, sizeof(all->all[i])) =
				all->all[i];
	add_object(b, object, place);
}

static void build_ports(struct em_builder *b, const struct em_place *place,
			const struct em_conversations *all)
{
	struct em_object object = em_object_ports(b->ruleset->generation);

	for (size_t i = 0; i < all->n; i++)
		if (i == 0 || all->all[i].target != all->all[i - 1].target)
			*(uint16_t *)add_item(b, &object, sizeof(uint16_t)) = all->all[i].target;
	add_object(b, object, place);
}

/* The timeouts of conversations, in seconds, each once. */
struct timeouts {
	uint32_t seconds[EM_LISTENERS_MAX];
	size_t n;
};

static void add_timeout(struct timeouts *timeouts, uint32_t seconds)
{
	for (size_t i = 0; i < timeouts->n; i++)
		if (timeouts->seconds[i] == seconds)
			return;
	timeouts->seconds[timeouts->n++] = seconds;
}

static void build_objects(struct em_builder *b, const struct em_place *place,
			  const struct em_conversations *all, const struct timeouts *timeouts)
{
	const struct em_policy *policy = b->ruleset->policy;

	for (size_t t = 0; t < timeouts->n; t++) {
		add_object(b, em_object_timeout(timeouts->seconds[t], AF_INET), place);
		add_object(b, em_object_timeout(timeouts->seconds[t], AF_INET6), place);
	}
	for (size_t i = 0; i < policy->n_listeners; i++) {
		b->listener = &policy->listeners[i];
		b->format = b->listener->formats;
		if (b->listener->replies)
			em_build_zones(b);
	}
	for (size_t t = 0; t < timeouts->n; t++)
		build_conversations(b, place, all, timeouts->seconds[t]);
	build_ports(b, place, all);
}

static void build_chains(struct em_builder *b, const struct em_place *place,
			 const struct timeouts *timeouts)
{
	const struct em_policy *policy = b->ruleset->policy;

	chain_marked(b, place);
	for (size_t i = 0; i < policy->n_listeners; i++) {
		b->listener = &policy->listeners[i];
		b->format = b->listener->formats;
		if (!b->listener->replies)
			continue;
		chain_zone(b);
		chain_invalid(b);
	}
	em_build_chain(b, em_ruleset_entry(b->ruleset->generation, EM_BASE_NAT, NULL));
	/* A chain without rules is one that somebody has flushed, see drift.h. */
	if (!timeouts->n) {
		em_build_rule(b, place);
		em_build_add(b, EM_STATEMENT_RETURN);
	}
	for (size_t t = 0; t < timeouts->n; t++)
		rule_conversations(b, place, timeouts->seconds[t]);
	for (size_t t = 0; t < timeouts->n; t++)
		chain_translate_within(b, place, timeouts->seconds[t]);
}

void em_build_replies(struct em_builder *b)
{
	const struct em_listener *first = em_conversation_first(b->ruleset->policy);
	struct em_conversations conversations;
	struct timeouts timeouts = {.n = 0};

	if (!first || b->error)
		return;
	b->error = em_conversations_init(&conversations, b->ruleset->policy);
	for (size_t i = 0; i < conversations.n; i++)
		add_timeout(&timeouts, conversations.all[i].timeout);
	b->table = EM_TABLE_INET;
	build_objects(b, &first->replies_place, &conversations, &timeouts);
	build_chains(b, &first->replies_place, &timeouts);
	em_conversations_clear(&conversations);
}
