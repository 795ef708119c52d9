/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * ruleset - a policy as rules of nf_tables, before they become text or netlink messages.
 *
 * One representation with two printers (text.h, message.h), so that what `entitymux ruleset` shows
 * and what is installed cannot drift apart.  It is made of the few statements that the backend
 * needs, each of which is one thing in nft's language and a fixed sequence of the kernel's
 * expressions.  No I/O.
 *
 * In table `netdev entitymux`, generation 1, for listener "telemetry" on eth0 (vlan 5 elsewhere):
 *
 *	headers-eth0             base chain, the same for all generations; its only rule goes to
 *	v1-pull-eth0             see to it that the kernel finds the IPv6 header where it looks
 *	ingress-eth0             base chain behind it, likewise
 *	v1-dispatch-eth0         what is UDP and whole enough, by ether type
 *	v1-untagged-eth0,        by address and port
 *	v1-tagged-eth0,          by VLAN id, to
 *	v1-vlan5-eth0            by address and port
 *	v1-listener-telemetry    count, source, length
 *	v1-checks-telemetry      all checks; those that do not fit into one rule are subroutines:
 *	v1-check3-telemetry      returns where the check holds
 *	v1-sort-telemetry        look the tag up in map v1-entities-telemetry and rewrite the port
 *
 * What is an IPv6 packet's transport header the kernel finds out once for each base chain, before
 * the first rule, and reads the next header of the IPv6 header without asking whether the header is
 * in the linear part of the packet (ipv6_find_hdr(), 5.10 to 7.2): where it is not, as a driver
 * without GRO or a packet socket may leave it, it takes what was in this memory before.  To write
 *to the header, if only what is there, pulls it into the linear part; for the base chain that comes
 * next.
 *
 * The elements of that map count what is looked up.  Before Linux 5.10 they cannot; there, a
 * ruleset with `object_counters` has a named counter for each entity, such as
 * v1-entity-telemetry-deadbeef, and v1-sort-telemetry looks the tag up once more, for its counter,
 * in map v1-counts-telemetry.
 *
 * Where a listener has `replies`, conntrack rewrites the port instead, and the answers back.  The
 * rules at ingress stay what they are but for the last step: a mark takes the place of the new
 * port, and a set of tags, v1-tags-telemetry, that of the map.  Table `inet entitymux` has the
 * rest, where conntrack can be told:
 *
 *	raw-prerouting		base chain before conntrack, the same for all generations, with a
 *				rule for each that is there:
 *	v1-marked		by the mark, which names generation and listener, to
 *	v1-zone-telemetry	take the mark off, look the tag up in v1-zones-telemetry and
 *				choose the conntrack zone: its id is the number of the target port
 *	nat-prerouting		base chain for the first datagram of a conversation, likewise:
 *	v1-translate		by the port and the zone, v1-conversations180 being those with
 *				this timeout, to
 *	v1-translate180		remember it for 180 s; DNAT to the port that v1-ports has for
 *				the zone
 *
 * NAT is decided once for each entry of conntrack.  A zone for each target port makes an entry for
 * each pair of a sender and a target port, so that each datagram is sorted by its own tag.  The
 * zone is that of the original direction alone; answers are looked for in the default zone, and
 * found.  What stays at the listener's own port stays in the default zone: so does what is passed
 * there, and the server cannot tell them apart.
 *
 * That the port follows from the zone and nothing else has three reasons: one lookup cannot
 * disagree with another, an entry can never lead to a port that a later policy has given to
 * somebody else, and nothing but the entry has to get from one chain to the next.  A mark would
 * not: between the two priorities others restore theirs (CONNMARK).
 *
 * A rule can end early in three ways: a comparison that fails, a load past the end of the frame, a
 * lookup that misses.  All end in the next rule, so a chain decides for the packet first and its
 * last rule is what happens to all others.
 */
#ifndef EM_NFT_RULESET_H
#define EM_NFT_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nft/field.h"
#include "policy/conversation.h"
#include "policy/policy.h"

#define EM_RULESET_TABLE "entitymux"
/* With the NUL; NFT_NAME_MAXLEN of the kernel. */
#define EM_IDENTIFIER_MAX 256
/* NF_IP_PRI_RAW: before what other tables usually do at ingress. */
#define EM_RULESET_PRIORITY (-300)
/*
 * The last byte from the transport header where a payload load can start before Linux 6.18, whose
 * NFTA_PAYLOAD_OFFSET is wider than a byte.
 */
#define EM_LOAD_LAST 255
/* Bytes of the UDP header; payload byte 0 is byte 8 from the transport header. */
#define EM_UDP_HEADER 8
/* Bytes of the longest key: 4 loads, each padded to a multiple of 4, of 16 bytes in all. */
#define EM_KEY_MAX 32
/* Of the packet's mark, the bits that are ours between ingress and raw-prerouting. */
#define EM_MARK_MASK 0xffff0000

