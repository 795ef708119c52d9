/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * tc - the same decision at TC ingress, for interfaces that cannot have XDP, and the way back at TC
 * egress, for all.
 *
 * A packet that is not dropped goes on to the next filter (TC_ACT_UNSPEC).
 */
#include <linux/bpf.h>

typedef struct __sk_buff em_context;

#define EM_REST_IS_ALL /* em_read_rest() also reads the linear part */

#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include "bpf/kernel/copy.bpf.h"
#include "bpf/kernel/reply.bpf.h"
#include "bpf/kernel/sort.bpf.h"

/* Reads beyond the linear part of a packet, from its fragments. */
static __always_inline bool em_read_rest(em_context *context, __u64 offset, void *to, __u32 size)
{
	return !bpf_skb_load_bytes(context, offset, to, size);
}

static __always_inline __u32 em_interface(em_context *context)
{
	return context->ifindex;
}

/*
 * The helper knows a checksum that the device is still to complete: the port is not in what is
 * summed up so far.  But that may be the checksum of a packet within ours, and then ours is
 * complete and has to follow, which the helper does not see to.  It leaves a checksum of 0 alone,
 * and stores a computed one of 0 as 0xffff.
 *
 * What the device has summed up (CHECKSUM_COMPLETE) stays, since port and checksum cancel out.
 */
static __always_inline bool em_rewrite_port(em_context *context, const struct em_packet *packet,
					    bool source, __be16 port)
{
	__u64 field = source ? offsetof(struct udphdr, source) : offsetof(struct udphdr, dest);
	__u64 at = packet->transport;
	struct udphdr udp;

	if (at > EM_ABI_OFFSET_MAX || !em_read(context, at, &udp, sizeof(udp)))
		return false;
	if (!em_maybe_unfinished(context, packet, &udp)) {
		em_udp_set_port(&udp, source, port);
		return !bpf_skb_store_bytes(context, at, &udp, sizeof(udp), 0);
	}
	if (bpf_l4_csum_replace(context, at + offsetof(struct udphdr, check),
				source ? udp.source : udp.dest, port,
				sizeof(port) | BPF_F_MARK_MANGLED_0))
		return false;
	return !bpf_skb_store_bytes(context, at + field, &port, sizeof(port), 0);
}

/* There is nothing behind. */
static __always_inline bool em_defer(em_context *context, const struct em_decision *decision)
{
	(void)context;
	(void)decision;
	return false;
}

/* XDP alone leaves marks. */
static __always_inline bool em_reserve(em_context *context)
{
	(void)context;
	return false;
}

/* The other backend, behind us, takes the mark off. */
static __always_inline void hand_over(em_context *context)
{
	if (!(context->mark & EM_ABI_HANDED_MASK))
		context->mark |= EM_ABI_HANDED;
}

static __always_inline int carry_out(em_context *context, const struct em_packet *packet,
				     const struct em_decision *decision)
{
	const struct em_abi_action *action = &decision->action;

	/* A copy is decided about as well. */
	if (decision->handed)
		hand_over(context);
	if (em_has_copies() && action->copies)
		em_copy_action(context, packet, decision->listener, action);
	if (action->verdict == EM_ABI_DROP)
		return TC_ACT_SHOT;
	if (action->verdict == EM_ABI_PORT)
		em_rewrite_port(context, packet, false, action->port);
	return TC_ACT_UNSPEC;
}

/*
 * See EM_MARK_LOST.  XDP leaves every packet with a checksum that looks unfinished to us, so we
 * know them without the mark; where there are copies, it leaves all with such headers.
 */
static __always_inline bool has_lost_mark(em_context *context, const struct em_packet *packet)
{
	struct udphdr udp;

	return packet->upper == IPPROTO_UDP && packet->transport >= EM_MARK_LOST &&
	       em_read(context, packet->transport, &udp, sizeof(udp)) &&
	       em_is_left(context, packet, &udp);
}

