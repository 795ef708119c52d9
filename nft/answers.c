/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * answers - the sets of conversations, the rules that fill them at ingress, and those that find
 * answers at egress; see ruleset.h.
 */
#include "nft/answers.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>

#include "nft/build.h"
#include "nft/message.h"
#include "policy/conversation.h"

/* How long the overflow set remembers a conversation that has had no answer yet. */
#define OVERFLOW_SECONDS 5
/* The least that it has room for: a flood of new senders fills it that fast. */
#define OVERFLOW_MIN 65536

/* From the UDP header. */
enum { UDP_SOURCE = 0, UDP_DESTINATION = 2 };

const struct em_layout em_answers_ip4 = {
	9, 12, 16, 4, 224, 255, EM_ROLE_CONVERSATIONS4, EM_ROLE_OVERFLOW4, EM_ROLE_GROUPS4};
const struct em_layout em_answers_ip6 = {
	6, 8, 24, 16, 255, 255, EM_ROLE_CONVERSATIONS6, EM_ROLE_OVERFLOW6, EM_ROLE_GROUPS6};

static struct em_known *find_known(struct em_all_known *known, uint16_t port)
{
	for (size_t i = 0; i < known->n; i++)
		if (known->all[i].port == port)
			return &known->all[i];
	return NULL;
}

static void list_known(struct em_all_known *known, const struct em_policy *policy)
{
	known->n = 0;
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];
		struct em_known *one = find_known(known, listener->port);

		if (!listener->replies)
			continue;
		if (!one) {
			one = &known->all[known->n++];
			*one = (struct em_known){.port = listener->port,
						 .place = listener->replies_place};
		}
		one->flows += listener->flows;
		if (listener->flow_timeout > one->timeout)
			one->timeout = listener->flow_timeout;
	}
}

/* Names. */

struct em_identifier em_answers_set(const char *role, uint16_t port)
{
	return (struct em_identifier){.role = role, .number = port};
}

struct em_identifier em_answers_name(const struct em_builder *b, const char *role, uint32_t port)
{
	return (struct em_identifier){
		.generation = b->ruleset->generation, .role = role, .number = port};
}

struct em_identifier em_answers_by_family(const struct em_builder *b, const struct em_layout *ip,
					  const char *role4, const char *role6, uint32_t port)
{
	return em_answers_name(b, ip == &em_answers_ip4 ? role4 : role6, port);
}

/* Keys: the address and the port of the sender, those that it has been sorted to. */

struct em_load em_answers_address(enum em_field header, uint16_t offset, const struct em_layout *ip)
{
	return (struct em_load){.field = header, .offset = offset, .length = ip->address};
}

/*
 * nft would list two bytes of the UDP header as `udp sport`, of another type than two bytes of a
 * quoted one.
 */
struct em_load em_answers_port(uint16_t offset)
{
	return (struct em_load){
		.field = EM_FIELD_PAYLOAD, .offset = offset, .length = 4, .shifted = true};
}

/*
 * Of a packet of the sender, or of an answer.  In the sets of groups, which many hosts may answer
 * for, it has no address of the server.  Returns the number of loads.
 */
static uint8_t put_key(struct em_load loads[EM_PIECES_MAX], const struct em_layout *ip, bool answer,
		       const char *role)
{
	uint8_t n = 0;

	loads[n++] =
		em_answers_address(EM_FIELD_NETWORK, answer ? ip->destination : ip->source, ip);
	loads[n++] = em_answers_port(answer ? UDP_DESTINATION : UDP_SOURCE);
	if (role != ip->groups)
		loads[n++] = em_answers_address(EM_FIELD_NETWORK,
						answer ? ip->source : ip->destination, ip);
	loads[n++] = em_answers_port(answer ? UDP_SOURCE : UDP_DESTINATION);
	return n;
}

static struct em_statement *add_keyed(struct em_builder *b, enum em_statement_kind kind,
				      const struct em_layout *ip, bool answer, const char *role,
				      uint16_t port)
{
	struct em_statement *statement = em_build_add(b, kind);

	statement->n_loads = put_key(statement->loads, ip, answer, role);
	statement->target = em_answers_set(role, port);
	return statement;
}

