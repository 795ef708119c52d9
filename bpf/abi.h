/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * abi - what the tool and its programs in the kernel both know: the constants a program is loaded
 * with, and the keys and values of its maps.
 *
 * Fixed-width types without padding.  Numbers are in host byte order but where a type says __be.
 * Configuration and counters never share a map: replacing the one must not lose the other.
 */
#ifndef EM_ABI_H
#define EM_ABI_H

#include <linux/types.h>

#include "bpf/abi_kept.h"

/*
 * Changes with any change here or in abi_kept.h, so that a tool never misreads the maps of another
 * version. A test sets another one.
 */
#ifndef EM_ABI_VERSION
#define EM_ABI_VERSION 23
#endif

#define EM_ABI_LISTENERS 256 /* a power of 2 */

/*
 * What the programs without loops do at most, see kernel/maps.bpf.h: within 4096 instructions. They
 * know neither several formats nor entities that cover more than one tag.
 */
#define EM_ABI_UNROLLED_STEPS	8
#define EM_ABI_UNROLLED_PROBES	8
#define EM_ABI_UNROLLED_HEADERS 16

/* A load has up to 8 bytes: of 24 bytes in 4 pieces, these have at most 6 loads. */
#define EM_ABI_LOADS 6
/* Offsets of header and payload bytes a program looks at; the verifier's limit is 65535. */
#define EM_ABI_OFFSET_MAX 0xf000

/*
 * Every load reads the 8 bytes that end at payload byte `end`, and masks those that are wanted. The
 * UDP header lies before the payload, so that this works from the first byte on, and no load
 * depends on its length.
 */
struct em_abi_load {
	__u16 end;	    /* offset after the last byte, into the payload … */
	__u16 length;	    /* bytes wanted, 1-8 */
	__u32 from_network; /* … or from the IP header: 0, or all ones */
	__u64 mask;	    /* of the bytes wanted, and of these what the configuration masks */
};

/* What a condition leads to where that is no other condition: the checks of the format hold. */
#define EM_ABI_HOLDS 0xffffffffU
#define EM_ABI_FAILS 0xfffffffeU

/* A condition: load, mask, byteswap if little_endian, then: is min <= value <= max? */
struct em_abi_condition {
	struct em_abi_load load;
	__u64 min;
	__u64 max;
	/* A condition behind it, by its index in the steps map, or EM_ABI_HOLDS or EM_ABI_FAILS. */
	__u32 yes;
	__u32 no;
	__u32 little_endian;
	__u32 reserved;
};

/* What becomes of a datagram. */
struct em_abi_action {
	__u8 verdict;	  /* enum em_abi_verdict */
	__u8 sampled : 1; /* with has_samples, of an entity: its datagrams are sampled */
	/* With has_copies: 1 + the index of their ports among those of the listener; 0: none. */
	__u8 copies : 7;
	__be16 port; /* with EM_ABI_PORT; else not looked at */
};

/* A layout of datagrams. */
struct em_abi_format {
	__u64 salt;	  /* of the hashes of its tags */
	__u16 need;	  /* payload bytes that must be in the frame */
	__u16 length_min; /* of the UDP length field, inclusive, `need` included */
	__u16 length_max;
	__u16 n_loads;
	struct em_abi_action unknown;
	__u32 first_step; /* in the steps map */
	__u32 n_steps;
	__u32 first_interval; /* in the intervals map */
	__u32 n_intervals;
	__u16 family; /* the only one that it is for, EM_ABI_IPV4 or …6; 0: both */
	__u16 number; /* among the formats of all listeners, in their order */
	struct em_abi_load loads[EM_ABI_LOADS]; /* of the tag, joined in order */
};

struct em_abi_listener {
	__u32 flow_timeout; /* seconds; 0: without replies */
	struct em_abi_action invalid;
	__u32 first_format; /* in the formats map, with max_formats */
	__u8 n_formats;
	__u8 samples; /* with has_samples: bits by enum em_abi_reason, what is copied */
	__u8 has_sources;
	__u8 family;	    /* the only one that its formats are for; 0: both */
	__u32 first_copies; /* in the copies map */
	__u32 reserved;
	struct em_abi_format format; /* the only one, without max_formats */
};

/*
 * Claims and entities never change once a program runs (but for how a claim is used): they are in
 * hash tables in array maps, whose lookup is a few instructions in line.
 *
 * Claims: the hash of a key, modulo the slots, names the first slot where it may be; the others are
 * behind it, and wrap around.  A search ends at a free slot.
 */
struct em_abi_table {
	__u32 slots;  /* a power of 2 */
	__u32 probes; /* slots in which a key may be */
};

/*
 * .rodata: frozen before the program is verified, so that the verifier drops what the policy does
 * not need and follows no loop further than the policy does.
 */
