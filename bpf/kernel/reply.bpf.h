/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * reply - what the server sends back to the sender of a sorted datagram, on its way out: answers,
 * and ICMP errors, which quote the datagram.
 *
 * Both name the port it was sorted to; the sender is to see the one it knows.  Which conversations
 * there are was noted when the datagram was sorted, so that whoever talks to the server's port
 * directly is left alone.
 */
#ifndef EM_REPLY_BPF_H
#define EM_REPLY_BPF_H

#include "bpf/kernel/sort.bpf.h"
#include "bpf/kernel/udp.bpf.h"

#define EM_NS_PER_SECOND 1000000000LL

/* RFC 792 and RFC 4443; <linux/icmp.h> needs more of the C library than there is here. */
struct em_icmp_header {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__u32 rest;
};

enum em_icmp_error { EM_UNREACHABLE = 3, EM_QUENCH, EM_REDIRECT, EM_EXCEEDED = 11, EM_PARAMETER };
enum em_icmp6_error { EM_FIRST_ERROR6 = 1, EM_LAST_ERROR6 = 4 };

/*
 * Defined by the program: writes the source or the destination port, which a constant tells.
 * Returns false where the packet is as it was.
 */
static __always_inline bool em_rewrite_port(em_context *context, const struct em_packet *packet,
					    bool source, __be16 port);

/* Another CPU may have seen a datagram after `now`. */
static __always_inline struct em_abi_flow *em_find_flow(const struct em_abi_flow_key *key,
							__u64 now)
{
	struct em_abi_flow *flow = bpf_map_lookup_elem(&entitymux_flow, key);

	if (!flow || (__s64)(now - flow->last) > flow->timeout * EM_NS_PER_SECOND)
		return NULL;
	return flow;
}

/*
 * What is still to be segmented has the sum of the pseudo header only.  Where the device sums
 * nothing up, bpf_l4_csum_replace() is not told that (CHECKSUM_NONE, from Linux 6.11 on).
 */
static __always_inline void em_answer_from(em_context *context, const struct em_packet *packet,
					   const struct udphdr *udp, __be16 port)
{
	/*
	 * Otherwise the compiler keeps addresses of its members, and the verifier follows none of
	 * them.
	 */
	barrier_var(context);
	if (context->gso_segs && em_maybe_unfinished(context, packet, udp))
		bpf_skb_store_bytes(context, packet->transport + offsetof(struct udphdr, source),
				    &port, sizeof(port), 0);
	else
		em_rewrite_port(context, packet, true, port);
}

/* Most of what a host sends is from no port of an entity. */
static __always_inline bool em_is_target(__be16 port)
{
	__u32 index = bpf_ntohs(port) / EM_ABI_PORTS_EACH;
	const __u64 *bits = bpf_map_lookup_elem(&entitymux_port, &index);

	return bits && *bits >> bpf_ntohs(port) % EM_ABI_PORTS_EACH & 1;
}

/* One that was asked as one of many answers from an address of its own. */
static __always_inline struct em_abi_flow *em_find_answered(struct em_abi_flow_key *key, __u64 now)
{
	struct em_abi_flow *flow = em_find_flow(key, now);

	if (flow)
		return flow;
	__builtin_memset(key->server, 0, sizeof(key->server));
	return em_find_flow(key, now);
}

static __always_inline void em_reply_answer(em_context *context, const struct em_packet *packet)
{
	struct em_abi_flow_key key = {};
	struct em_abi_flow *flow;
	struct udphdr udp;
	__u64 now;

	if (!em_read(context, packet->transport, &udp, sizeof(udp)) || !em_is_target(udp.source) ||
	    !em_flow_key(context, packet, false, &key))
		return;
	key.client_port = udp.dest;
	key.server_port = udp.source;
	now = bpf_ktime_get_ns();
	flow = em_find_answered(&key, now);
	if (!flow)
		return;
	flow->last = now;
	em_answer_from(context, packet, &udp, flow->known);
}

static __always_inline bool em_is_error(const struct em_packet *packet, __u8 type)
{
	if (packet->protocol == bpf_htons(ETH_P_IP))
		return packet->upper == IPPROTO_ICMP &&
		       (type == EM_UNREACHABLE || type == EM_QUENCH || type == EM_REDIRECT ||
			type == EM_EXCEEDED || type == EM_PARAMETER);
	return packet->upper == IPPROTO_ICMPV6 && type >= EM_FIRST_ERROR6 && type <= EM_LAST_ERROR6;
}

/* As the kernel's NAT does it: the quoted datagram becomes what its sender has sent. */
static __always_inline void em_restore_quote(em_context *context, const struct em_packet *packet,
					     const struct em_packet *quoted,
					     const struct udphdr *udp, __be16 known)
{
	__u64 sum = packet->transport + offsetof(struct em_icmp_header, checksum);
	struct udphdr before = *udp, after = *udp;
	__s64 difference;

	em_udp_set_port(&after, false, known);
	if (sum > EM_ABI_OFFSET_MAX || quoted->transport > EM_ABI_OFFSET_MAX)
		return;
	difference = bpf_csum_diff((__be32 *)&before, sizeof(before), (__be32 *)&after,
				   sizeof(after), 0);
	if (bpf_l4_csum_replace(context, sum, 0, difference, 0))
		return;
	bpf_skb_store_bytes(context, quoted->transport, &after, sizeof(after), 0);
}

static __always_inline bool em_goes_to(em_context *context, const struct em_packet *packet,
				       const struct em_abi_flow_key *key)
{
	__u8 address[16] = {};
	__u32 i;

	if (!em_read_address(context, packet, false, address))
		return false;
	EM_UNROLL
	for (i = 0; i < sizeof(address); i++)
		if (address[i] != key->client[i])
			return false;
	return true;
}

/* An ICMP error does not prolong the conversation. */
static __always_inline void em_reply_error(em_context *context, const struct em_packet *packet)
{
	/* A quoted datagram is cut off somewhere, whatever its length field says. */
	struct em_packet quoted = {.network = packet->transport + sizeof(struct em_icmp_header),
				   .protocol = packet->protocol,
				   .length = ~0U};
	const struct em_abi_flow *flow;
	struct em_abi_flow_key key = {};
	struct udphdr udp;
	__u8 type;

	if (!em_read(context, packet->transport, &type, sizeof(type)) ||
	    !em_is_error(packet, type) || !em_parse_ip(context, &quoted) ||
	    quoted.upper != IPPROTO_UDP || !em_read(context, quoted.transport, &udp, sizeof(udp)) ||
	    !em_flow_key(context, &quoted, true, &key) || !em_goes_to(context, packet, &key))
		return;
	key.client_port = udp.source;
	key.server_port = udp.dest;
	flow = em_find_flow(&key, bpf_ktime_get_ns());
	if (flow)
		em_restore_quote(context, packet, &quoted, &udp, flow->known);
}

/*
 * The rest of the packet, from its IP header on. The constants exclude nothing here; they only say
 * which generation the program belongs to.
 */
static __always_inline void em_reply(em_context *context, struct em_packet *packet)
{
	if (!em_constant(n_replies) || !em_get_listener(0) || !em_parse_ip(context, packet))
		return;
	if (packet->upper == IPPROTO_UDP)
		em_reply_answer(context, packet);
	else
		em_reply_error(context, packet);
}

#endif