/* Objects. */

static void build_set(struct em_builder *b, const struct em_known *known,
		      const struct em_layout *ip, const char *role, uint32_t size)
{
	struct em_object set = {.kind = EM_OBJECT_SET,
				.table = EM_TABLE_NETDEV,
				.name = em_answers_set(role, known->port),
				.place = known->place,
				.purpose = "add set of conversations",
				.size = size};

	set.key.n_loads = put_key(set.key.loads, ip, false, role);
	em_build_object(b, set);
}

static void build_sets(struct em_builder *b, const struct em_known *known,
		       const struct em_layout *ip)
{
	build_set(b, known, ip, ip->conversations, known->flows);
	build_set(b, known, ip, ip->overflow,
		  known->flows > OVERFLOW_MIN ? known->flows : OVERFLOW_MIN);
	build_set(b, known, ip, ip->groups, known->flows);
}

static void put_target(const struct em_object *object, size_t i, struct em_element *element)
{
	em_build_number(element->key, ((const uint16_t *)object->items)[i], 2);
}

static struct em_identifier targets_name(const struct em_builder *b)
{
	return em_answers_name(b, "targets", 0);
}

/* The ports that answers come from. */
static void build_targets(struct em_builder *b, const struct em_place *place)
{
	struct em_object set = {.kind = EM_OBJECT_SET,
				.table = EM_TABLE_NETDEV,
				.name = targets_name(b),
				.place = *place,
				.purpose = "add set of ports",
				.key = {.loads = {{.field = EM_FIELD_UDP_SPORT}}, .n_loads = 1},
				.element = put_target};
	struct em_conversations conversations;
	int rc = em_conversations_init(&conversations, b->ruleset->policy);

	for (size_t i = 0; !rc && i < conversations.n; i++) {
		uint16_t *item, target = conversations.all[i].target;

		if (i && conversations.all[i - 1].target == target)
			continue;
		item = em_build_append(&set.items, &set.n, sizeof(*item));
		if (item)
			*item = target;
		else
			rc = -ENOMEM;
	}
	em_conversations_clear(&conversations);
	b->error = b->error ? b->error : rc;
	em_build_object(b, set);
}

static void build_objects(struct em_builder *b, const struct em_all_known *known)
{
	for (size_t i = 0; i < known->n; i++) {
		build_sets(b, &known->all[i], &em_answers_ip4);
		build_sets(b, &known->all[i], &em_answers_ip6);
	}
	build_targets(b, &known->all[0].place);
}

/* At ingress. */

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

static void add_family_entry(struct em_builder *b, struct em_statement *dispatch, uint16_t type,
			     struct em_identifier chain)
{
	uint8_t key[2];

	em_build_number(key, type, sizeof(key));
	em_build_entry(b, dispatch, key, sizeof(key), chain);
}

static void rule_family(struct em_builder *b, const struct em_place *place,
			struct em_identifier to4, struct em_identifier to6)
{
	struct em_statement *dispatch;

	em_build_rule(b, place);
	dispatch = em_build_match(b, EM_STATEMENT_DISPATCH, em_build_field(EM_FIELD_PROTOCOL));
	add_family_entry(b, dispatch, ETH_P_IP, to4);
	add_family_entry(b, dispatch, ETH_P_IPV6, to6);
}

static void rule_remember(struct em_builder *b, const struct em_layout *ip, const char *set,
			  uint32_t seconds)
{
	em_build_rule(b, &b->listener->replies_place);
	add_keyed(b, EM_STATEMENT_UPDATE, ip, false, set, b->listener->port)->seconds = seconds;
	em_build_add(b, EM_STATEMENT_ACCEPT);
}

static uint32_t overflow_seconds(uint32_t timeout)
{
	return timeout < OVERFLOW_SECONDS ? timeout : OVERFLOW_SECONDS;
}

static struct em_identifier asked_name(const struct em_builder *b, const struct em_layout *ip)
{
	return em_build_listener_name(b, ip == &em_answers_ip4 ? "asked4" : "asked6");
}

