/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* copies - the rules that make copies; see copies.h. */
#include "nft/copies.h"

#include <linux/if_ether.h>
#include <string.h>

#include "host/ifb.h"
#include "nft/build.h"
#include "nft/message.h"
#include "policy/copies.h"

#define IP_MORE_FRAGMENTS 0x2000

/* Lists: of what has no entity, of the listener alone, and those that its entities have. */

#define UNKNOWN 0

static unsigned int list_of(uint8_t copies)
{
	return 1U + copies;
}

static size_t count_lists(const struct em_listener *listener)
{
	return list_of(0) + 1 + listener->n_copy_lists;
}

static bool has_list(const struct em_listener *listener, unsigned int list)
{
	if (list == UNKNOWN)
		return listener->copies.n || listener->unknown_copies.n;
	return list > list_of(0) || listener->copies.n;
}

/* From 1; the same for all generations of a policy. */
static uint32_t number_of(const struct em_builder *b, unsigned int list)
{
	uint32_t number = 1 + list;

	for (const struct em_listener *l = b->ruleset->policy->listeners; l < b->listener; l++)
		number += em_copies_any(l) ? count_lists(l) : 0;
	return number;
}

size_t em_nft_copies_lists(const struct em_policy *policy)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_listeners; i++)
		n += em_copies_any(&policy->listeners[i]) ? count_lists(&policy->listeners[i]) : 0;
	return n;
}

/* The note. */

/* Generations that exist at one time differ in it, and it is never 0. */
static uint16_t generation_bits(uint32_t generation)
{
	return (uint16_t)((generation % 15 + 1) << 12);
}

/* What the last two bytes of the note are. */
static void put_list(const struct em_builder *b, uint8_t note[4], unsigned int list)
{
	em_build_number(note, generation_bits(b->ruleset->generation) | number_of(b, list), 4);
}

static struct em_load note_load(uint32_t mask)
{
	struct em_load load = em_build_field(EM_FIELD_PRIORITY);

	load.masked = true;
	em_build_number(load.mask, mask, 4);
	return load;
}

#define PORT	   0xffff0000
#define LIST	   0x0000ffff
#define GENERATION 0x0000f000

/* The port that the datagram has by now comes first. */
static void add_note(struct em_builder *b, unsigned int list, enum em_verdict verdict)
{
	const struct em_load port = {.field = EM_FIELD_PAYLOAD, .offset = 2, .length = 4};
	struct em_statement *statement;

	if (verdict == EM_DROP) {
		statement = em_build_add(b, EM_STATEMENT_SET);
	} else {
		statement = em_build_match(b, EM_STATEMENT_NOTE, port);
		em_build_number(statement->high, PORT, 4);
	}
	statement->written = EM_FIELD_PRIORITY;
	put_list(b, statement->low, list);
}

static void add_no_note(struct em_builder *b)
{
	em_build_add(b, EM_STATEMENT_SET)->written = EM_FIELD_PRIORITY;
}

/* At ingress. */

bool em_build_copies(const struct em_builder *b, bool ranges)
{
	for (unsigned int i = 0; !b->whole && i <= b->listener->n_copy_lists; i++)
		if (em_build_has_copied(b, (uint8_t)i, ranges))
			return true;
	return false;
}

bool em_build_copies_unknown(const struct em_builder *b)
{
	return !b->whole && has_list(b->listener, UNKNOWN);
}

struct em_identifier em_build_copy_entity(const struct em_builder *b, enum em_verdict verdict,
					  bool ranges)
{
	static const char *const roles[EM_VERDICTS][2] = {
		[EM_PASS] = {"copy-pass", "copyranges-pass"},
		[EM_DROP] = {"copy-drop", "copyranges-drop"},
		[EM_PORT] = {"copy-port", "copyranges-port"},
	};

	return em_build_format_name(b, roles[verdict][ranges]);
}

struct em_identifier em_build_copy_unknown(const struct em_builder *b)
{
	return em_build_format_name(b, "copy-none");
}

static void add_whole(struct em_builder *b)
{
	em_build_target(b, EM_STATEMENT_GOTO, em_build_format_name(b, "whole"));
}

