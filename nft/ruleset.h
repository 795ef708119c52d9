/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * ruleset - a policy as rules of nf_tables, before they become text or netlink messages.
 *
 * One representation with two printers (text.h, message.h), so that what `entitymux ruleset` shows
 * and what is installed cannot drift apart.  It has chains, whose rules are made of the statements
 * of statement.h, and the objects that these refer to, as data (object.h).  No I/O.
 *
 * In table `netdev entitymux`, generation 1, for listener "telemetry" on eth0 (vlan 5 elsewhere):
 *
 *	headers-eth0             base chain, the same for all generations; its only rule leads IPv6
 *				 to
 *	v1-pull-eth0             see to it that the kernel finds the IPv6 header where it looks
 *	ingress-eth0             base chain behind it, likewise: what has the listeners' port, or of
 *				 several ports all that is UDP, to
 *	v1-dispatch-eth0         most datagrams are sorted here, by one rule for each IP version;
 *				 others, if they are whole enough, by ether type
 *	v1-untagged-eth0,        by address and port
 *	v1-tagged-eth0,          by VLAN id, to
 *	v1-vlan5-eth0            by address and port
 *	v1-listener-telemetry    source, length
 *	v1-checks-telemetry      all checks; those that do not fit into one rule are subroutines:
 *	v1-check3-telemetry      returns where the check holds
 *	v1-sort-telemetry        look the tag up in map v1-entities-telemetry and rewrite the port,
 *				 or in the sets v1-pass-telemetry and v1-drop-telemetry
 *				 and then in v1-ranges-telemetry, v1-passranges-telemetry and
 *				 v1-dropranges-telemetry, where entities cover more than one tag;
 *				 maps v1-unknown4-telemetry and v1-unknown6-telemetry have the tags
 *				 that nobody has, of late, and their first senders, or set
 *				 v1-unknown-telemetry those that are longer;
 *				 while datagrams of entities are sampled, v1-sampled-telemetry and
 *				 v1-sampledranges-telemetry have the tags of these
 *	v1-copy-check-telemetry  while invalid datagrams are copied: likewise for each reason, copy
 *				 it, and do what is done with it
 *	v1-unknown-telemetry,    rewrite the port of what has no entity, or is invalid
 *	v1-invalid-telemetry
 *
 * What a datagram costs is the number of expressions that it meets, those of named counters and the
 * second base chain above all.  So there is none for all packets of a listener: each of them is
 * counted by one of the others.
 *
 * The kernel looks for the transport header of an IPv6 packet once for each base chain, before the
 * first rule.  It reads the next header of the IPv6 header without asking whether that is in the
 * linear part of the packet (ipv6_find_hdr(), 5.10 to 7.2); where it is not, as after a driver
 * without GRO or a packet socket, it takes what was in this memory before.  To write to the header,
 * if only what is there, pulls it into the linear part, for the next base chain.
 *
 * Of several formats, such as "v9" and "ipfix", each has its own v1-checks-telemetry/v9, its map,
 * its sets and so on.  What v9 is the first to admit by its length goes to
 *
 *	v1-admitted-telemetry/v9 the checks of v9, then those of ipfix if that admits the length,
 *				 too, else it is invalid, reason `check`
 *
 * The checks of a format are a subroutine there, which returns where one does not hold; that one
 * format has admitted the length is told by the chain, and no mark is needed.
 *
 * The elements of that map and of these sets count what is looked up.  Before Linux 5.10 they
 *cannot; there, a ruleset with `object_counters` has a named counter for each entity, such as
 * v1-entity-telemetry-deadbeef, and v1-sort-telemetry looks the tag up once more, for its counter,
 * in map v1-counts-telemetry.
 *
 * Where a listener has `replies`, the rules that rewrite the port go on to
 *
 *	v1-remember-telemetry	add the conversation to the set conversations4-5000, or if that is
 *				full to overflow4-5000; likewise for IPv6
 *	v1-asked4-telemetry	what a multicast or a broadcast has asked: answers come from any
 *				address, so that set groups4-5000 has none of the server
 *
 * and what leaves an interface meets
 *
 *	egress-eth0		base chain behind all others, the same for all generations
 *	v1-leaving-eth0		by protocol, UDP from a port in v1-targets only, to
 *	v1-answers		by family to
 *	v1-answers4		look the conversation up, and prolong it
 *	v1-promote4-5000	likewise of one in the overflow set: move it to the other one
 *	v1-from5000		the answer leaves from port 5000
 *	v1-errors4, v1-error4	ICMP errors, by their type, and by the length of the quoted header
 *				to
 *	v1-quote4.5		look the quoted conversation up
 *	v1-restore4-5000.5	the port that is quoted becomes 5000
 *
 * The sets belong to no generation: a conversation goes on where the policy changes.
 *
 * Kernels before 5.16 have no chains at egress.  There, a ruleset with `zones` leaves it to
 * conntrack to rewrite the port, and the answers back.  The
 * rules at ingress stay what they are but for the last step: a mark takes the place of the new
 * port, and a set of tags, v1-tags-telemetry, that of the map.  Table `inet entitymux` has the
 * rest, where conntrack can be told:
 *
 *	raw-prerouting		base chain before conntrack, the same for all generations, with a
 *				rule for each that is there:
 *	v1-marked		by the mark, which names generation and listener, and what is
 *				invalid, to
 *	v1-zone-telemetry	take the mark off, look the tag up in v1-zones-telemetry and
 *				choose the conntrack zone: its id is the number of the target port
 *	v1-invalid-telemetry	likewise, without a look at the tag, where `invalid` is a port
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

