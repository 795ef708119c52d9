/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * parse - from a frame to its transport header, in the sense in which nf_tables reads headers
 * (nft_set_pktinfo_ipv4_validate(), nft_set_pktinfo_ipv6_validate(), ipv6_find_hdr()).
 *
 * All functions return false for a packet that cannot be ours.
 */
#ifndef EM_PARSE_BPF_H
#define EM_PARSE_BPF_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "bpf/kernel/frame.bpf.h"
#include "bpf/kernel/maps.bpf.h"

struct em_packet {
	__u64 network;	 /* offset of the IP header */
	__u64 transport; /* offset of the header behind IP */
	__u32 length;	 /* bytes from the IP header to the end of the frame */
	__u16 vlan;	 /* 0: untagged */
	__be16 protocol; /* Ethernet's name for the IP version */
	__u8 upper;	 /* IPPROTO_… of the transport header */
	bool fragment;	 /* with has_copies: the first of several */
	bool detour; /* an IPv6 routing header with segments left: the destination is not the last
			one */
};

struct em_vlan_header {
	__be16 tci;
	__be16 protocol;
};

/* The start of every IPv6 extension header; of a fragment header the length is reserved. */
struct em_option_header {
	__u8 next;
	__u8 length; /* 8-byte units after the first */
	union {
		__be16 fragment;
		struct {
			__u8 routing_type;
			__u8 segments_left;
		};
	};
};

#define EM_VLAN_ID	 0x0fff
#define EM_NETWORK_MASK	 0x001f /* of its offset in a frame, with a tag or without */
#define EM_IPV4_FRAGMENT 0x1fff /* offset, in 8-byte units */
#define EM_IPV6_FRAGMENT 0xfff8 /* offset, in bytes */
#define EM_IPV4_MORE	 0x2000 /* fragments */
#define EM_IPV6_MORE	 0x0001

/*
 * The same number, of which the verifier knows nothing any more: where functions are inlined, it
 * follows what comes behind once, and not for each way that leads there.  `mask` is any number that
 * the verifier does not know.
 */
#ifdef EM_PLAIN
#define em_forget(number, mask)                                                                    \
	({                                                                                         \
		__u64 em_mask = (mask), em_number = (number) ^ em_mask;                            \
		barrier_var(em_number);                                                            \
		em_number ^ em_mask;                                                               \
	})
#else
#define em_forget(number, mask) (number)
#endif

/* `vlan` is that of a tag which has been taken off the frame already, else 0. */
static __always_inline bool em_parse_ethernet(em_context *context, __u16 vlan,
					      struct em_packet *packet)
{
	struct em_vlan_header tag;
	struct ethhdr ethernet;
	__be16 protocol;

	if (!em_read(context, 0, &ethernet, sizeof(ethernet)))
		return false;
	protocol = ethernet.h_proto;
	packet->network = sizeof(ethernet);
	packet->vlan = vlan;
	if (protocol == bpf_htons(ETH_P_8021Q) && !vlan) {
		if (!em_read(context, sizeof(ethernet), &tag, sizeof(tag)))
			return false;
		packet->vlan = bpf_ntohs(tag.tci) & EM_VLAN_ID;
		/* A priority tag is neither untagged nor the tag of a VLAN. */
		if (!packet->vlan)
			return false;
		protocol = tag.protocol;
		packet->network += sizeof(tag);
	}
	/* Tagged or not; the verifier needs the range, which it loses there before Linux 5.10. */
	packet->network = em_forget(packet->network, protocol) & EM_NETWORK_MASK;
	packet->protocol = protocol;
	return true;
}

/* Where no listener has a VLAN, that is soon told. */
static __always_inline bool em_may_be_vlan(const struct em_packet *packet)
{
	return !packet->vlan || em_constant(has_vlans);
}

static __always_inline bool em_parse_ipv4(em_context *context, struct em_packet *packet)
{
	__u32 header, total;
	struct iphdr ip;

	if (!em_read(context, packet->network, &ip, sizeof(ip)))
		return false;
	header = ip.ihl * 4;
	total = bpf_ntohs(ip.tot_len);
	if (ip.version != 4 || header < sizeof(ip) || total > packet->length || total < header)
		return false;
	if (ip.frag_off & bpf_htons(EM_IPV4_FRAGMENT))
		return false;
	packet->transport = packet->network + header;
	packet->upper = ip.protocol;
	packet->detour = false;
	packet->fragment = em_has_copies() && ip.frag_off & bpf_htons(EM_IPV4_MORE);
	return true;
}

/*
 * The types as bits, and masks instead of jumps below: each jump would be a way that the verifier
 * follows, for each header.
 */
#define EM_EXTENSIONS                                                                              \
	(1ULL << IPPROTO_HOPOPTS | 1ULL << IPPROTO_ROUTING | 1ULL << IPPROTO_FRAGMENT |            \
	 1ULL << IPPROTO_DSTOPTS)

static __always_inline bool em_is_extension(__u64 header)
{
	return header < 64 && EM_EXTENSIONS >> header & 1;
}

/* All ones where both are the same, otherwise 0. */
static __always_inline __u64 em_mask_same(__u32 a, __u32 b)
{
	__u64 difference = a ^ b;

	barrier_var(difference);
	return -((difference - 1) >> 63);
}

#define EM_WALKED_TYPE	 32 /* bit */
#define EM_WALKED_DETOUR 40 /* bit */
#define EM_WALKED_MORE	 48 /* bit */
#define EM_WALKED_MET	 63 /* bit */

/*
 * So many headers the verifier follows, once; the others are walked by further calls.  Where there
 * are no calls, one loop is followed in fewer steps than two.
 */
