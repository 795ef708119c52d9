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

/*
 * `which` is listener << 16 | the copies of its action.  The packet is as before in the end: the
 * kernel gives it a head of its own before it sends a clone, and what is written to that then does
 * not fail.
 *
 * A global function, so that it is verified once.
 */
EM_FUNCTION int em_copy(em_context *context, __u64 network, __u64 transport, __u32 which,
			__u32 detour)
{
	struct em_packet packet = {.network = network, .transport = transport, .detour = detour};
	__u32 id = which >> 16, index = (which & 0xff) - 1, before = context->tc_index, i;
	const volatile struct em_abi_listener *listener = em_get_listener(id);
	struct em_abi_listener_count *count = bpf_map_lookup_elem(&entitymux_lcnt, &id);
	const struct em_abi_copies *copies;
	struct udphdr udp;
	__u8 version;

	if (!listener || !count)
		return 0;
	index += listener->first_copies;
	copies = bpf_map_lookup_elem(&entitymux_copy, &index);
	if (!copies || !em_read(context, network, &version, sizeof(version)) ||
	    !em_read(context, transport, &udp, sizeof(udp)))
		return 0;
	packet.protocol = version >> 4 == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	context->tc_index = EM_ABI_COPY;
	for (i = 0; i < EM_ABI_COPIES; i++) {
		if (!copies->ports[i])
			break;
		if (!em_rewrite_port(context, &packet, false, copies->ports[i]) ||
		    !em_send_copy(context))
			count->copy_errors++;
	}
	context->tc_index = before;
	em_rewrite_port(context, &packet, false, udp.dest);
	return 0;
}

#endif