#include "nft/object.h"
#include "policy/policy.h"

#define EM_RULESET_TABLE "entitymux"
/*
 * The last byte from the transport header where a payload load can start before Linux 6.18, whose
 * NFTA_PAYLOAD_OFFSET is wider than a byte.
 */
#define EM_LOAD_LAST 255
/* With several formats: bytes of a check with `not`. */
#define EM_NFT_NOT_BYTES_MAX 384
/* The bits of the packet's mark that are ours between ingress and raw-prerouting. */
#define EM_MARK_MASK 0xffff0000

/* NFPROTO_… of a table. */
uint8_t em_ruleset_family(enum em_table table);

/* Roles of objects whose presence tells which others must be there. */
#define EM_ROLE_TAGS	    "tags"
#define EM_ROLE_ZONES	    "zones"
#define EM_ROLE_ZONE_RANGES "zoneranges"
/* Roles of the sets that all generations share, before the number of the listener's port. */
#define EM_ROLE_CONVERSATIONS4 "conversations4-"
#define EM_ROLE_CONVERSATIONS6 "conversations6-"
#define EM_ROLE_OVERFLOW4      "overflow4-"
#define EM_ROLE_OVERFLOW6      "overflow6-"
#define EM_ROLE_GROUPS4	       "groups4-"
#define EM_ROLE_GROUPS6	       "groups6-"
/* Of link-local addresses. */
#define EM_ROLE_LINKS6	       "links6-"
#define EM_ROLE_LINK_OVERFLOW6 "link-overflow6-"

enum em_statement_kind {
	EM_STATEMENT_EQUAL,	 /* load == low */
	EM_STATEMENT_NOT_EQUAL,	 /* load != low */
	EM_STATEMENT_RANGE,	 /* low <= load <= high */
	EM_STATEMENT_IN_FRAME,	 /* load >= 0: true of every frame that holds these bytes */
	EM_STATEMENT_IN,	 /* loads are in the set `target` */
	EM_STATEMENT_NOT_IN,	 /* load is not in the set `target` */
	EM_STATEMENT_DISPATCH,	 /* goto the entry whose key the loads give */
	EM_STATEMENT_SET_MAPPED, /* field `written` becomes what map `target` has for the loads */
	EM_STATEMENT_SET_QUOTED, /* in an ICMP error, a quoted port becomes low, a checksum follows
				  */
	EM_STATEMENT_UPDATE,	 /* set or map `target` has the loads from now on, for `seconds` */
	EM_STATEMENT_COPY,	 /* field `written` becomes what the load reads */
	EM_STATEMENT_SET,	 /* field `written` becomes low */
	EM_STATEMENT_SET_MARK,	 /* the bits EM_MARK_MASK of the mark become those of low */
	EM_STATEMENT_TIMEOUT,	 /* conntrack remembers it for timeout `target` */
	EM_STATEMENT_TRANSLATE,	 /* DNAT to the port that map `target` has for the load */
	EM_STATEMENT_COUNT,	 /* counter `target` */
	EM_STATEMENT_COUNT_MAPPED, /* the counter that map `target` has for the loads */
	EM_STATEMENT_JUMP,	   /* to chain `target`, and back where that returns */
	EM_STATEMENT_GOTO,	   /* to chain `target` */
	EM_STATEMENT_LOG, /* a copy to the log `group`, with prefix `target`, but not too many */
	EM_STATEMENT_FORWARD,	/* to the device `ifindex`; the packet is gone */
	EM_STATEMENT_DUPLICATE, /* another one like it to the device `ifindex` */
	EM_STATEMENT_NOTE,	/* the priority becomes (load & high) ^ low, of 4 bytes */
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
	struct em_load loads[EM_PARTS_MAX];
	uint8_t n_loads;
	uint8_t low[16]; /* in the order of the wire, as long as the load */
	uint8_t high[16];
	enum em_field written;
	struct em_identifier target;
	uint16_t checksum; /* of EM_STATEMENT_SET_QUOTED: its offset from the transport header */
	uint32_t seconds;  /* of EM_STATEMENT_UPDATE … */
	bool counting;	   /* … whose elements count then */
	bool noting;	   /* … and have in a map, from when they are new, what `written` was */
	uint16_t group;	   /* of EM_STATEMENT_LOG */
	uint32_t ifindex;  /* of EM_STATEMENT_FORWARD and …_DUPLICATE */
	struct em_entry *entries; /* of EM_STATEMENT_DISPATCH, owned */
	size_t n_entries;
};

