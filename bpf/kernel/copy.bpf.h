/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * copy - a datagram also to other ports: clones, which come in on the same interface again.
 *
 * The port of a copy is no listener's on the interface, so that nobody sorts it; the mark tells it
 * while one policy is replaced by another.
 */
#ifndef EM_COPY_BPF_H
#define EM_COPY_BPF_H

#include "bpf/kernel/maps.bpf.h"
#include "bpf/kernel/parse.bpf.h"
#include "bpf/kernel/sort.bpf.h"

#define EM_LOOPBACK 1 /* its index, in each network namespace */

static __always_inline bool em_rewrite_port(em_context *context, const struct em_packet *packet,
					    bool source, __be16 port);

/* The mark is taken off: the copy may go on to interfaces where somebody else looks at it. */
static __always_inline bool em_is_copy(em_context *context)
{
	if (!em_has_copies() || context->tc_index != EM_ABI_COPY)
		return false;
	context->tc_index = 0;
	return true;
}

/* A packet that comes in on lo has its route, which a clone loses on every way but out again. */
static __always_inline bool em_send_copy(em_context *context)
{
	__u32 ifindex = context->ifindex;

	return !bpf_clone_redirect(context, ifindex, ifindex == EM_LOOPBACK ? 0 : BPF_F_INGRESS);
}

/* The first of the ports, and the others without it. */
static __always_inline __be16 em_take_port(__u64 *first, __u64 *second)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	__be16 port = *first;

	*first = *first >> 16 | *second << 48;
	*second >>= 16;
#else
	__be16 port = *first >> 48;

	*first = *first << 16 | *second >> 48;
	*second <<= 16;
#endif
	return port;
}

#define EM_COPY_DETOUR 0x10000 /* bit */

/*
 * `offsets` are those of the IP header, << 32, and of the UDP header; `first` and `second` are the
 * words of em_abi_copies, and `which` is the listener, and EM_COPY_DETOUR.  The packet is as before
 * in the end: the kernel gives it a head of its own before it sends a clone, and what is written to
 * that then does not fail.
 *
 * A global function, so that it is verified once.
 */
EM_FUNCTION int em_copy(em_context *context, __u64 offsets, __u64 first, __u64 second, __u32 which)
{
	struct em_packet packet = {.network = offsets >> 32,
				   .transport = (__u32)offsets,
				   .detour = which & EM_COPY_DETOUR};
	__u32 id = which & (EM_ABI_LISTENERS - 1), before = context->tc_index, i;
	struct em_abi_listener_count *count = bpf_map_lookup_elem(&entitymux_lcnt, &id);
	struct udphdr udp;
	__u8 version;
	__be16 port;

	if (!count || !em_read(context, packet.network, &version, sizeof(version)) ||
	    !em_read(context, packet.transport, &udp, sizeof(udp)))
		return 0;
	packet.protocol = version >> 4 == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	context->tc_index = EM_ABI_COPY;
	for (i = 0; i < EM_ABI_COPIES; i++) {
		port = em_take_port(&first, &second);
		if (!port)
			break;
		if (!em_rewrite_port(context, &packet, false, port) || !em_send_copy(context))
			count->copy_errors++;
	}
	context->tc_index = before;
	em_rewrite_port(context, &packet, false, udp.dest);
	return 0;
}

/* The copies that an action asks for. */
static __always_inline void em_copy_action(em_context *context, const struct em_packet *packet,
					   __u32 listener, const struct em_abi_action *action)
{
	const struct em_abi_copies *copies = em_find_copies(listener, action->copies);

	if (copies)
		em_copy(context, packet->network << 32 | packet->transport, copies->words[0],
			copies->words[1], listener | (packet->detour ? EM_COPY_DETOUR : 0));
}

/* The copies that XDP asks for, with what is behind its mark. */
static __always_inline void em_copy_marked(em_context *context)
{
	const struct em_abi_copy_mark *mark = (void *)(long)context->data_meta;
	__u64 first, second, transport;
	struct em_packet packet;
	__u32 which;

	if ((void *)(mark + 1) > (void *)(long)context->data ||
	    mark->magic != (EM_ABI_MARK_COPIES ^ (__u32)em_constant(namespace)))
		return;
	first = mark->copies.words[0];
	second = mark->copies.words[1];
	transport = mark->transport;
	which = mark->listener | (mark->detour ? EM_COPY_DETOUR : 0);
	if (em_parse_ethernet(context, context->vlan_present, &packet))
		em_copy(context, packet.network << 32 | (packet.network + transport), first, second,
			which);
}

#endif
