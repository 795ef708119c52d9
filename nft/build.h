/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * build - how the chains of a ruleset are put together.
 *
 * A chain, a rule or a statement is appended to what was opened last.  The builder keeps its first
 * error and ignores what comes after it; a ruleset with an error is never handed out, so that none
 * of these functions has to be asked whether it failed.
 */
#ifndef EM_NFT_BUILD_H
#define EM_NFT_BUILD_H

#include "nft/ruleset.h"

struct em_builder {
	struct em_ruleset *ruleset;
	const struct em_listener *listener; /* whose chains are being built */
	const struct em_format *format;	    /* likewise; of the listener */
	enum em_table table;		    /* that chains are opened in */
	bool whole;			    /* chains for fragments, of which there are no copies */
	int error;
	struct em_statement scratch; /* what is written to after an error */
};

/*
 * One more element, zeroed, of an array that grows by doubling; `array` is the address of the
 * pointer to the first.  NULL when out of memory.
 */
void *em_build_append(void *array, size_t *n, size_t size);

/* "vN-role-name" of the current listener, or of an interface. */
struct em_identifier em_build_listener_name(const struct em_builder *b, const char *role);
/* The same for its current format: "vN-role-name/format" where that has a name. */
struct em_identifier em_build_format_name(const struct em_builder *b, const char *role);
struct em_identifier em_build_interface_name(const struct em_builder *b, const char *role,
					     const char *interface);

void em_build_chain(struct em_builder *b, struct em_identifier name);
void em_build_rule(struct em_builder *b, const struct em_place *place);

/* An object; what its `items` point to is the ruleset's from now on, also after an error. */
void em_build_object(struct em_builder *b, struct em_object object);

/* A statement of this kind, otherwise empty; never NULL. */
struct em_statement *em_build_add(struct em_builder *b, enum em_statement_kind kind);
/* One with a target. */
void em_build_target(struct em_builder *b, enum em_statement_kind kind,
		     struct em_identifier target);
/* A statement with a load; the value to compare with is 0. */
struct em_statement *em_build_match(struct em_builder *b, enum em_statement_kind kind,
				    struct em_load load);
/* The same with what is looked up in the format's maps, against nothing yet. */
struct em_statement *em_build_lookup(struct em_builder *b, enum em_statement_kind kind,
				     struct em_identifier map);
/* A field of 2 bytes against a value. */
void em_build_u16(struct em_builder *b, enum em_statement_kind kind, enum em_field name,
		  uint16_t value);
/* A counter of the current listener. */
void em_build_count(struct em_builder *b, enum em_counter counter);
/*
 * What has the tags of the current format's entities with this verdict: of those with one tag, or
 * the ranges of the others.
 */
struct em_identifier em_build_entities_name(const struct em_builder *b, enum em_verdict verdict,
					    bool ranges);
/* Whether it has any: entities with one tag, or intervals of others. */
bool em_build_has(const struct em_builder *b, enum em_verdict verdict, bool ranges);
/*
 * Likewise, of the entities whose datagrams are sampled: whether the format has any, and what has
 * their tags.
 */
bool em_build_has_sampled(const struct em_builder *b, bool ranges);
struct em_identifier em_build_sampled_name(const struct em_builder *b, bool ranges);
/*
 * Likewise, of the entities whose datagrams are copied to a list, see em_entity: whether the format
 * has any, and the set of their tags.  List 0 is that of the listener alone.
 */
bool em_build_has_copied(const struct em_builder *b, uint8_t list, bool ranges);
struct em_identifier em_build_copied_name(const struct em_builder *b, uint8_t list, bool ranges);
/* The place of the first entity that covers more than one tag. */
const struct em_place *em_build_ranges_place(const struct em_builder *b);
/*
 * The end of a rule, or a rule of its own, for what is invalid for the current listener
 * (listener.c).
 */
void em_build_invalid(struct em_builder *b, enum em_counter reason);
void em_build_rule_invalid(struct em_builder *b, enum em_counter reason,
			   const struct em_place *place);

