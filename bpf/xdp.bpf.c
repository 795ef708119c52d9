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

SEC("xdp")
int entitymux_xdp(struct xdp_md *context)
{
	struct em_decision decision = {};
	struct em_packet packet;
	void *data, *data_end;
	struct udphdr *udp;

	if (!em_parse_ethernet(context, 0, &packet) ||
	    !em_parse_ip(context, context->data_end - context->data, &packet))
		return XDP_PASS;
	em_sort(context, &packet, context->ingress_ifindex, &decision);
	if (decision.drop)
		return XDP_DROP;
	if (!decision.port || packet.transport > EM_ABI_OFFSET_MAX)
		return XDP_PASS;
	data = (void *)(long)context->data;
	data_end = (void *)(long)context->data_end;
	udp = data + packet.transport;
	if ((void *)(udp + 1) <= data_end)
		rewrite(udp, decision.port);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
