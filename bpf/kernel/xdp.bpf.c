/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * xdp - the fast path at the driver: sorts on the frame as it arrives.
 */
#include <linux/bpf.h>

typedef struct xdp_md em_context;

#include "bpf/kernel/sort.bpf.h"
#include "bpf/kernel/udp.bpf.h"

/*
 * Reads beyond the first buffer of a frame, from its fragments, which not every driver makes. Not
 * every kernel has the helpers; its verifier skips the call where the constant excludes it.
 */
static __always_inline bool em_read_rest(em_context *context, __u64 offset, void *to, __u32 size)
{
	return !EM_IS_UNROLLED && em_constant(has_fragments) &&
	       !bpf_xdp_load_bytes(context, offset, to, size);
}

static __always_inline __u32 em_interface(em_context *context)
{
	return context->ingress_ifindex;
}

static __always_inline __u32 frame_length(em_context *context)
{
	if (!EM_IS_UNROLLED && em_constant(has_fragments))
		return bpf_xdp_get_buff_len(context);
	return context->data_end - context->data;
}

static __always_inline void rewrite(em_context *context, __u64 offset, __be16 port)
{
	void *data_end = (void *)(long)context->data_end;
	void *data = (void *)(long)context->data;
	struct udphdr copy, *udp;

	if (!em_add_offset(&data, offset))
		return;
	udp = data;
	if ((void *)(udp + 1) <= data_end) {
		em_udp_set_port(udp, false, port);
		return;
	}
	if (!em_read_rest(context, offset, &copy, sizeof(copy)))
		return;
	em_udp_set_port(&copy, false, port);
	if (!EM_IS_UNROLLED && em_constant(has_fragments))
		bpf_xdp_store_bytes(context, offset, &copy, sizeof(copy));
}

static __always_inline int carry_out(struct xdp_md *context, const struct em_packet *packet,
				     const struct em_abi_action *action)
{
	if (action->verdict == EM_ABI_DROP)
		return XDP_DROP;
	if (action->verdict == EM_ABI_PORT)
		rewrite(context, packet->transport, action->port);
	return XDP_PASS;
}

static __always_inline bool parse(struct xdp_md *context, struct em_packet *packet)
{
	if (!em_parse_ethernet(context, 0, packet) || !em_may_be_vlan(packet))
		return false;
	packet->length = frame_length(context) - packet->network;
	return em_parse_ip(context, packet);
}

static __always_inline __u32 magic(const struct em_decision *decision)
{
	if (decision->deferred)
		return EM_ABI_MARK_DEFERRED;
	return (decision->handed ? EM_ABI_MARK_HANDED : EM_ABI_MARK_DECIDED) ^
	       (__u32)em_constant(namespace);
}

/* In the room that em_reserve() has made; nothing is copied so far. */
static __always_inline bool mark_reserved(struct xdp_md *context,
					  const struct em_decision *decision)
{
	struct em_abi_copy_mark *mark = (void *)(long)context->data_meta;

	if ((void *)(mark + 1) > (void *)(long)context->data)
		return false;
	mark->mark.magic = magic(decision);
	mark->mark.interface = context->ingress_ifindex;
	mark->magic = 0;
	return true;
}

/*
 * Says which copies the TC program has to make.  A datagram that is dropped becomes the first of
 * them itself: if it were left to TC to drop it, it would reach the port of the listener whenever
 * the mark is lost.
 */
static __always_inline void leave_copies(struct xdp_md *context, const struct em_packet *packet,
					 struct em_decision *decision)
{
	struct em_abi_copy_mark *mark = (void *)(long)context->data_meta;
	struct em_abi_action *action = &decision->action;
	const struct em_abi_copies *copies = em_find_copies(decision->listener, action->copies);
	__u32 i;

	if (!copies || (void *)(mark + 1) > (void *)(long)context->data)
		return;
	mark->magic = EM_ABI_MARK_COPIES ^ (__u32)em_constant(namespace);
	mark->listener = decision->listener;
	mark->reserved = 0;
	mark->transport = packet->transport - packet->network;
	mark->copies = *copies;
	if (action->verdict != EM_ABI_DROP)
		return;
	action->verdict = EM_ABI_PORT;
	action->port = copies->ports[0];
	EM_UNROLL
	for (i = 1; i < EM_ABI_COPIES; i++)
		mark->copies.ports[i - 1] = copies->ports[i];
	mark->copies.ports[EM_ABI_COPIES - 1] = 0;
}

/*
 * Tells the TC program behind us whether a packet is left to it.  If not, that has to be said, too:
 * there may be a mark of the time when the packet came through here before.  The TC program cannot
 * wipe it off: before a program that writes directly the kernel copies packets that a packet socket
 * has as well, and the copies lose their marks.
 */
static __always_inline bool mark(struct xdp_md *context, const struct em_decision *decision)
{
	struct em_abi_mark *mark;

	if (em_has_copies())
		return mark_reserved(context, decision);
	if (bpf_xdp_adjust_meta(context, -(int)sizeof(*mark)))
		return false;
	mark = (void *)(long)context->data_meta;
	if ((void *)(mark + 1) > (void *)(long)context->data)
		return false;
	mark->magic = magic(decision);
	mark->interface = context->ingress_ifindex;
	return true;
}

/*
 * Where the driver has no room for the mark, the packet is decided here, which is right for every
 * one that stays on this host.
 */
static __always_inline bool em_defer(em_context *context, const struct em_decision *decision)
{
	return mark(context, decision);
}

/* What came along from another interface may take the room. */
static __always_inline bool em_reserve(struct xdp_md *context)
{
	const int room = sizeof(struct em_abi_copy_mark), word = sizeof(__u32);
	int i;

	if (!bpf_xdp_adjust_meta(context, -room))
		return true;
	for (i = 0; i < room / word; i++)
		if (bpf_xdp_adjust_meta(context, word))
			break;
	return !bpf_xdp_adjust_meta(context, -room);
}

/* For interfaces whose packets come from a wire. */
SEC("xdp")
int entitymux_xdp(struct xdp_md *context)
{
	struct em_decision decision = {};
	struct em_packet packet;

	if (!parse(context, &packet))
		return XDP_PASS;
	em_sort(context, &packet, context->ingress_ifindex, false, &decision);
	return carry_out(context, &packet, &decision.action);
}

/* For interfaces whose packets may come from a sender on this host, or are copied. */
SEC("xdp")
int entitymux_local(struct xdp_md *context)
{
	struct em_decision decision = {};
	struct em_packet packet;

	if (!parse(context, &packet))
		return XDP_PASS;
	em_sort(context, &packet, context->ingress_ifindex, true, &decision);
	if (decision.deferred)
		return XDP_PASS;
	if (!decision.ours || (decision.action.verdict == EM_ABI_DROP &&
			       !(em_has_copies() && decision.action.copies)))
		return carry_out(context, &packet, &decision.action);
	mark(context, &decision);
	if (em_has_copies() && decision.action.copies)
		leave_copies(context, &packet, &decision);
	return carry_out(context, &packet, &decision.action);
}

char LICENSE[] SEC("license") = "GPL";
