/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * listener - from counting a packet to sending it on: length, tag.
 */
#include <linux/if_ether.h>
#include <sys/socket.h>

#include "engine/plan.h"
#include "nft/build.h"
#include "policy/copies.h"

/*
 * The last byte that is needed, to see whether the frame holds it.  Where kernels before 6.18
 * cannot start a load there, the load that is made anyhow and ends there serves as well.
 */
static struct em_load last_needed(const struct em_format *format, uint16_t need)
{
	struct em_load last = em_build_payload(need - 1, 1);

	if (last.offset <= EM_LOAD_LAST)
		return last;
	for (size_t i = 0; i < format->tag.n_pieces; i++) {
		const struct em_piece *piece = &format->tag.pieces[i];

		/* Of one that is too long for a comparison, its end. */
		if (piece->source == EM_PIECE_PAYLOAD && piece->offset + piece->length == need)
			return piece->length > EM_LOAD_MAX
				       ? em_build_payload(need - EM_LOAD_MAX, EM_LOAD_MAX)
				       : em_build_payload(piece->offset, piece->length);
	}
	for (size_t i = 0; i < format->n_checks; i++) {
		const struct em_check *check = &format->checks[i];
		unsigned int length = (check->length - 1) % EM_LOAD_MAX + 1;

		if (check->offset + check->length == need &&
		    !(check->little_endian && !check->n_values))
			return em_build_payload(need - length, length);
	}
	return last;
}

static uint16_t least_length(const struct em_format *format)
{
	uint16_t need = em_format_need(format);

	return format->payload_min > need ? format->payload_min : need;
}

static void add_length(struct em_builder *b)
{
	struct em_statement *length =
		em_build_match(b, EM_STATEMENT_RANGE, em_build_field(EM_FIELD_UDP_LENGTH));

	em_build_number(length->low, least_length(b->format) + EM_UDP_HEADER, 2);
	em_build_number(length->high, b->format->payload_max + EM_UDP_HEADER, 2);
}

/*
 * Begins a rule for what the current format admits: its length, a frame that holds all bytes of
 * which it asks, and its IP version; the caller ends it.  False where the format admits no length,
 * or nothing of the family that all packets are of already (AF_UNSPEC: of both).
 */