struct em_abi_constants {
	__u32 version; /* EM_ABI_VERSION */
	__u32 generation;
	/* EM_ABI_KEPT.  Another version with the same reads these, up to EM_ABI_KEPT_CONSTANTS: */
	__u32 kept;
	__u16 n_replies;    /* interfaces of listeners with replies */
	__u8 has_fragments; /* XDP: a frame may be in several buffers; kernel 5.18 */
	__u8 has_long_tags; /* some tag has more than 8 bytes: entities are in the other map */
	struct em_abi_perfect entities;
	struct em_abi_shards counters;
	__u32 has_copies; /* some datagram is copied to other ports */
	__u32 namespace;  /* the inode number of the network namespace */
	/* The others. */
	__u8 has_addresses;	 /* some listener has */
	__u8 has_fields;	 /* some tag has a field of the IP header */
	__u16 max_steps;	 /* of a format */
	__u16 ipv6_header_limit; /* IPv6 extension headers that are walked; header_limit.h */
	__u16 max_formats;	 /* of a listener; 0: no listener has several */
	__u32 has_jiffies;	 /* bpf_jiffies64(): Linux 5.5 */
	__u8 interval_steps; /* of a search among the intervals of a format; 0: there are none */
	__u8 has_samples;    /* datagrams are copied to map entitymux_smp */
	__u16 tells_links;   /* conversations of link-local addresses have an interface */
	__u16 port_min;	     /* of all listeners: most of what is not ours is soon told by these */
	__u16 port_max;
	__u16 has_vlans; /* some listener has */
	__u16 n_listeners;
	struct em_abi_table claims;
	struct em_abi_listener listeners[EM_ABI_LISTENERS];
};
#define EM_ABI_KEPT_CONSTANTS 48

/*
 * An immediate of 64 bits that the loader replaces by `size` bytes at `offset` of the constants.
 */
#define EM_ABI_PLACEHOLDER_MAGIC 0x656d7578ULL
#define EM_ABI_PLACEHOLDER(offset, size)                                                           \
	(EM_ABI_PLACEHOLDER_MAGIC << 32 | (__u64)(size) << 24 | (offset))

/* A permitted source, for longest-prefix match. */
struct em_abi_source {
	__u32 prefix_length; /* bits; EM_ABI_SOURCE_FIXED of them are listener and family */
	__u16 listener;
	__u16 family;
	__u8 address[16];
};
#define EM_ABI_SOURCE_FIXED 32

/*
 * An entity in a slot; the tag and the format are the key.  The smaller, the more of a million
 * entities are in the CPU's caches: where no tag of the policy has more than 8 bytes, slots have
 * half the size.  None lies in two lines of a cache.
 */
struct em_abi_short_entity {
	__u64 low;    /* of the tag */
	__u32 format; /* 1 + its number; 0: the slot is free */
	struct em_abi_action action;
};

struct em_abi_entity {
	struct em_abi_tag tag;
	__u32 format;
	struct em_abi_action action;
};

/*
 * Tags that are an entity's unless one has the tag for itself. Those of a format are disjoint, in
 * a row and sorted.
 */
struct em_abi_interval {
	struct em_abi_tag first;
	struct em_abi_tag last; /* inclusive */
	struct em_abi_action action;
	__u32 reserved;
};

/* Ports that get a copy, up to the first one that is 0. */
#define EM_ABI_COPIES 8
struct em_abi_copies {
	union {
		__be16 ports[EM_ABI_COPIES];
		__u64 words[2];
	};
};

/*
 * In tc_index of a copy, which nobody else uses at ingress, from where it is made to where it comes
 * in: what has it is neither sorted nor counted, and loses it there.
 */
#define EM_ABI_COPY 0x656d

/*
 * The multipliers are odd and have as many ones as zeros. Keys come from the administrator, so the
 * hash need not resist an attacker.
 */
static inline __u32 em_abi_hash(__u64 a, __u64 b, __u64 c)
{
	__u64 hash =
		a * 0x9e3779b97f4a7c15ULL ^ b * 0xbf58476d1ce4e5b9ULL ^ c * 0x94d049bb133111ebULL;

	hash ^= hash >> 32;
	return hash * 0xd6e8feb86659fd93ULL >> 32;
}

static inline __u32 em_abi_hash_claim(const struct em_abi_claim *claim)
{
	return em_abi_hash((__u64)claim->ifindex << 32 | (__u32)claim->port << 16 | claim->vlan,
			   claim->address_words[0], claim->address_words[1]);
}

/* The ports of one value of map entitymux_port, bit 0 the lowest; it has EM_ABI_PORT_WORDS. */
#define EM_ABI_PORTS_EACH 64
#define EM_ABI_PORT_WORDS (65536 / EM_ABI_PORTS_EACH)

/*
 * What a CPU has remembered lately, so that it need not look that up for each datagram: the last
 * one of those with this place.
 */
#define EM_ABI_NOTED 256 /* a power of 2 */
struct em_abi_noted {
	struct em_abi_flow_key key;
	__u64 tick; /* of the kernel's clock */
	__u32 timeout;
	__be16 known;
	__u16 reserved;
};

/*
 * Metadata in front of a packet, from XDP to TC. It may stay there when the packet goes on to
 * another interface, even one of another network namespace with the same index.
 */