/* The two tables, both called EM_RULESET_TABLE, of the families netdev and inet. */
enum em_table { EM_TABLE_NETDEV, EM_TABLE_INET, EM_TABLES };

/* NFPROTO_… of a table. */
uint8_t em_ruleset_family(enum em_table table);

/* The name of an object: "v1-check3-telemetry" is { 1, "check", 3, 0, "telemetry" }. */
struct em_identifier {
	uint32_t generation; /* 0: the same for all, no "vN-" */
	const char *role;    /* static */
	uint32_t number;     /* 0: none */
	uint16_t part;	     /* 0: none; ".2" after the number */
	const char *owner;   /* name of a listener or an interface; not owned; NULL: none */
};

/*
 * Writes it in the letters that an nft identifier may have; other bytes of an interface's name
 * become "/hh", which no interface's name holds.  Returns text.
 */
const char *em_identifier_format(const struct em_identifier *identifier,
				 char text[EM_IDENTIFIER_MAX]);

/* Roles by which what is there tells what else has to be. */
#define EM_ROLE_TAGS  "tags"
#define EM_ROLE_ZONES "zones"

/* The owner in a name of this role, "telemetry" in "v1-tags-telemetry"; NULL: not of this role. */
const char *em_identifier_owner(const char *text, const char *role);

/* The generation that a name of ours starts with; 0: it carries none. */
uint32_t em_identifier_generation(const char *text);

enum em_statement_kind {
	EM_STATEMENT_EQUAL,	   /* load == low */
	EM_STATEMENT_NOT_EQUAL,	   /* load != low */
	EM_STATEMENT_RANGE,	   /* low <= load <= high */
	EM_STATEMENT_IN_FRAME,	   /* load >= 0: true of every frame that holds these bytes */
	EM_STATEMENT_IN,	   /* loads are in the set `target` */
	EM_STATEMENT_NOT_IN,	   /* load is not in the set `target` */
	EM_STATEMENT_DISPATCH,	   /* goto the entry whose key the loads give */
	EM_STATEMENT_SET_MAPPED,   /* field `written` becomes what map `target` has for the loads */
	EM_STATEMENT_COPY,	   /* field `written` becomes what the load reads */
	EM_STATEMENT_SET,	   /* field `written` becomes low */
	EM_STATEMENT_SET_MARK,	   /* the bits EM_MARK_MASK of the mark become those of low */
	EM_STATEMENT_TIMEOUT,	   /* conntrack remembers it for timeout `target` */
	EM_STATEMENT_TRANSLATE,	   /* DNAT to the port that map `target` has for the load */
	EM_STATEMENT_COUNT,	   /* counter `target` */
	EM_STATEMENT_COUNT_MAPPED, /* the counter that map `target` has for the loads */
	EM_STATEMENT_JUMP,	   /* to chain `target`, and back where that returns */
	EM_STATEMENT_GOTO,	   /* to chain `target` */
	EM_STATEMENT_RETURN,
	EM_STATEMENT_ACCEPT,
	EM_STATEMENT_DROP,
};

struct em_entry {
	uint8_t key[EM_KEY_MAX]; /* each load padded with zeros to a multiple of 4 bytes */
	struct em_identifier chain;
};

struct em_statement {
	enum em_statement_kind kind;
	struct em_load loads[EM_PIECES_MAX];
	uint8_t n_loads;
	uint8_t low[16]; /* in the order of the wire, as long as the load */
	uint8_t high[16];
	enum em_field written;
	struct em_identifier target;
	struct em_entry *entries; /* of EM_STATEMENT_DISPATCH, owned */
	size_t n_entries;
};

struct em_rule {
	struct em_place place; /* of what it is made for */
	struct em_statement *statements;
	size_t n_statements;
};

struct em_chain {
	enum em_table table;
	struct em_identifier name;
	struct em_rule *rules;
	size_t n_rules;
};

struct em_range {
	uint8_t first[16];
	uint8_t last[16]; /* inclusive */
};

/* Sources of one family: disjoint ranges in ascending order, at least one. */
struct em_set {
	struct em_identifier name;
	struct em_place place;
	uint8_t family;
	struct em_range *ranges;
	size_t n_ranges;
};

/* The base chains of an interface in table netdev, in the order in which packets meet them. */
enum em_ingress { EM_INGRESS_HEADERS, EM_INGRESS_SORT, EM_INGRESSES };

struct em_ingress_chain {
	const char *role;
	int priority;	   /* at hook ingress */
	const char *entry; /* role of the chain that it goes to */
};

extern const struct em_ingress_chain em_ruleset_ingress[EM_INGRESSES];

/* The base chains of table inet, which are there while some listener has `replies`. */
enum em_base { EM_BASE_RAW, EM_BASE_NAT, EM_BASES };

struct em_base_chain {
	struct em_identifier name;
	const char *type;
	int priority;	   /* at hook prerouting */
	const char *entry; /* role of the chain that it jumps to */
};

