/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * abi_kept - the part of abi.h that the next version of the tool reads from programs of this one:
 * what they have counted, remembered and seen, and where it is.
 *
 * An upgrade keeps the counters, conversations and unknown tags as long as nothing here changes.
 * So change it rarely.  What is added at the end of em_abi_listener_count is no change.
 */
#ifndef EM_ABI_KEPT_H
#define EM_ABI_KEPT_H

#include <linux/types.h>

/*
 * Changes with any other change below, of the names of these maps, and of the first constants (see
 * em_abi_constants).  Then an `apply` after the upgrade begins to count at zero.  Before version 22
 * the upper half was a number of interfaces, never so many.
 */
#define EM_ABI_KEPT 0x6b650002

enum em_abi_verdict {
	EM_ABI_NONE, /* of a free slot */
	EM_ABI_PASS,
	EM_ABI_DROP,
	EM_ABI_PORT,
	EM_ABI_VERDICTS
};

/* A masked tag of up to 24 bytes as a 192-bit big-endian number. */
struct em_abi_tag {
	__u64 top;
	__u64 high;
	__u64 low;
};

/*
 * Entities: a tag has one slot, or none has it.  Of many entities, each look is a miss of the
 * caches, and how long a search of several looks takes is what the CPU foresees wrongly; see
 * em_abi_slot().
 */
struct em_abi_perfect {
	__u64 multiplier;
	__u32 slots;
	__u32 shift; /* of a hash, to get the bucket */
};

/*
 * Counters of entities: an array of `shards` for all slots and then all intervals (`each` in all),
 * so that which one it is is known before the slot has been read.  A CPU has a shard for itself;
 * but with `shared`, a power of 2 of them is for all, and additions are atomic.
 */
struct em_abi_shards {
	__u32 each;
	__u16 shards;
	__u16 shared;
};

#define EM_ABI_IPV4 4
#define EM_ABI_IPV6 6

/*
 * Who answers for a destination, in a slot that is not free; family and address are 0 for a
 * listener without addresses.  All but the listener is the key.
 */
struct em_abi_claim {
	__u32 ifindex;
	__be16 port;
	__u16 vlan; /* 0: untagged */
	union {
		__u8 address[16];
		__u64 address_words[2];
	};
	__u32 family;
	__u16 listener;
	__u8 used; /* enum em_abi_used */
	/*
	 * With has_copies: 1 where XDP had no room for a mark.  It then leaves all datagrams of the
	 * claim to the TC program behind it, and that sorts those without a mark.
	 */
	__u8 unmarked;
};

/* EM_ABI_HANDS_OVER: datagrams are marked as decided, for the backend behind, see abi.h. */
enum em_abi_used { EM_ABI_FREE, EM_ABI_USED, EM_ABI_HANDS_OVER };

/* What tells the tags of a format from the same ones of another; the first one has 0. */
static inline __u64 em_abi_salt(__u32 format)
{
	__u64 salt = format * 0xd6e8feb86659fd93ULL;

	return (salt ^ salt >> 32) * 0x94d049bb133111ebULL;
}

static inline __u64 em_abi_mix(__u64 hash, __u64 word, __u64 multiplier)
{
	hash = (hash ^ word) * multiplier;
	return hash ^ hash >> 32;
}

/*
 * Ends with a multiplication, of which the upper bits are used first: they depend on all others.
 * One multiplication alone would spread tags that are in a row too evenly: a table needs some small
 * buckets for the end.
 */
static inline __u64 em_abi_hash_tag(const struct em_abi_tag *tag, __u64 salt, __u64 multiplier,
				    int is_long)
{
	if (is_long)
		salt = em_abi_mix(em_abi_mix(salt, tag->top, multiplier), tag->high, multiplier);
	return em_abi_mix(salt, tag->low, multiplier) * 0x94d049bb133111ebULL;
}

/* The pilots of one value of map entitymux_pilot, that of the first bucket in the lowest bits. */
#define EM_ABI_PILOTS_EACH 4

