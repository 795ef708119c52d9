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

/*
 * The helper knows whether the checksum is unfinished, or summed up by the device.  It is slower
 * than em_rewrite_port(), which a copy does not notice, and asks for no stack.
 */
static __always_inline bool em_set_port(em_context *context, __u64 transport, __be16 from,
					__be16 to)
{
	return !bpf_l4_csum_replace(context, transport + offsetof(struct udphdr, check), from, to,
				    sizeof(to) | BPF_F_MARK_MANGLED_0) &&
	       !bpf_skb_store_bytes(context, transport + offsetof(struct udphdr, dest), &to,
				    sizeof(to), 0);
}

/*
 * `transport` is the offset of the UDP header; `first` and `second` are the words of em_abi_copies.
 * The packet is as before in the end: the kernel gives it a head of its own before it sends a
 * clone, and what is written to that then does not fail.
 *
 * A global function, so that it is verified once.
 */
EM_FUNCTION int em_copy(em_context *context, __u64 transport, __u64 first, __u64 second,
			__u32 listener)
{
	__u32 id = listener & (EM_ABI_LISTENERS - 1), before = context->tc_index, i;
	struct em_abi_listener_count *count = bpf_map_lookup_elem(&entitymux_lcnt, &id);
	__be16 own, from, port;

	if (!count ||
	    !em_read_rest(context, transport + offsetof(struct udphdr, dest), &own, sizeof(own)))
		return 0;
	from = own;
	context->tc_index = EM_ABI_COPY;
	for (i = 0; i < EM_ABI_COPIES; i++) {
		port = em_take_port(&first, &second);
		if (!port)
			break;
		if (!em_set_port(context, transport, from, port)) {
			count->copy_errors++;
			continue;
		}
		from = port;
		if (!em_send_copy(context))
			count->copy_errors++;
	}
	context->tc_index = before;
	em_set_port(context, transport, from, own);
	return 0;
}

/* The copies that an action asks for. */
static __always_inline void em_copy_action(em_context *context, const struct em_packet *packet,
					   __u32 listener, const struct em_abi_action *action)
{
	const struct em_abi_copies *copies = em_find_copies(listener, action->copies);

	if (copies)
		em_copy(context, packet->transport, copies->words[0], copies->words[1], listener);
}

/* The copies that XDP asks for, with what is behind its mark. */
static __always_inline void em_copy_marked(em_context *context)
{
	const struct em_abi_copy_mark *mark = (void *)(long)context->data_meta;
	__u64 first, second, transport;
	struct em_packet packet;
	__u32 listener;

	if ((void *)(mark + 1) > (void *)(long)context->data ||
	    mark->magic != (EM_ABI_MARK_COPIES ^ (__u32)em_constant(namespace)))
		return;
	first = mark->copies.words[0];
	second = mark->copies.words[1];
	transport = mark->transport;
	listener = mark->listener;
	if (em_parse_ethernet(context, context->vlan_present, &packet))
		em_copy(context, packet.network + transport, first, second, listener);
}

#endif
