/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * answers - the sets of conversations, and the rules that find answers at egress; see ruleset.h.
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

/* fe80::/10, in the first two bytes of an address. */
enum { LINK_LOCAL_LOW = 0xfe80, LINK_LOCAL_HIGH = 0xfebf, LINK_LOCAL_MASK = 0xffc0 };

/* From the UDP header. */
enum { UDP_SOURCE = 0, UDP_DESTINATION = 2 };

const struct em_layout em_answers_ip4 = {
	9, 12, 16, 4, 224, 255, false, EM_ROLE_CONVERSATIONS4, EM_ROLE_OVERFLOW4, EM_ROLE_GROUPS4};
const struct em_layout em_answers_ip6 = {
	6, 8, 24, 16, 255, 255, false, EM_ROLE_CONVERSATIONS6, EM_ROLE_OVERFLOW6, EM_ROLE_GROUPS6};
const struct em_layout em_answers_link_local = {
	6, 8, 24, 16, 255, 255, true, EM_ROLE_LINKS6, EM_ROLE_LINK_OVERFLOW6, NULL};

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

struct em_identifier em_answers_by_layout(const struct em_builder *b, const struct em_layout *ip,
					  const struct em_answers_roles *roles, uint32_t port)
{
	return em_answers_name(b,
			       ip->link		       ? roles->link
			       : ip == &em_answers_ip4 ? roles->ip4
						       : roles->ip6,
			       port);
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
 * for, it has no address of the server, and in those of links the interface instead: nft up to
 * 1.0.6 forgets the types of a key with five parts.  Returns the number of loads.
 */
static uint8_t put_key(struct em_load loads[EM_PIECES_MAX], const struct em_layout *ip, bool answer,
		       const char *role)
{
	uint8_t n = 0;

	if (ip->link)
		loads[n++] = em_build_field(answer ? EM_FIELD_OIF : EM_FIELD_IIF);
	loads[n++] =
		em_answers_address(EM_FIELD_NETWORK, answer ? ip->destination : ip->source, ip);
	loads[n++] = em_answers_port(answer ? UDP_DESTINATION : UDP_SOURCE);
	if (role != ip->groups && !ip->link)
		loads[n++] = em_answers_address(EM_FIELD_NETWORK,
						answer ? ip->source : ip->destination, ip);
	loads[n++] = em_answers_port(answer ? UDP_SOURCE : UDP_DESTINATION);
	return n;
}

struct em_statement *em_answers_add_keyed(struct em_builder *b, enum em_statement_kind kind,
					  const struct em_layout *ip, bool answer, const char *role,
					  uint16_t port)
{
	struct em_statement *statement = em_build_add(b, kind);

	statement->n_loads = put_key(statement->loads, ip, answer, role);
	statement->target = em_answers_set(role, port);
	return statement;
}

uint32_t em_answers_overflow_seconds(uint32_t timeout)
{
	return timeout < OVERFLOW_SECONDS ? timeout : OVERFLOW_SECONDS;
}

static void add_family_entry(struct em_builder *b, struct em_statement *dispatch, uint16_t type,
			     struct em_identifier chain)
{
	uint8_t key[2];

	em_build_number(key, type, sizeof(key));
	em_build_entry(b, dispatch, key, sizeof(key), chain);
}

void em_answers_dispatch(struct em_builder *b, const struct em_place *place,
			 struct em_identifier to4, struct em_identifier to6)
{
	struct em_statement *dispatch;

	em_build_rule(b, place);
	dispatch = em_build_match(b, EM_STATEMENT_DISPATCH, em_build_field(EM_FIELD_PROTOCOL));
	add_family_entry(b, dispatch, ETH_P_IP, to4);
	add_family_entry(b, dispatch, ETH_P_IPV6, to6);
}

void em_answers_link(struct em_builder *b, const struct em_place *place, bool answer,
		     struct em_identifier chain)
{
	const struct em_layout *ip = &em_answers_link_local;
	struct em_load first =
		em_answers_address(EM_FIELD_NETWORK, answer ? ip->destination : ip->source, ip);
	struct em_statement *match;

	if (b->ruleset->form.joined)
		return;
	first.length = 2;
	em_build_rule(b, place);
	match = em_build_match(b, EM_STATEMENT_RANGE, first);
	em_build_number(match->low, LINK_LOCAL_LOW, 2);
	em_build_number(match->high, LINK_LOCAL_HIGH, 2);
	em_build_target(b, EM_STATEMENT_GOTO, chain);
}

void em_answers_not_link(struct em_builder *b, bool answer)
{
	const struct em_layout *ip = &em_answers_link_local;
	struct em_load first =
		em_answers_address(EM_FIELD_NETWORK, answer ? ip->destination : ip->source, ip);

	if (b->ruleset->form.joined)
		return;
	first.length = 2;
	first.masked = true;
	em_build_number(first.mask, LINK_LOCAL_MASK, 2);
	em_build_number(em_build_match(b, EM_STATEMENT_NOT_EQUAL, first)->low, LINK_LOCAL_LOW, 2);
}

/*
 * Bytes of the header, and not `meta protocol`, from which nft would conclude what the bytes mean
 * that follow.  The kernel has found the transport header: so the version is that of the packet.
 */
void em_answers_version(struct em_builder *b, const struct em_layout *ip)
{
	const struct em_load version = {.field = EM_FIELD_NETWORK,
					.offset = 0,
					.length = 1,
					.masked = true,
					.mask = {0xf0}};

	em_build_match(b, EM_STATEMENT_EQUAL, version)->low[0] =
		ip == &em_answers_ip4 ? 4 << 4 : 6 << 4;
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
	if (ip->groups)
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
		if (!b->ruleset->form.joined)
			build_sets(b, &known->all[i], &em_answers_link_local);
	}
	build_targets(b, &known->all[0].place);
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
	em_build_u16(b, checksum ? EM_STATEMENT_NOT_EQUAL : EM_STATEMENT_EQUAL,
		     EM_FIELD_UDP_CHECKSUM, 0);
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
	rule_from(b, known, true);
	rule_from(b, known, false);
}