struct em_abi_mark {
	__u32 magic;	 /* EM_ABI_MARK_… */
	__u32 interface; /* on which XDP has seen it */
};
#define EM_ABI_MARK_DEFERRED 0x656d7578 /* TC has to decide */
/*
 * Combined by ^ with the namespace, whose number has the highest bit as well: XDP has decided; and
 * TC has to tell the backend behind.
 */
#define EM_ABI_MARK_DECIDED 0x656d7579
#define EM_ABI_MARK_HANDED  0x656d757a

/*
 * With has_copies the mark is followed by what the TC program has to copy.  It names the ports
 * themselves: while programs are replaced, the two may be of different generations.  Older kernels
 * take no more than 32 bytes of metadata.
 */
struct em_abi_copy_mark {
	struct em_abi_mark mark;
	__u32 magic;   /* EM_ABI_MARK_COPIES ^ the namespace; else nothing is copied */
	__u8 listener; /* that counts errors */
	__u8 reserved;
	__u16 transport; /* of the UDP header, from the IP header on */
	struct em_abi_copies copies;
};
#define EM_ABI_MARK_COPIES 0x656d757b

/* In the mark of a packet, where these bits are 0 before: EM_HANDOVER_MARK. */
#define EM_ABI_HANDED	   0x01ff0000
#define EM_ABI_HANDED_MASK 0xffff0000

/* Of a sample: no entity has the tag, or one whose datagrams are copied. */
#define EM_ABI_UNKNOWN EM_ABI_REASONS
#define EM_ABI_SORTED  (EM_ABI_REASONS + 1)

/*
 * Of each listener, each CPU looks at the tags of all unknown datagrams up to so many in a window
 * of so many ns, some 30,000 in a second, and then at each 16th; and it records no more new tags
 * than these, some 1,000 in a second.
 */
#define EM_ABI_UNKNOWN_WINDOW (1ULL << 27)
#define EM_ABI_UNKNOWN_ALL    4096
#define EM_ABI_UNKNOWN_EACH   16
#define EM_ABI_UNKNOWN_NEW    128

/*
 * A sample: this, and the first bytes of the packet.  Each CPU makes no more than EM_ABI_SAMPLES in
 * a window of so many ns, some 1,000 in a second.
 */
#define EM_ABI_SAMPLE_BYTES  256
#define EM_ABI_SAMPLE_WINDOW (1ULL << 27)
#define EM_ABI_SAMPLES	     128

struct em_abi_sample {
	__u64 time; /* ns of CLOCK_MONOTONIC */
	__u32 ifindex;
	__u32 length; /* of the packet, as far as the program sees it */
	__u16 bytes;  /* of it that follow */
	__u16 vlan;   /* its VLAN id, whether the bytes have the tag or not */
	__u8 listener;
	__u8 reason; /* enum em_abi_reason, EM_ABI_UNKNOWN or EM_ABI_SORTED */
	__u16 reserved;
};

struct em_abi_sampled {
	__u64 window; /* a time divided by EM_ABI_SAMPLE_WINDOW */
	__u64 samples;
};

_Static_assert(sizeof(struct em_abi_sample) == 24, "no padding");
_Static_assert(EM_ABI_LISTENERS <= 256, "em_abi_sample.listener");
_Static_assert(sizeof(struct em_abi_load) == 16, "no padding");
_Static_assert(sizeof(struct em_abi_condition) == 48, "no padding");
_Static_assert(sizeof(struct em_abi_format) == 40 + 16 * EM_ABI_LOADS, "no padding");
_Static_assert(__builtin_offsetof(struct em_abi_constants, has_addresses) == EM_ABI_KEPT_CONSTANTS,
	       "changes with EM_ABI_KEPT");
_Static_assert(__builtin_offsetof(struct em_abi_constants, entities) == 16 &&
		       __builtin_offsetof(struct em_abi_constants, counters) == 32 &&
		       __builtin_offsetof(struct em_abi_constants, has_copies) == 40,
	       "changes with EM_ABI_KEPT");
_Static_assert(sizeof(struct em_abi_constants) ==
		       80 + EM_ABI_LISTENERS * sizeof(struct em_abi_listener),
	       "no padding");
_Static_assert(sizeof(struct em_abi_action) == 4, "no padding");
_Static_assert(sizeof(struct em_abi_listener) == 24 + sizeof(struct em_abi_format), "no padding");
_Static_assert(sizeof(struct em_abi_source) == 24, "no padding");
_Static_assert(sizeof(struct em_abi_short_entity) == 16, "no padding");
_Static_assert(sizeof(struct em_abi_entity) == 32, "no padding");
_Static_assert(sizeof(struct em_abi_interval) == 56, "no padding");
_Static_assert(sizeof(struct em_abi_noted) == 56, "no padding");
_Static_assert(sizeof(struct em_abi_mark) == 8, "no padding");
_Static_assert(sizeof(struct em_abi_copies) == 16, "no padding");
_Static_assert(sizeof(struct em_abi_copy_mark) == 32, "all that older kernels take");

#endif