static void chain_asked(struct em_builder *b, const struct em_layout *ip)
{
	em_build_chain(b, asked_name(b, ip));
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
	rule_asked(b, ip);
	rule_remember(b, ip, ip->conversations, b->listener->flow_timeout);
	rule_remember(b, ip, ip->overflow, overflow_seconds(b->listener->flow_timeout));
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
	rule_frames(b, place);
	rule_family(b, place, to4, to6);
	chain_remember(b, &em_answers_ip4, to4);
	chain_remember(b, &em_answers_ip6, to6);
	em_build_chain(b, em_build_listener_name(b, "asked"));
	rule_family(b, place, asked_name(b, &em_answers_ip4), asked_name(b, &em_answers_ip6));
	chain_asked(b, &em_answers_ip4);
	chain_asked(b, &em_answers_ip6);
}

/* Answers. */

static struct em_identifier from_name(const struct em_builder *b, const struct em_known *known)
{
	return em_answers_name(b, "from", known->port);
}

static void rule_from(struct em_builder *b, const struct em_known *known, bool checksum)
{
	struct em_statement *set;

	em_build_rule(b, &known->place);
	if (!checksum)
		em_build_u16(b, EM_STATEMENT_EQUAL, EM_FIELD_UDP_CHECKSUM, 0);
	set = em_build_add(b, EM_STATEMENT_SET);
	set->written = EM_FIELD_UDP_SPORT;
	em_build_number(set->low, known->port, 2);
	if (!checksum)
		em_build_add(b, EM_STATEMENT_SET)->written = EM_FIELD_UDP_CHECKSUM;
	em_build_add(b, EM_STATEMENT_ACCEPT);
}

/* As at ingress, a checksum of 0 is written back. */
static void chain_from(struct em_builder *b, const struct em_known *known)
{
	em_build_chain(b, from_name(b, known));
	rule_from(b, known, false);
	rule_from(b, known, true);
}

static void add_prolong(struct em_builder *b, const struct em_layout *ip, const char *role,
			const struct em_known *known)
{
	add_keyed(b, EM_STATEMENT_UPDATE, ip, true, role, known->port)->seconds = known->timeout;
	em_build_target(b, EM_STATEMENT_GOTO, from_name(b, known));
}

static struct em_identifier promote_name(const struct em_builder *b, const struct em_layout *ip,
					 const struct em_known *known)
{
	return em_answers_by_family(b, ip, "promote4-", "promote6-", known->port);
}

/* With an answer, a conversation moves from the overflow set to the other one, if that has room. */
static void chain_promote(struct em_builder *b, const struct em_layout *ip,
			  const struct em_known *known)
{
	em_build_chain(b, promote_name(b, ip, known));
	em_build_rule(b, &known->place);
	add_prolong(b, ip, ip->conversations, known);
	em_build_rule(b, &known->place);
	add_keyed(b, EM_STATEMENT_UPDATE, ip, true, ip->overflow, known->port)->seconds =
		overflow_seconds(known->timeout);
	em_build_target(b, EM_STATEMENT_GOTO, from_name(b, known));
}

static void rules_answer(struct em_builder *b, const struct em_layout *ip,
			 const struct em_known *known)
{
	em_build_rule(b, &known->place);
	add_keyed(b, EM_STATEMENT_IN, ip, true, ip->conversations, known->port);
	add_prolong(b, ip, ip->conversations, known);
	em_build_rule(b, &known->place);
	add_keyed(b, EM_STATEMENT_IN, ip, true, ip->overflow, known->port);
	em_build_target(b, EM_STATEMENT_GOTO, promote_name(b, ip, known));
	em_build_rule(b, &known->place);
	add_keyed(b, EM_STATEMENT_IN, ip, true, ip->groups, known->port);
	add_prolong(b, ip, ip->groups, known);
}

static void chains_answers(struct em_builder *b, const struct em_layout *ip,
			   const struct em_all_known *known)
{
	em_build_chain(b, em_answers_by_family(b, ip, "answers4", "answers6", 0));
	em_build_rule(b, &known->all[0].place);
	em_build_u16(b, EM_STATEMENT_NOT_EQUAL,
		     ip == &em_answers_ip4 ? EM_FIELD_IP_FRAG_OFF : EM_FIELD_IP6_FRAG_OFF, 0);
	em_build_add(b, EM_STATEMENT_ACCEPT);
	for (size_t i = 0; i < known->n; i++)
		rules_answer(b, ip, &known->all[i]);
	for (size_t i = 0; i < known->n; i++)
		chain_promote(b, ip, &known->all[i]);
}