/* marked: it is ours to decide; else only if it has lost its mark, or XDP had no room for one. */
static __always_inline int sort(em_context *context, struct em_packet *packet, bool marked)
{
	struct em_decision decision = {};

	packet->length = context->len - packet->network;
	if (!em_parse_ip(context, packet))
		return TC_ACT_UNSPEC;
	decision.unmarked = !marked && !has_lost_mark(context, packet);
	if (!em_has_copies() && decision.unmarked)
		return TC_ACT_UNSPEC;
	em_sort(context, packet, context->ifindex, false, &decision);
	return carry_out(context, packet, &decision);
}

/*
 * A broadcast or multicast of this host, which it receives itself: without its Ethernet header, and
 * not through XDP.  Older verifiers would have to walk all code twice for it.
 */
static __always_inline bool is_looped_back(const em_context *context)
{
#ifdef EM_PLAIN
	(void)context;
	return false;
#else
	return context->pkt_type == PACKET_LOOPBACK;
#endif
}

static __always_inline bool parse_frame(em_context *context, struct em_packet *packet)
{
	__u16 vlan = 0;

	/* The stack has taken the outermost tag off by now. */
	if (context->vlan_present) {
		vlan = context->vlan_tci & EM_VLAN_ID;
		if (!vlan || context->vlan_proto != bpf_htons(ETH_P_8021Q))
			return false;
	}
	return em_parse_ethernet(context, vlan, packet) && em_may_be_vlan(packet);
}

static __always_inline int sort_ethernet(em_context *context, bool marked)
{
	bool looped = is_looped_back(context);
	struct em_packet packet;

	if (looped)
		packet = (struct em_packet){.protocol = context->protocol};
	else if (!parse_frame(context, &packet))
		return TC_ACT_UNSPEC;
	return sort(context, &packet, marked || looped);
}

/* What XDP says of a packet on this interface; 0: nothing. */
static __always_inline __u32 read_mark(em_context *context)
{
	const struct em_abi_mark *mark = (void *)(long)context->data_meta;

	if ((void *)(mark + 1) > (void *)(long)context->data || mark->interface != context->ifindex)
		return 0;
	return mark->magic;
}

/*
 * XDP has decided, and left copies to us.  While programs are replaced, it may be there together
 * with either of ours.
 */
static __always_inline bool is_decided(em_context *context, __u32 mark)
{
	mark ^= (__u32)em_constant(namespace);
	if (mark == EM_ABI_MARK_HANDED)
		hand_over(context);
	if (mark != EM_ABI_MARK_HANDED && mark != EM_ABI_MARK_DECIDED)
		return false;
	if (em_has_copies())
		em_copy_marked(context);
	return true;
}

/* Interfaces with an Ethernet header. */
SEC("tc")
int entitymux_tc(struct __sk_buff *context)
{
	if (em_is_copy(context))
		return TC_ACT_UNSPEC;
	if (is_decided(context, read_mark(context)))
		return TC_ACT_UNSPEC;
	return sort_ethernet(context, true);
}

/* Behind entitymux_local: copies what that one asks for, and sorts what it has left to TC. */
SEC("tc")
int entitymux_defer(struct __sk_buff *context)
{
	__u32 mark = read_mark(context);
	bool marked = mark == EM_ABI_MARK_DEFERRED;

	if (em_is_copy(context) || is_decided(context, mark))
		return TC_ACT_UNSPEC;
	if (!em_has_copies() && !marked && context->len < EM_MARK_LOST && !is_looped_back(context))
		return TC_ACT_UNSPEC;
	return sort_ethernet(context, marked);
}

/* For interfaces without a link-layer header. */
SEC("tc")
int entitymux_tc_ip(struct __sk_buff *context)
{
	struct em_packet packet = {.protocol = context->protocol};

	if (em_is_copy(context))
		return TC_ACT_UNSPEC;
	return sort(context, &packet, true);
}

static __always_inline void reply(em_context *context, struct em_packet *packet)
{
	packet->length = context->len - packet->network;
	em_reply(context, packet);
}

/* At egress. The VLAN does not matter: the conversation says whether the packet is ours. */
SEC("tc")
int entitymux_reply(struct __sk_buff *context)
{
	struct em_packet packet;

	if (em_parse_ethernet(context, context->vlan_present, &packet))
		reply(context, &packet);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int entitymux_re_ip(struct __sk_buff *context)
{
	struct em_packet packet = {.protocol = context->protocol};

	reply(context, &packet);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