static void add_prolong(struct em_builder *b, const struct em_layout *ip, const char *role,
			const struct em_known *known)
{
	em_answers_add_keyed(b, EM_STATEMENT_UPDATE, ip, true, role, known->port)->seconds =
		known->timeout;
	em_build_target(b, EM_STATEMENT_GOTO, from_name(b, known));
}

static struct em_identifier promote_name(const struct em_builder *b, const struct em_layout *ip,
					 const struct em_known *known)
{
	static const struct em_answers_roles roles = {"promote4-", "promote6-", "promote-link-"};

	return em_answers_by_layout(b, ip, &roles, known->port);
}

/* With an answer, a conversation moves from the overflow set to the other one, if that has room. */
static void chain_promote(struct em_builder *b, const struct em_layout *ip,
			  const struct em_known *known)
{
	em_build_chain(b, promote_name(b, ip, known));
	em_build_rule(b, &known->place);
	add_prolong(b, ip, ip->conversations, known);
	em_build_rule(b, &known->place);
	em_answers_add_keyed(b, EM_STATEMENT_UPDATE, ip, true, ip->overflow, known->port)->seconds =
		em_answers_overflow_seconds(known->timeout);
	em_build_target(b, EM_STATEMENT_GOTO, from_name(b, known));
}

static void rules_answer(struct em_builder *b, const struct em_layout *ip,
			 const struct em_known *known)
{
	em_build_rule(b, &known->place);
	em_answers_add_keyed(b, EM_STATEMENT_IN, ip, true, ip->conversations, known->port);
	add_prolong(b, ip, ip->conversations, known);
	em_build_rule(b, &known->place);
	em_answers_add_keyed(b, EM_STATEMENT_IN, ip, true, ip->overflow, known->port);
	em_build_target(b, EM_STATEMENT_GOTO, promote_name(b, ip, known));
	if (!ip->groups)
		return;
	em_build_rule(b, &known->place);
	em_answers_add_keyed(b, EM_STATEMENT_IN, ip, true, ip->groups, known->port);
	add_prolong(b, ip, ip->groups, known);
}

static struct em_identifier answers_name(const struct em_builder *b, const struct em_layout *ip)
{
	static const struct em_answers_roles roles = {"answers4", "answers6", "answers-link"};

	return em_answers_by_layout(b, ip, &roles, 0);
}

static void rule_fragment(struct em_builder *b, const struct em_place *place)
{
	em_build_rule(b, place);
	em_build_u16(b, EM_STATEMENT_NOT_EQUAL, EM_FIELD_IP6_FRAG_OFF, 0);
	em_build_add(b, EM_STATEMENT_ACCEPT);
}

static void chains_answers(struct em_builder *b, const struct em_layout *ip,
			   const struct em_all_known *known)
{
	const struct em_place *place = &known->all[0].place;

	em_build_chain(b, answers_name(b, ip));
	if (ip == &em_answers_ip6)
		rule_fragment(b, place);
	if (ip == &em_answers_ip6)
		em_answers_link(b, place, true, answers_name(b, &em_answers_link_local));
	for (size_t i = 0; i < known->n; i++)
		rules_answer(b, ip, &known->all[i]);
	for (size_t i = 0; i < known->n; i++)
		chain_promote(b, ip, &known->all[i]);
}

/* Later fragments have no port. */
static void add_not_fragment(struct em_builder *b)
{
	struct em_load offset = {
		.field = EM_FIELD_NETWORK, .offset = 6, .length = 2, .masked = true};

	em_build_number(offset.mask, 0x1fff, 2);
	em_build_match(b, EM_STATEMENT_EQUAL, offset);
}

/* By family. */
static void chain_answers(struct em_builder *b, const struct em_place *place)
{
	em_build_chain(b, em_answers_name(b, "answers", 0));
	em_build_rule(b, place);
	em_answers_version(b, &em_answers_ip4);
	add_not_fragment(b);
	em_build_target(b, EM_STATEMENT_GOTO, answers_name(b, &em_answers_ip4));
	em_build_rule(b, place);
	em_answers_version(b, &em_answers_ip6);
	em_build_target(b, EM_STATEMENT_GOTO, answers_name(b, &em_answers_ip6));
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
	em_build_match(b, EM_STATEMENT_IN, em_build_field(EM_FIELD_UDP_SPORT))->target =
		targets_name(b);
	em_build_target(b, EM_STATEMENT_GOTO, em_answers_name(b, "answers", 0));
	em_build_rule(b, place);
	dispatch = em_build_match(b, EM_STATEMENT_DISPATCH, em_build_field(EM_FIELD_L4PROTO));
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
	if (!b->ruleset->form.joined)
		chains_answers(b, &em_answers_link_local, &known);
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