void em_build_rules_fragment(struct em_builder *b)
{
	struct em_load more = {.field = EM_FIELD_NETWORK, .offset = 6, .length = 2, .masked = true};

	if (!em_copies_any(b->listener))
		return;
	em_build_rule(b, &b->listener->place);
	em_answers_version(b, &em_answers_ip4);
	em_build_number(more.mask, IP_MORE_FRAGMENTS, 2);
	em_build_number(em_build_match(b, EM_STATEMENT_EQUAL, more)->low, IP_MORE_FRAGMENTS, 2);
	add_whole(b);
	more = em_build_field(EM_FIELD_IP6_FRAG_MORE);
	more.masked = true;
	more.mask[0] = 1;
	em_build_rule(b, &b->listener->place);
	em_build_match(b, EM_STATEMENT_EQUAL, more)->low[0] = 1;
	add_whole(b);
}

/* Ends with the packet on its way to the device, as soon as others have let it pass. */
static void add_copied(struct em_builder *b, unsigned int list, enum em_verdict verdict)
{
	add_note(b, list, verdict);
	em_build_count(b, EM_COUNTER_COPIED);
	em_build_end(b, verdict == EM_DROP ? EM_PASS : verdict);
}

static void chain_copy(struct em_builder *b, enum em_verdict verdict, bool ranges)
{
	if (!em_build_has(b, verdict, ranges) || !em_build_copies(b, ranges))
		return;
	em_build_chain(b, em_build_copy_entity(b, verdict, ranges));
	for (unsigned int i = 0; i <= b->listener->n_copy_lists; i++) {
		if (!em_build_has_copied(b, (uint8_t)i, ranges))
			continue;
		em_build_rule(b, &b->format->tag.place);
		em_build_lookup(b, EM_STATEMENT_IN, em_build_copied_name(b, (uint8_t)i, ranges));
		add_copied(b, list_of((uint8_t)i), verdict);
	}
	em_build_rule(b, &b->listener->place);
	em_build_end(b, verdict);
}

void em_build_copy_chains(struct em_builder *b)
{
	for (enum em_verdict verdict = 0; verdict < EM_VERDICTS; verdict++)
		for (int ranges = 0; ranges < 2; ranges++)
			chain_copy(b, verdict, ranges);
	if (!em_build_copies_unknown(b))
		return;
	em_build_chain(b, em_build_copy_unknown(b));
	em_build_rule(b, &b->listener->place);
	add_copied(b, UNKNOWN, b->format->unknown.verdict);
}

/* At the device. */

static struct em_identifier list_chain(const struct em_builder *b, unsigned int list, bool bare)
{
	return (struct em_identifier){.generation = b->ruleset->generation,
				      .role = bare ? "bare" : "list",
				      .number = number_of(b, list)};
}

/* Where there is no checksum, it stays so; see listener.c. */
static void add_no_checksum(struct em_builder *b, bool bare)
{
	if (bare)
		em_build_add(b, EM_STATEMENT_SET)->written = EM_FIELD_UDP_CHECKSUM;
}

static void rule_duplicate(struct em_builder *b, uint16_t port, bool bare)
{
	struct em_statement *statement;

	em_build_rule(b, &b->listener->place);
	statement = em_build_add(b, EM_STATEMENT_SET);
	statement->written = EM_FIELD_UDP_DPORT;
	em_build_number(statement->low, port, 2);
	add_no_checksum(b, bare);
	em_build_add(b, EM_STATEMENT_DUPLICATE)->ifindex = b->ruleset->form.ifb;
}

static void rules_original(struct em_builder *b, bool bare)
{
	em_build_rule(b, &b->listener->place);
	em_build_match(b, EM_STATEMENT_EQUAL, note_load(PORT));
	em_build_add(b, EM_STATEMENT_DROP);
	em_build_rule(b, &b->listener->place);
	em_build_match(b, EM_STATEMENT_COPY, em_build_field(EM_FIELD_PRIORITY))->written =
		EM_FIELD_UDP_DPORT;
	add_no_checksum(b, bare);
	add_no_note(b);
	em_build_add(b, EM_STATEMENT_ACCEPT);
}

