/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* errors - the rules at egress for ICMP errors, which quote a datagram with the port of an entity.
 */
#include <netinet/in.h>

#include "nft/answers.h"

/* From the transport header of an ICMP or ICMPv6 error, and from that of the quoted datagram. */
enum { ICMP_TYPE = 0, ICMP_CHECKSUM = 2, ICMP_QUOTE = 8 };
enum { UDP_SOURCE = 0, UDP_DESTINATION = 2, UDP_CHECKSUM = 6 };

/* Of a packet of the sender that an ICMP error quotes. */
static uint8_t put_quoted_key(struct em_load loads[EM_PIECES_MAX], const struct em_layout *ip,
			      uint16_t udp)
{
	uint8_t n = 0;

	if (ip->link)
		loads[n++] = em_build_field(EM_FIELD_OIF);
	loads[n++] = em_answers_address(EM_FIELD_PAYLOAD, ICMP_QUOTE + ip->source, ip);
	loads[n++] = em_answers_port(udp + UDP_SOURCE);
	if (!ip->link)
		loads[n++] = em_answers_address(EM_FIELD_PAYLOAD, ICMP_QUOTE + ip->destination, ip);
	loads[n++] = em_answers_port(udp + UDP_DESTINATION);
	return n;
}

static struct em_load raw(uint16_t offset, uint8_t length)
{
	return (struct em_load){.field = EM_FIELD_PAYLOAD, .offset = offset, .length = length};
}

/* Of the quoted IPv4 header, `words` long, or of the IPv6 header, where it is 10. */
static uint16_t quoted_udp(uint8_t words)
{
	return ICMP_QUOTE + 4 * words;
}

static struct em_identifier restore_name(const struct em_builder *b, const struct em_layout *ip,
					 const struct em_known *known, uint8_t words)
{
	static const struct em_answers_roles roles = {"restore4-", "restore6-", "restore6-"};
	struct em_identifier name = em_answers_by_layout(b, ip, &roles, known->port);

	name.part = words;
	return name;
}

static void rule_restore(struct em_builder *b, const struct em_known *known, uint16_t udp,
			 bool checksum)
{
	struct em_statement *set;

	em_build_rule(b, &known->place);
	if (!checksum)
		em_build_match(b, EM_STATEMENT_EQUAL, raw(udp + UDP_CHECKSUM, 2));
	set = em_build_match(b, EM_STATEMENT_SET_QUOTED, raw(udp + UDP_DESTINATION, 2));
	set->checksum = checksum ? udp + UDP_CHECKSUM : ICMP_CHECKSUM;
	em_build_number(set->low, known->port, 2);
	em_build_add(b, EM_STATEMENT_ACCEPT);
}

/*
 * The checksum of the quoted datagram follows its port, and so that of the message, which sums up
 * both, stays what it is. Where the datagram has none, that of the message follows.
 */
static void chain_restore(struct em_builder *b, const struct em_layout *ip,
			  const struct em_known *known, uint8_t words)
{
	em_build_chain(b, restore_name(b, ip, known, words));
	rule_restore(b, known, quoted_udp(words), false);
	rule_restore(b, known, quoted_udp(words), true);
}

static void rule_quoted(struct em_builder *b, const struct em_layout *ip,
			const struct em_known *known, uint8_t words, const char *set)
{
	struct em_statement *in;

	em_build_rule(b, &known->place);
	in = em_build_add(b, EM_STATEMENT_IN);
	in->n_loads = put_quoted_key(in->loads, ip, quoted_udp(words));
	in->target = em_answers_set(set, known->port);
	em_build_target(b, EM_STATEMENT_GOTO, restore_name(b, ip, known, words));
}

static void rule_accept_byte(struct em_builder *b, const struct em_place *place, uint16_t offset,
			     uint8_t other_than)
{
	em_build_rule(b, place);
	em_build_match(b, EM_STATEMENT_NOT_EQUAL, raw(offset, 1))->low[0] = other_than;
	em_build_add(b, EM_STATEMENT_ACCEPT);
}