/* What is from no port of an entity is let go at once. */
static void chain_answers(struct em_builder *b, const struct em_place *place)
{
	em_build_chain(b, em_answers_name(b, "answers", 0));
	em_build_rule(b, place);
	em_build_match(b, EM_STATEMENT_NOT_IN, em_build_field(EM_FIELD_UDP_SPORT))->target =
		targets_name(b);
	em_build_add(b, EM_STATEMENT_ACCEPT);
	rule_family(b, place, em_answers_name(b, "answers4", 0), em_answers_name(b, "answers6", 0));
}

/* What leaves. */

void em_answers_add_byte(struct em_builder *b, struct em_statement *dispatch, uint8_t key,
			 struct em_identifier chain)
{
	em_build_entry(b, dispatch, &key, sizeof(key), chain);
}

static void chain_leaving(struct em_builder *b, const char *interface, const struct em_place *place)
{
	struct em_statement *dispatch;

	em_build_chain(b, em_ruleset_entry(b->ruleset->generation, EM_BASE_EGRESS, interface));
	em_build_rule(b, place);
	dispatch = em_build_match(b, EM_STATEMENT_DISPATCH, em_build_field(EM_FIELD_L4PROTO));
	em_answers_add_byte(b, dispatch, IPPROTO_UDP, em_answers_name(b, "answers", 0));
	em_answers_add_byte(b, dispatch, IPPROTO_ICMP, em_answers_name(b, "errors4", 0));
	em_answers_add_byte(b, dispatch, IPPROTO_ICMPV6, em_answers_name(b, "errors6", 0));
}

void em_build_answers(struct em_builder *b)
{
	const struct em_place *place;
	struct em_all_known known;

	list_known(&known, b->ruleset->policy);
	if (!known.n || b->error)
		return;
	place = &known.all[0].place;
	build_objects(b, &known);
	for (size_t i = 0; i < b->ruleset->n_interfaces; i++)
		if (em_conversation_on(b->ruleset->policy, b->ruleset->interfaces[i]))
			chain_leaving(b, b->ruleset->interfaces[i], place);
	chain_answers(b, place);
	chains_answers(b, &em_answers_ip4, &known);
	chains_answers(b, &em_answers_ip6, &known);
	for (size_t i = 0; i < known.n; i++)
		chain_from(b, &known.all[i]);
	em_build_errors(b, &known);
}

/* On lo, which every network namespace has. */
int em_answers_try(struct em_netlink *netlink, struct em_batch *batch, struct em_refusal *refusal)
{
	struct em_statement update = {.kind = EM_STATEMENT_UPDATE,
				      .n_loads = EM_PIECES_MAX,
				      .seconds = 1,
				      .target = {.role = "try"}};
	struct em_object set = {.kind = EM_OBJECT_SET,
				.table = EM_TABLE_NETDEV,
				.name = update.target,
				.purpose = "add set of conversations",
				.key = {.n_loads = EM_PIECES_MAX},
				.size = 1};
	struct em_rule rule = {.statements = &update, .n_statements = 1};
	struct em_chain chain = {.table = EM_TABLE_NETDEV,
				 .name = {.role = "try"},
				 .base = &em_ruleset_bases[EM_BASE_EGRESS],
				 .device = "lo",
				 .rules = &rule,
				 .n_rules = 1};
	struct em_ruleset ruleset = {.chains = &chain, .n_chains = 1};

	put_key(update.loads, &em_answers_ip6, true, EM_ROLE_CONVERSATIONS6);
	put_key(set.key.loads, &em_answers_ip6, false, EM_ROLE_CONVERSATIONS6);
	em_message_table(batch, EM_TABLE_NETDEV);
	em_message_object(batch, &set);
	em_message_bases(batch, &ruleset, EM_TABLE_NETDEV);
	return em_batch_send(netlink, batch, true, refusal);
}