static void chain_list(struct em_builder *b, unsigned int list, bool bare)
{
	const struct em_entity entity = {
		.copies = (uint8_t)(list == UNKNOWN ? 0 : list - list_of(0))};
	uint16_t ports[EM_COPIES_EACH];
	size_t n = em_copies_of(b->listener, list == UNKNOWN ? NULL : &entity, ports);

	em_build_chain(b, list_chain(b, list, bare));
	if (!bare) {
		em_build_rule(b, &b->listener->place);
		em_build_u16(b, EM_STATEMENT_EQUAL, EM_FIELD_UDP_CHECKSUM, 0);
		em_build_target(b, EM_STATEMENT_GOTO, list_chain(b, list, true));
	}
	/* Duplicates come by here again, and must not be copied. */
	em_build_rule(b, &b->listener->place);
	em_build_match(b, EM_STATEMENT_COPY, note_load(PORT))->written = EM_FIELD_PRIORITY;
	for (size_t i = 0; i < n; i++)
		rule_duplicate(b, ports[i], bare);
	rules_original(b, bare);
}

static void for_each_list(struct em_builder *b,
			  void (*take)(struct em_builder *b, struct em_statement *dispatch,
				       unsigned int list),
			  struct em_statement *dispatch)
{
	const struct em_policy *policy = b->ruleset->policy;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		b->listener = &policy->listeners[i];
		b->format = b->listener->formats;
		for (unsigned int list = 0; list < count_lists(b->listener); list++)
			if (em_copies_any(b->listener) && has_list(b->listener, list))
				take(b, dispatch, list);
	}
}

static void add_entry(struct em_builder *b, struct em_statement *dispatch, unsigned int list)
{
	uint8_t key[4];

	put_list(b, key, list);
	em_build_entry(b, dispatch, key, sizeof(key), list_chain(b, list, false));
}

static void chains_list(struct em_builder *b, struct em_statement *dispatch, unsigned int list)
{
	(void)dispatch;
	chain_list(b, list, false);
	chain_list(b, list, true);
}

static void chain_forward(struct em_builder *b, const char *interface, const struct em_place *place)
{
	em_build_chain(b, em_ruleset_entry(b->ruleset->generation, EM_BASE_LAST, interface));
	em_build_rule(b, place);
	em_build_number(em_build_match(b, EM_STATEMENT_EQUAL, note_load(GENERATION))->low,
			generation_bits(b->ruleset->generation), 4);
	em_build_add(b, EM_STATEMENT_FORWARD)->ifindex = b->ruleset->form.ifb;
}

void em_build_copier(struct em_builder *b)
{
	const struct em_policy *policy = b->ruleset->policy;
	const struct em_place *place = em_copies_first(policy);

	if (!place)
		return;
	for (size_t i = 0; i < b->ruleset->n_interfaces; i++)
		if (em_copies_on(policy, b->ruleset->interfaces[i]))
			chain_forward(b, b->ruleset->interfaces[i], place);
	em_build_chain(b, em_ruleset_entry(b->ruleset->generation, EM_BASE_COPIES, EM_IFB_NAME));
	em_build_rule(b, place);
	for_each_list(b, add_entry, em_build_match(b, EM_STATEMENT_DISPATCH, note_load(LIST)));
	/* A note of another generation is for the chain of that. */
	em_build_rule(b, place);
	em_build_match(b, EM_STATEMENT_EQUAL, note_load(LIST));
	add_no_note(b);
	for_each_list(b, chains_list, NULL);
}

/* On lo, which every network namespace has. */
int em_nft_copies_try(struct em_netlink *netlink, struct em_batch *batch,
		      struct em_refusal *refusal)
{
	struct em_statement forward = {.kind = EM_STATEMENT_FORWARD, .ifindex = 1};
	struct em_statement duplicate = {.kind = EM_STATEMENT_DUPLICATE, .ifindex = 1};
	struct em_rule rules[] = {{.statements = &forward, .n_statements = 1},
				  {.statements = &duplicate, .n_statements = 1}};
	struct em_chain chains[] = {{.table = EM_TABLE_NETDEV,
				     .name = {.role = "try-last"},
				     .base = &em_ruleset_bases[EM_BASE_LAST],
				     .device = "lo",
				     .rules = &rules[0],
				     .n_rules = 1},
				    {.table = EM_TABLE_NETDEV,
				     .name = {.role = "try-copies"},
				     .base = &em_ruleset_bases[EM_BASE_COPIES],
				     .device = "lo",
				     .rules = &rules[1],
				     .n_rules = 1}};
	const struct em_ruleset ruleset = {.chains = chains, .n_chains = 2};

	em_message_table(batch, EM_TABLE_NETDEV);
	em_message_bases(batch, &ruleset, EM_TABLE_NETDEV);
	return em_batch_send(netlink, batch, true, refusal);
}