static inline __u32 em_abi_bucket(__u64 hash, __u32 shift)
{
	return hash >> shift;
}

static inline __u16 em_abi_pilot(__u64 pilots, __u32 bucket)
{
	return pilots >> bucket % EM_ABI_PILOTS_EACH * (64 / EM_ABI_PILOTS_EACH);
}

static inline __u32 em_abi_slot(__u64 hash, __u16 pilot, __u32 slots)
{
	hash ^= hash >> 32;
	return ((hash ^ pilot) * 0xbf58476d1ce4e5b9ULL >> 32) * slots >> 32;
}

/*
 * A conversation as the server sees it.  The client's datagrams were sorted to the server's port;
 * addresses of IPv4 are the first 4 bytes.  The server's is 0 where the client has asked many hosts
 * at once, by a multicast or a broadcast, and where the client has a link-local address: that names
 * it together with an interface only (RFC 4007), which tells enough of the server.
 */
#define EM_ABI_LINK 0x80000000U
struct em_abi_flow_key {
	__u8 client[16];
	__u8 server[16];
	__be16 client_port;
	__be16 server_port;
	__u32 scope; /* EM_ABI_IPV4, EM_ABI_IPV6, or EM_ABI_LINK | ifindex */
};

struct em_abi_flow {
	__u64 last;    /* datagram in either direction: ns of CLOCK_MONOTONIC */
	__u32 timeout; /* seconds after it */
	__be16 known;  /* the port the client knows: the listener's */
	__u16 reserved;
};

/* Per CPU or shard; what stats sums up. */
struct em_abi_count {
	__u64 packets;
	__u64 bytes;
};

struct em_abi_entity_count {
	struct em_abi_count count;
	__u64 last; /* ns of CLOCK_MONOTONIC; 0: none was counted */
};

enum em_abi_reason { EM_ABI_SOURCE, EM_ABI_LENGTH, EM_ABI_CHECK, EM_ABI_REASONS };
struct em_abi_listener_count {
	struct em_abi_count total;
	__u64 sorted[EM_ABI_VERDICTS]; /* of entities, by what becomes of them */
	__u64 unknown;
	__u64 invalid[EM_ABI_REASONS];
	__u64 copied;
	__u64 copy_errors;
	__u64 tick; /* of the clock, and … */
	__u64 now;  /* … the time when it was first seen, as em_abi_entity_count.last */
	/* Of the last window, a time divided by EM_ABI_UNKNOWN_WINDOW: */
	__u64 window;
	__u32 unknown_seen;
	__u32 new_tags; /* that map entitymux_unk has got */
	__u64 sample;	/* with has_samples: 1 + why the datagram at hand may be copied; else 0 */
};

/* A tag that no entity has. */
struct em_abi_unknown_key {
	struct em_abi_tag tag;
	__u32 format; /* its number */
	__u32 reserved;
};

struct em_abi_unknown {
	__u64 packets;
	__u64 last;	 /* ns of CLOCK_MONOTONIC */
	__u8 sender[16]; /* of the first one; an address of IPv4 is the first 4 bytes */
	__u32 family;	 /* EM_ABI_IPV4 or …6 */
	__be16 port;	 /* that it was sent from */
	__u16 reserved;
};

_Static_assert(sizeof(struct em_abi_claim) == 32, "no padding");
_Static_assert(sizeof(struct em_abi_flow_key) == 40, "no padding");
_Static_assert(sizeof(struct em_abi_flow) == 16, "no padding");
_Static_assert(sizeof(struct em_abi_listener_count) == 136, "no padding");
_Static_assert(sizeof(struct em_abi_unknown_key) == 32, "no padding");
_Static_assert(sizeof(struct em_abi_unknown) == 40, "no padding");
_Static_assert(sizeof(struct em_abi_entity_count) == 24, "no padding");
_Static_assert(sizeof(struct em_abi_perfect) == 16, "no padding");
_Static_assert(sizeof(struct em_abi_shards) == 8, "no padding");

#endif