extern const struct em_base_chain em_ruleset_bases[EM_BASES];

/* The counters of a listener. */
enum em_counter {
	EM_COUNTER_PACKETS,
	EM_COUNTER_REWRITTEN,
	EM_COUNTER_UNKNOWN,
	EM_COUNTER_SOURCE,
	EM_COUNTER_LENGTH,
	EM_COUNTER_CHECK,
	EM_COUNTERS
};

/*
 * Where a listener's tag is read, as the key of its map.  A load is one of the pieces; one with a
 * mask comes first, which is the only place where nft (up to 1.0.6) reads a mask back from its own
 * listing.
 */
struct em_key {
	struct em_load loads[EM_PIECES_MAX];
	uint8_t tag_offset[EM_PIECES_MAX]; /* where the bytes of the load are in the tag */
	uint8_t n_loads;
	uint8_t length; /* bytes, padded: all of the loads */
};

struct em_ruleset {
	const struct em_policy *policy; /* not owned; for its listeners' counters and maps */
	uint32_t generation;
	bool object_counters; /* of entities; else the elements of the maps count */
	char (*interfaces)[IF_NAMESIZE];
	size_t n_interfaces;
	struct em_set *sets;
	size_t n_sets;
	struct em_chain *chains; /* but the base chains; a chain may go to later ones */
	size_t n_chains;
	/* With `replies` only: */
	bool replies;
	struct em_place replies_place; /* of the first listener with it */
	struct em_conversations conversations;
	uint32_t *timeouts; /* of these, seconds, each once */
	size_t n_timeouts;
};

/* Builds the ruleset of a policy that outlives it.  *out stays as it is on failure (-ENOMEM). */
int em_ruleset_new(struct em_ruleset **out, const struct em_policy *policy, uint32_t generation);
/* The same, in the form for kernels whose map elements cannot count. */
int em_ruleset_new_with_objects(struct em_ruleset **out, const struct em_policy *policy,
				uint32_t generation);
void em_ruleset_free(struct em_ruleset *ruleset);
void em_ruleset_freep(struct em_ruleset **ruleset);

/* The names that both sides of the kernel must agree on. */
struct em_identifier em_ruleset_base(enum em_ingress which, const char *interface);
/* What it goes to. */
struct em_identifier em_ruleset_dispatch(uint32_t generation, enum em_ingress which,
					 const char *interface);
struct em_identifier em_ruleset_counter(uint32_t generation, const struct em_listener *listener,
					enum em_counter counter);
/* The map of a listener's entities; with `replies` the set of their tags. */
struct em_identifier em_ruleset_map(uint32_t generation, const struct em_listener *listener);
/* With `replies` the map from tags to zones. */
struct em_identifier em_ruleset_zones(uint32_t generation, const struct em_listener *listener);
/* With `replies` the set of conversations with this timeout, and the map from zones to ports. */
struct em_identifier em_ruleset_conversations(uint32_t generation, uint32_t seconds);
struct em_identifier em_ruleset_ports(uint32_t generation);
/* A timeout is for one family, AF_INET or AF_INET6, and the same for all generations. */
struct em_identifier em_ruleset_timeout(uint32_t seconds, uint8_t family);
/* The zone for a target port of the listener; 0, the default one, for its own port. */
uint16_t em_ruleset_zone(const struct em_listener *listener, uint16_t target);
/* What a base chain of table inet jumps to. */
struct em_identifier em_ruleset_entry(uint32_t generation, enum em_base base);
/* What EM_MARK_MASK of the mark is for the listener of this index; never 0. */
uint32_t em_ruleset_mark(uint32_t generation, size_t listener);
/* The map from tags to counters, and the name of an entity's counter: with its tag at the end. */
struct em_identifier em_ruleset_counts(uint32_t generation, const struct em_listener *listener);
const char *em_ruleset_entity_counter(uint32_t generation, const struct em_listener *listener,
				      const struct em_entity *entity, char text[EM_IDENTIFIER_MAX]);

void em_ruleset_key(const struct em_listener *listener, struct em_key *key);
/* A tag as a key, and back. */
void em_key_from_tag(const struct em_key *key, const uint8_t *tag, uint8_t bytes[EM_KEY_MAX]);
void em_key_to_tag(const struct em_key *key, const uint8_t *bytes, uint8_t tag[EM_TAG_MAX]);

/*
 * The numbers min to max, of n bytes, as sets in which each byte has a range of its own: the bytes
 * above `byte` (0 is the least significant) are those of `value`, `byte` is from first to last, and
 * those below are any.  Whole ranges need one, others up to 2n-1.  Returns how many.
 */
struct em_byte_range {
	uint64_t value;
	uint8_t byte;
	uint8_t first;
	uint8_t last;
};

#define EM_SPLIT_RANGE_MAX 15

size_t em_split_range(uint64_t min, uint64_t max, unsigned int length,
		      struct em_byte_range out[EM_SPLIT_RANGE_MAX]);

#endif