/* The end of a rule for what has its port, or is passed or dropped (listener.c). */
void em_build_end(struct em_builder *b, enum em_verdict verdict);

/*
 * Whether datagrams of the current listener are copied for this reason (enum em_reason, or
 * EM_SAMPLE_…), and the end of a rule that does so (log.c).
 */
bool em_build_copied(const struct em_builder *b, unsigned int reason);
void em_build_copy(struct em_builder *b, unsigned int reason);

/* Whether what the current listener sorts to a port is marked for conntrack. */
bool em_build_marks(const struct em_builder *b);
/* The mark of the current listener, or 0. */
void em_build_mark(struct em_builder *b, uint32_t mark);

struct em_load em_build_field(enum em_field name);
/* offset is one into the payload. */
struct em_load em_build_payload(uint16_t offset, uint8_t length);
/* A number in the order of the wire. */
void em_build_number(uint8_t *bytes, uint64_t value, unsigned int length);

/* All chains of an interface (dispatch.c). */
void em_build_interface(struct em_builder *b, const char *interface);
/* Adds an entry to a dispatch: a key, and the chain that it leads to. */
void em_build_entry(struct em_builder *b, struct em_statement *dispatch, const void *key,
		    size_t length, struct em_identifier chain);

/* All chains of the current listener (listener.c), and those for its format's checks (checks.c). */
void em_build_listener(struct em_builder *b);
void em_build_checks(struct em_builder *b);
/*
 * Whether one rule can sort most datagrams of the current listener, those that are valid, have a
 * checksum, and are of an entity with one tag and a port; and the end of such a rule (listener.c).
 */
bool em_build_can_sort(const struct em_builder *b);
void em_build_sort(struct em_builder *b);
/*
 * Whether the checks of a format fit into such a rule, and all comparisons of checks that need no
 * chain of their own (checks.c).
 */
bool em_build_checks_fit(const struct em_format *format);
void em_build_compare(struct em_builder *b);
/* In a chain of the listener, who may send; with the sets of addresses (sources.c). */
void em_build_sources(struct em_builder *b);
/*
 * The objects of the current listener (objects.c): its counters, what has an element for each
 * entity in table netdev, and with `replies` in table inet.
 */
void em_build_counters(struct em_builder *b);
void em_build_entities(struct em_builder *b);
void em_build_zones(struct em_builder *b);
/*
 * A rule that remembers the unknown tag of a datagram of the current format, in a chain of it, and
 * the set of these (unknown_tags.c).
 */
void em_build_unknown_tags(struct em_builder *b);
/*
 * Where a listener has `replies`, the sets of conversations, what leads the current listener's
 * datagrams to them, and the chains for what leaves (answers.c).
 */
void em_build_answers(struct em_builder *b);
void em_build_remember(struct em_builder *b);
struct em_identifier em_build_remember_name(const struct em_builder *b);
/* With zones instead, all of table inet but its base chains (replies.c). */
void em_build_replies(struct em_builder *b);
/*
 * Where a listener has copies (copies.c, copies.h): whether there are copies of datagrams of some
 * entity of the current format, or of none; rules that lead fragments past the copies; where what
 * has been decided about goes on; the chains there; and those of the device.
 */
bool em_build_copies(const struct em_builder *b, bool ranges);
bool em_build_copies_unknown(const struct em_builder *b);
void em_build_rules_fragment(struct em_builder *b);
struct em_identifier em_build_copy_entity(const struct em_builder *b, enum em_verdict verdict,
					  bool ranges);
struct em_identifier em_build_copy_unknown(const struct em_builder *b);
void em_build_copy_chains(struct em_builder *b);
void em_build_copier(struct em_builder *b);
/* A base chain and its rule (bases.c); the interface is NULL where it has none. */
void em_build_base(struct em_builder *b, enum em_base_kind which, const char *interface,
		   const struct em_place *place);

#endif