struct em_rule {
	struct em_place place; /* of what it is made for */
	struct em_statement *statements;
	size_t n_statements;
};

/*
 * The base chains, in the order in which packets meet them.  Those that take a decision have one
 * rule, which goes to the generation in force.  Those that carry out what an earlier one has
 * decided (EM_BASE_LAST on) have one for each generation that is there, which jumps to it: when a
 * generation takes the place of another, packets are between the two.
 */
enum em_base_kind {
	EM_BASE_HEADERS,
	EM_BASE_SORT,
	EM_BASE_EGRESS,
	EM_BASE_LAST,
	EM_BASE_COPIES,
	EM_BASE_RAW,
	EM_BASE_NAT,
	EM_BASES,
};

struct em_base {
	enum em_table table;
	const char *role;
	const char *owner; /* NULL: each interface has one */
	const char *type;
	const char *hook;
	uint32_t number; /* of the hook: NF_NETDEV_… or NF_INET_… */
	int priority;
	enum em_statement_kind leads; /* EM_STATEMENT_GOTO, or …_JUMP: to each generation */
	const char *entry;	      /* role of the chain that it leads to */
	const char *purpose; /* what a kernel that refuses it cannot do: "add base chain" */
};

extern const struct em_base em_ruleset_bases[EM_BASES];

/* The base chain of this name, for this device ("": none); NULL: it is not ours. */
const struct em_base *em_ruleset_find_base(enum em_table table, const char *name,
					   const char *device);

struct em_chain {
	enum em_table table;
	struct em_identifier name;
	const struct em_base *base; /* NULL: packets come from other chains only */
	const char *device;	    /* of a base chain in table netdev; not owned */
	struct em_rule *rules;
	size_t n_rules;
};

/* The counters of a listener: each of its packets is counted by one of them. */
enum em_counter {
	EM_COUNTER_REWRITTEN,
	EM_COUNTER_PASSED,
	EM_COUNTER_DROPPED,
	EM_COUNTER_UNKNOWN,
	EM_COUNTER_SOURCE,
	EM_COUNTER_LENGTH,
	EM_COUNTER_CHECK,
	EM_COUNTERS,
	/* Besides: what was copied of these. */
	EM_COUNTER_COPIED = EM_COUNTERS,
	EM_COUNTERS_ALL
};

struct em_samples;

/* What is done otherwise on kernels that lack something, and while packets are copied. */
struct em_form {
	bool object_counters; /* of entities; else the elements of the maps count */
	bool zones;	      /* of conntrack, for `replies`; else sets, and chains at egress */
	uint32_t ifb;	      /* number of the device for copies; 0: leave its chain out */
	bool forgets;	      /* no maps of unknown tags */
	bool joined;	      /* answers leave by any interface, also to link-local addresses */
	const struct em_samples *samples; /* what is copied, see engine/plan.h; NULL: nothing */
};

struct em_ruleset {
	const struct em_policy *policy; /* not owned; that of the elements */
	uint32_t generation;
	struct em_form form;
	char (*interfaces)[IF_NAMESIZE];
	size_t n_interfaces;
	struct em_object *objects; /* one may refer to earlier ones */
	size_t n_objects;
	struct em_chain *chains; /* base chains last; a chain may go to later ones */
	size_t n_chains;
};

/* Builds the ruleset of a policy that outlives it.  *out stays as it is on failure (-ENOMEM). */
int em_ruleset_new(struct em_ruleset **out, const struct em_policy *policy, uint32_t generation,
		   struct em_form form);
/*
 * Only the base chain of an interface, with the rule for what the backend in front has marked; see
 * handover.h.
 */
int em_ruleset_new_handover(struct em_ruleset **out, const char *interface);
/* The same as em_ruleset_new() without chains, and of the objects those that count. */
int em_ruleset_new_counters(struct em_ruleset **out, const struct em_policy *policy,
			    uint32_t generation, struct em_form form);
void em_ruleset_free(struct em_ruleset *ruleset);
void em_ruleset_freep(struct em_ruleset **ruleset);

/* Whether anything of it is in this table. */
bool em_ruleset_uses(const struct em_ruleset *ruleset, enum em_table table);

/* The name of a base chain, and of what it leads to; the interface is NULL where it has none. */
struct em_identifier em_ruleset_base(enum em_base_kind which, const char *interface);
struct em_identifier em_ruleset_entry(uint32_t generation, enum em_base_kind which,
				      const char *interface);

struct em_identifier em_ruleset_counter(uint32_t generation, const struct em_listener *listener,
					enum em_counter counter);

/*
 * What EM_MARK_MASK of the mark is for what is to go to another port, of the listener of this
 * index; never 0.
 */
uint32_t em_ruleset_mark(uint32_t generation, size_t listener, bool invalid);
/* The zone for a target port of the listener; 0, the default one, for its own port. */
uint16_t em_ruleset_zone(const struct em_listener *listener, uint16_t target);

#endif