static bool rule_admitted(struct em_builder *b, uint8_t known)
{
	const struct em_format *format = b->format;
	uint8_t family = em_format_family(format);
	uint16_t need = em_format_need(format);

	if (least_length(format) > format->payload_max || (family && known && family != known))
		return false;
	em_build_rule(b, *format->name ? &format->place : &b->listener->place);
	add_length(b);
	if (need)
		em_build_match(b, EM_STATEMENT_IN_FRAME, last_needed(format, need));
	if (family && !known)
		em_build_u16(b, EM_STATEMENT_EQUAL, EM_FIELD_PROTOCOL,
			     family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	return true;
}

static struct em_identifier first_chain(const struct em_builder *b)
{
	return em_build_format_name(b, b->format->n_checks ? "checks" : "sort");
}

/*
 * One of several formats has admitted the datagram, and no other before it: what does not fit any
 * from here on fails the checks.  A chain with the checks of a format returns where one fails.
 */
static void chain_admitted(struct em_builder *b)
{
	const struct em_format *first = b->format;
	const struct em_format *end = b->listener->formats + b->listener->n_formats;

	em_build_chain(b, em_build_format_name(b, "admitted"));
	em_build_rule(b, &first->place);
	em_build_target(b, EM_STATEMENT_JUMP, first_chain(b));
	for (b->format = first + 1; b->format < end; b->format++)
		if (rule_admitted(b, em_format_family(first)))
			em_build_target(b, EM_STATEMENT_JUMP, first_chain(b));
	em_build_rule_invalid(b, EM_COUNTER_CHECK, &first->place);
	b->format = first;
}

static void chain_listener(struct em_builder *b)
{
	const struct em_listener *listener = b->listener;

	em_build_chain(b, em_build_listener_name(b, "listener"));
	em_build_sources(b);
	for (size_t i = 0; i < listener->n_formats; i++) {
		b->format = &listener->formats[i];
		if (rule_admitted(b, em_listener_family(listener)))
			em_build_target(b, EM_STATEMENT_GOTO,
					listener->n_formats > 1
						? em_build_format_name(b, "admitted")
						: first_chain(b));
	}
	em_build_rule_invalid(b, EM_COUNTER_LENGTH, &listener->place);
}

/*
 * A checksum of 0 says that there is none and has to stay.  The kernel updates whatever is there
 * and stores what is written to a field afterwards; so the 0 is written back.  The flag with which
 * newer nft has the kernel skip a 0 is no way out: the update then takes the packet for one whose
 * sum covers a pseudo header, and spoils the sum that a device has computed (CHECKSUM_COMPLETE).
 */
static void add_no_checksum(struct em_builder *b, enum em_statement_kind kind)
{
	if (kind == EM_STATEMENT_SET)
		em_build_add(b, kind)->written = EM_FIELD_UDP_CHECKSUM;
	else
		em_build_u16(b, kind, EM_FIELD_UDP_CHECKSUM, 0);
}

/* An entity has it; its set or map has been looked up. */
static void count_sorted(struct em_builder *b, enum em_verdict verdict, bool ranges)
{
	static const enum em_counter counters[EM_VERDICTS] = {[EM_PASS] = EM_COUNTER_PASSED,
							      [EM_DROP] = EM_COUNTER_DROPPED,
							      [EM_PORT] = EM_COUNTER_REWRITTEN};

	if (b->ruleset->form.object_counters)
		em_build_lookup(b, EM_STATEMENT_COUNT_MAPPED,
				em_build_format_name(b, ranges ? "countranges" : "counts"));
	em_build_count(b, counters[verdict]);
}

void em_build_end(struct em_builder *b, enum em_verdict verdict)
{
	if (verdict == EM_PORT && b->listener->replies)
		em_build_target(b, EM_STATEMENT_GOTO, em_build_remember_name(b));
	else
		em_build_add(b, verdict == EM_DROP ? EM_STATEMENT_DROP : EM_STATEMENT_ACCEPT);
}

/* An entity's datagram has been counted, and has its port. */
static void end_sorted(struct em_builder *b, enum em_verdict verdict, bool ranges)
{
	if (em_build_copies(b, ranges))
		em_build_target(b, EM_STATEMENT_GOTO, em_build_copy_entity(b, verdict, ranges));
	else
		em_build_end(b, verdict);
}

static void add_rewrite(struct em_builder *b, bool ranges, bool checksum)
{
	em_build_lookup(b, EM_STATEMENT_SET_MAPPED, em_build_entities_name(b, EM_PORT, ranges))
		->written = EM_FIELD_UDP_DPORT;
	if (!checksum)
		add_no_checksum(b, EM_STATEMENT_SET);
	count_sorted(b, EM_PORT, ranges);
	end_sorted(b, EM_PORT, ranges);
}

static void rule_rewrite(struct em_builder *b, bool ranges, bool checksum)
{
	em_build_rule(b, &b->format->tag.place);
	add_no_checksum(b, checksum ? EM_STATEMENT_NOT_EQUAL : EM_STATEMENT_EQUAL);
	add_rewrite(b, ranges, checksum);
}

/* Whether the frame holds all bytes of which the format asks wherever it holds the tag. */
static bool tag_comes_last(const struct em_format *format)
{
	uint16_t end = em_format_need(format) + EM_UDP_HEADER;
	struct em_key key;

	em_key_of_tag(format, &key);
	for (uint8_t i = 0; i < key.n_loads; i++)
		if (key.loads[i].field == EM_FIELD_PAYLOAD &&
		    key.loads[i].offset + key.loads[i].length == end)
			return true;
	return false;
}

bool em_build_can_sort(const struct em_builder *b)
{
	const struct em_listener *listener = b->listener;
	const struct em_format *format = listener->formats;

	return listener->n_formats == 1 && !listener->n_sources && !em_build_marks(b) &&
	       em_listener_family(listener) == AF_UNSPEC && em_format_count(format, EM_PORT) &&
	       least_length(format) <= format->payload_max && em_build_checks_fit(format) &&
	       !em_build_copied(b, EM_SAMPLE_SORTED) && !em_copies_any(listener);
}

void em_build_sort(struct em_builder *b)
{
	b->format = b->listener->formats;
	add_length(b);
	if (!tag_comes_last(b->format))
		em_build_match(b, EM_STATEMENT_IN_FRAME,
			       last_needed(b->format, em_format_need(b->format)));
	em_build_compare(b);
	add_rewrite(b, false, true);
}

/* `copies` says whether copies of what has no entity are made, of which this is one. */
static void rule_to_port(struct em_builder *b, uint16_t port, bool checksum, bool copies)
{
	struct em_statement *statement;

	em_build_rule(b, &b->listener->place);
	if (!checksum)
		add_no_checksum(b, EM_STATEMENT_EQUAL);
	statement = em_build_add(b, EM_STATEMENT_SET);
	statement->written = EM_FIELD_UDP_DPORT;
	em_build_number(statement->low, port, 2);
	if (!checksum)
		add_no_checksum(b, EM_STATEMENT_SET);
	if (copies)
		em_build_target(b, EM_STATEMENT_GOTO, em_build_copy_unknown(b));
	else
		em_build_end(b, EM_PORT);
}

/* Conntrack is to choose the port. */
static void accept_marked(struct em_builder *b, bool invalid)
{
	size_t listener = b->listener - b->ruleset->policy->listeners;

	em_build_mark(b, em_ruleset_mark(b->ruleset->generation, listener, invalid));
	em_build_add(b, EM_STATEMENT_ACCEPT);
}

static void rule_mark(struct em_builder *b, bool ranges)
{
	em_build_rule(b, &b->format->tag.place);
	em_build_lookup(b, EM_STATEMENT_IN, em_build_entities_name(b, EM_PORT, ranges));
	count_sorted(b, EM_PORT, ranges);
	accept_marked(b, false);
}

/* Ends the open rule; where the action is a port, with a chain that leads to it. */
static void add_action(struct em_builder *b, const struct em_action *action,
		       struct em_identifier to_port)
{
	switch (action->verdict) {
	case EM_PASS:
		em_build_add(b, EM_STATEMENT_ACCEPT);
		break;
	case EM_DROP:
		em_build_add(b, EM_STATEMENT_DROP);
		break;
	case EM_PORT:
		em_build_target(b, EM_STATEMENT_GOTO, to_port);
		break;
	}
}

static struct em_identifier unknown_chain(const struct em_builder *b)
{
	return em_build_format_name(b, b->whole ? "whole-unknown" : "unknown");
}

static void chain_to_port(struct em_builder *b, const struct em_action *action, bool invalid)
{
	const bool copies = !invalid && em_build_copies_unknown(b);

	if (action->verdict != EM_PORT)
		return;
	em_build_chain(b, invalid ? em_build_listener_name(b, "invalid") : unknown_chain(b));
	if (em_build_marks(b)) {
		em_build_rule(b, &b->listener->place);
		accept_marked(b, invalid);
	} else {
		rule_to_port(b, action->port, false, copies);
		rule_to_port(b, action->port, true, copies);
	}
}

/* Of the entities that have this verdict, if there are any. */
static void rules_sorted(struct em_builder *b, enum em_verdict verdict, bool ranges)
{
	if (!em_build_has(b, verdict, ranges))
		return;
	if (verdict == EM_PORT && em_build_marks(b)) {
		rule_mark(b, ranges);
		return;
	}
	if (verdict == EM_PORT) {
		rule_rewrite(b, ranges, true);
		rule_rewrite(b, ranges, false);
		return;
	}
	em_build_rule(b, &b->format->tag.place);
	em_build_lookup(b, EM_STATEMENT_IN, em_build_entities_name(b, verdict, ranges));
	count_sorted(b, verdict, ranges);
	end_sorted(b, verdict, ranges);
}

static void add_invalid(struct em_builder *b, enum em_counter reason)
{
	em_build_count(b, reason);
	add_action(b, &b->listener->invalid, em_build_listener_name(b, "invalid"));
}

static struct em_identifier copy_chain(const struct em_builder *b, enum em_reason reason)
{
	static const char *const roles[EM_REASONS] = {[EM_REASON_SOURCE] = "copy-source",
						      [EM_REASON_LENGTH] = "copy-length",
						      [EM_REASON_CHECK] = "copy-check"};

	return em_build_listener_name(b, roles[reason]);
}

/* A rule that has found out why may have no room for a copy, which is not made of every packet. */
void em_build_invalid(struct em_builder *b, enum em_counter counter)
{
	enum em_reason reason = (enum em_reason)(counter - EM_COUNTER_SOURCE);

	if (em_build_copied(b, reason))
		em_build_target(b, EM_STATEMENT_GOTO, copy_chain(b, reason));
	else
		add_invalid(b, counter);
}

static void chains_copied(struct em_builder *b)
{
	_Static_assert(EM_COUNTERS - EM_COUNTER_SOURCE == EM_REASONS, "in the same order");
	for (unsigned int reason = 0; reason < EM_REASONS; reason++) {
		if (!em_build_copied(b, reason))
			continue;
		em_build_chain(b, copy_chain(b, (enum em_reason)reason));
		em_build_rule(b, &b->listener->place);
		em_build_copy(b, reason);
		em_build_rule(b, &b->listener->place);
		add_invalid(b, (enum em_counter)(EM_COUNTER_SOURCE + reason));
	}
}

static void rule_copy_sorted(struct em_builder *b, bool ranges)
{
	if (!em_build_has_sampled(b, ranges))
		return;
	em_build_rule(b, &b->format->tag.place);
	em_build_lookup(b, EM_STATEMENT_IN, em_build_sampled_name(b, ranges));
	em_build_copy(b, EM_SAMPLE_SORTED);
}

static void rule_copy_unknown(struct em_builder *b)
{
	if (!em_build_copied(b, EM_SAMPLE_UNKNOWN))
		return;
	em_build_rule(b, &b->listener->place);
	em_build_copy(b, EM_SAMPLE_UNKNOWN);
}

/* An entity that has the tag for itself comes before those that cover others, too. */
static void chain_sort(struct em_builder *b)
{
	em_build_chain(b, em_build_format_name(b, b->whole ? "whole" : "sort"));
	if (!b->whole)
		em_build_rules_fragment(b);
	for (int ranges = 0; ranges < 2; ranges++) {
		rule_copy_sorted(b, ranges);
		rules_sorted(b, EM_PORT, ranges);
		rules_sorted(b, EM_PASS, ranges);
		rules_sorted(b, EM_DROP, ranges);
	}
	em_build_unknown_tags(b);
	rule_copy_unknown(b);
	em_build_rule(b, &b->listener->place);
	em_build_count(b, EM_COUNTER_UNKNOWN);
	if (b->format->unknown.verdict != EM_PORT && em_build_copies_unknown(b))
		em_build_target(b, EM_STATEMENT_GOTO, em_build_copy_unknown(b));
	else
		add_action(b, &b->format->unknown, unknown_chain(b));
}

static void chains_format(struct em_builder *b)
{
	if (b->format->n_checks)
		em_build_checks(b);
	chain_sort(b);
	chain_to_port(b, &b->format->unknown, false);
	if (!em_copies_any(b->listener))
		return;
	b->whole = true;
	chain_sort(b);
	chain_to_port(b, &b->format->unknown, false);
	b->whole = false;
	em_build_copy_chains(b);
}

void em_build_listener(struct em_builder *b)
{
	const struct em_format *formats = b->listener->formats;
	size_t n = b->listener->n_formats;

	chain_listener(b);
	for (size_t i = 0; n > 1 && i < n; i++) {
		b->format = &formats[i];
		chain_admitted(b);
	}
	for (size_t i = 0; i < n; i++) {
		b->format = &formats[i];
		chains_format(b);
	}
	chains_copied(b);
	chain_to_port(b, &b->listener->invalid, true);
	if (b->listener->replies && !em_build_marks(b))
		em_build_remember(b);
}