static struct em_identifier quote_name(const struct em_builder *b, const struct em_layout *ip,
				       uint8_t words)
{
	static const struct em_answers_roles roles = {"quote4.", "quote6.", "quote6."};

	return em_answers_by_layout(b, ip, &roles, words);
}

static void rules_quoted(struct em_builder *b, const struct em_layout *ip,
			 const struct em_known *known, uint8_t words)
{
	rule_quoted(b, ip, known, words, ip->conversations);
	rule_quoted(b, ip, known, words, ip->overflow);
}

/* It quotes a datagram whose IP header is this long. */
static void chains_quote(struct em_builder *b, const struct em_layout *ip,
			 const struct em_all_known *known, uint8_t words)
{
	const struct em_place *place = &known->all[0].place;
	struct em_load fragment = raw(ICMP_QUOTE + 6, 2);

	em_build_chain(b, quote_name(b, ip, words));
	rule_accept_byte(b, place, ICMP_QUOTE + ip->protocol, IPPROTO_UDP);
	if (ip == &em_answers_ip4) {
		fragment.masked = true;
		em_build_number(fragment.mask, 0x1fff, 2);
		em_build_rule(b, place);
		em_build_match(b, EM_STATEMENT_NOT_EQUAL, fragment);
		em_build_add(b, EM_STATEMENT_ACCEPT);
	}
	for (size_t i = 0; i < known->n; i++) {
		rules_quoted(b, ip, &known->all[i], words);
		if (ip == &em_answers_ip6 && !b->ruleset->form.joined)
			rules_quoted(b, &em_answers_link_local, &known->all[i], words);
	}
	for (size_t i = 0; i < known->n; i++)
		chain_restore(b, ip, &known->all[i], words);
}

enum { WORDS_MIN = 5, WORDS_MAX = 15, WORDS_IP6 = 10 };

static void chains_errors4(struct em_builder *b, const struct em_all_known *known)
{
	static const uint8_t errors[] = {3, 4, 5, 11, 12};
	const struct em_place *place = &known->all[0].place;
	struct em_statement *dispatch;

	em_build_chain(b, em_answers_name(b, "errors4", 0));
	em_build_rule(b, place);
	dispatch = em_build_match(b, EM_STATEMENT_DISPATCH, raw(ICMP_TYPE, 1));
	for (size_t i = 0; i < sizeof(errors); i++)
		em_answers_add_byte(b, dispatch, errors[i], em_answers_name(b, "error4", 0));
	em_build_chain(b, em_answers_name(b, "error4", 0));
	em_build_rule(b, place);
	dispatch = em_build_match(b, EM_STATEMENT_DISPATCH, raw(ICMP_QUOTE, 1));
	for (uint8_t words = WORDS_MIN; words <= WORDS_MAX; words++)
		em_answers_add_byte(b, dispatch, 0x40 | words,
				    quote_name(b, &em_answers_ip4, words));
	for (uint8_t words = WORDS_MIN; words <= WORDS_MAX; words++)
		chains_quote(b, &em_answers_ip4, known, words);
}

static void chains_errors6(struct em_builder *b, const struct em_all_known *known)
{
	struct em_statement *types;

	em_build_chain(b, em_answers_name(b, "errors6", 0));
	em_build_rule(b, &known->all[0].place);
	types = em_build_match(b, EM_STATEMENT_RANGE, raw(ICMP_TYPE, 1));
	types->low[0] = 1;
	types->high[0] = 4;
	em_build_target(b, EM_STATEMENT_GOTO, quote_name(b, &em_answers_ip6, WORDS_IP6));
	chains_quote(b, &em_answers_ip6, known, WORDS_IP6);
}

void em_build_errors(struct em_builder *b, const struct em_all_known *known)
{
	chains_errors4(b, known);
	chains_errors6(b, known);
}
