// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdp - the fast path at the driver: sorts on the frame as it arrives.
 */
#include <linux/bpf.h>

typedef struct xdp_md em_context;

#include "sort.bpf.h"

/* A frame is in one piece. */
static __always_inline bool em_read_rest(em_context *context, __u64 offset, void *to, __u32 size)
{
	(void)context;
	(void)offset;
	(void)to;
	(void)size;
	return false;
}

/*
 * RFC 1624, equation 3.  The sum of a datagram cannot be 0 before the complement, so that 0xffff
 * is the only spelling of zero that comes out, as in csum_fold() of the kernel.
 */
static __always_inline void rewrite(struct udphdr *udp, __be16 port)
{
	__u32 sum;

	if (udp->check) {
		sum = (__u16)~udp->check + (__u16)~udp->dest + port;
		sum = (sum & 0xffff) + (sum >> 16);
		sum = (sum & 0xffff) + (sum >> 16);
		sum = (__u16)~sum;
		udp->check = sum ? sum : 0xffff;
	}
	udp->dest = port;
}

static __always_inline int finish(struct xdp_md *context, const struct em_packet *packet,
				  const struct em_decision *decision)
{
	void *data_end = (void *)(long)context->data_end;
	void *data = (void *)(long)context->data;
	struct udphdr *udp;

	if (decision->drop)
		return XDP_DROP;
	if (!decision->port || packet->transport > EM_ABI_OFFSET_MAX)
		return XDP_PASS;
	udp = data + packet->transport;
	if ((void *)(udp + 1) <= data_end)
		rewrite(udp, decision->port);
	return XDP_PASS;
}

static __always_inline bool parse(struct xdp_md *context, struct em_packet *packet)
{
	return em_parse_ethernet(context, 0, packet) &&
	       em_parse_ip(context, context->data_end - context->data, packet);
}

/* Tells the TC program behind us that a packet is still to be decided. */
static __always_inline bool mark_for_later(struct xdp_md *context)
{
	__u32 *mark;

	if (bpf_xdp_adjust_meta(context, -(int)sizeof(*mark)))
		return false;
	mark = (void *)(long)context->data_meta;
	if ((void *)(mark + 1) > (void *)(long)context->data)
		return false;
	*mark = EM_ABI_LATER;
	return true;
}

/* Interfaces whose packets come from a wire. */
SEC("xdp")
int entitymux_xdp(struct xdp_md *context)
{
	struct em_decision decision = {};
	struct em_packet packet;

	if (!parse(context, &packet))
		return XDP_PASS;
	em_sort(context, &packet, context->ingress_ifindex, false, &decision);
	return finish(context, &packet, &decision);
}

/* Interfaces whose packets may come from a sender on this host. */
SEC("xdp")
int entitymux_local(struct xdp_md *context)
{
	struct em_decision decision = {};
	struct em_packet packet;

	if (!parse(context, &packet))
		return XDP_PASS;
	em_sort(context, &packet, context->ingress_ifindex, true, &decision);
	if (decision.later) {
		if (mark_for_later(context))
			return XDP_PASS;
		/* A driver without room for the mark: right for all that stays on this host. */
		em_sort(context, &packet, context->ingress_ifindex, false, &decision);
	}
	return finish(context, &packet, &decision);
}

char LICENSE[] SEC("license") = "GPL";