#if defined(EM_PLAIN) && !defined(EM_UNROLLED)
#define EM_HEADERS_EACH 65535
#else
#define EM_HEADERS_EACH EM_ABI_UNROLLED_HEADERS
#endif

/*
 * The offset of the header behind `most` of the extension headers that begin at `offset` with one
 * of type `next`, or EM_HEADERS_EACH, in the bits above its type, and from EM_WALKED_DETOUR on
 * whether segments of a route are left, in those of EM_WALKED_MORE whether more fragments follow,
 * and in that of EM_WALKED_MET whether a fragment header was among them; 0 in a later fragment and
 * where the frame ends.  Whether more follow, the first fragment header says: nft sees no other.
 *
 * A global function, which the verifier judges once and by itself: inlined, the rest of the program
 * would be followed anew for each number of headers.
 */
EM_FUNCTION __u64 em_walk_some_headers(em_context *context, __u64 offset, __u32 next, __u32 most,
				       __u64 left)
{
	const __u64 met = 1ULL << (EM_WALKED_MET - EM_WALKED_DETOUR);
	struct em_option_header option;
	__u64 fragment, more;
	__u32 i;

	offset = em_forget(offset, bpf_get_prandom_u32());
	EM_UNROLL
	for (i = 0; i < EM_HEADERS_EACH && em_is_extension(next); i++) {
		/* Opaque to the compiler, see EM_ASM. */
		barrier_var(most);
		if (i >= most)
			break;
		if (!em_read_in_loop(context, offset, &option, sizeof(option)))
			return 0;
		fragment = em_mask_same(next, IPPROTO_FRAGMENT);
		if (option.fragment & bpf_htons(EM_IPV6_FRAGMENT) & fragment)
			return 0;
		left |= option.segments_left & em_mask_same(next, IPPROTO_ROUTING);
		if (!EM_IS_UNROLLED) {
			more = option.fragment & bpf_htons(EM_IPV6_MORE) & fragment;
			/* All ones where no fragment header came before, else 0. */
			more &= (left >> (EM_WALKED_MET - EM_WALKED_DETOUR)) - 1;
			left |= more << (EM_WALKED_MORE - EM_WALKED_DETOUR) | (met & fragment);
		}
		offset += 8 + (option.length * 8 & ~fragment);
		next = option.next;
	}
	return em_forget(left << EM_WALKED_DETOUR | (__u64)next << EM_WALKED_TYPE | offset,
			 bpf_get_prandom_u32());
}

/* Of all of them, up to ipv6_header_limit. */
EM_FUNCTION __u64 em_walk_headers(em_context *context, __u64 offset, __u32 next)
{
#ifdef EM_PLAIN
	return em_walk_some_headers(context, offset, next, em_constant(ipv6_header_limit), 0);
#else
	__u64 walked, left = 0;
	__u32 i;

	for (i = 0; i < em_constant(ipv6_header_limit); i += EM_HEADERS_EACH) {
		walked = em_walk_some_headers(context, offset, next,
					      em_constant(ipv6_header_limit) - i, left);
		if (!walked)
			return 0;
		left = walked >> EM_WALKED_DETOUR;
		next = walked >> EM_WALKED_TYPE & 0xff;
		offset = (__u32)walked;
		if (!em_is_extension(next))
			break;
	}
	return left << EM_WALKED_DETOUR | (__u64)next << EM_WALKED_TYPE | offset;
#endif
}

static __always_inline bool em_parse_ipv6(em_context *context, struct em_packet *packet)
{
	struct ipv6hdr ip;
	__u64 walked;

	if (!em_read(context, packet->network, &ip, sizeof(ip)))
		return false;
	if (ip.version != 6 || bpf_ntohs(ip.payload_len) + sizeof(ip) > packet->length)
		return false;
	packet->transport = packet->network + sizeof(ip);
	packet->upper = ip.nexthdr;
	packet->detour = false;
	packet->fragment = false;
	if (em_is_extension(ip.nexthdr)) {
		walked = em_walk_headers(context, packet->transport, ip.nexthdr);
		packet->transport = (__u32)walked;
		packet->upper = walked >> EM_WALKED_TYPE;
		packet->detour = walked >> EM_WALKED_DETOUR & 0xff;
		if (em_has_copies())
			packet->fragment = walked >> EM_WALKED_MORE & 0x7fff;
	}
	return packet->transport;
}

/* From the IP header on, which packet->network, ->protocol and ->length tell. */
static __always_inline bool em_parse_ip(em_context *context, struct em_packet *packet)
{
	if (packet->protocol == bpf_htons(ETH_P_IP))
		return em_parse_ipv4(context, packet);
	if (packet->protocol == bpf_htons(ETH_P_IPV6))
		return em_parse_ipv6(context, packet);
	return false;
}

/* One of the two addresses of the IP header; a constant tells which. */
static __always_inline bool em_read_address(em_context *context, const struct em_packet *packet,
					    bool source, __u8 address[16])
{
	__u64 ip4 = packet->network +
		    (source ? offsetof(struct iphdr, saddr) : offsetof(struct iphdr, daddr));
	__u64 ip6 = packet->network +
		    (source ? offsetof(struct ipv6hdr, saddr) : offsetof(struct ipv6hdr, daddr));

	if (packet->protocol == bpf_htons(ETH_P_IP))
		return em_read(context, ip4, address, 4);
	return em_read(context, ip6, address, 16);
}

static __always_inline __u32 em_family(const struct em_packet *packet)
{
	return packet->protocol == bpf_htons(ETH_P_IP) ? EM_ABI_IPV4 : EM_ABI_IPV6;
}

#endif
