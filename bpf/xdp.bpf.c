// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdp - the fast path at the driver: sorts on the frame as it arrives.
 */
#include <linux/bpf.h>

typedef struct xdp_md em_context;

#include "sort.bpf.h"
#include "udp.bpf.h"

/*
 * Behind the first buffer of a frame are its fragments, where the driver makes such.  The helpers are
 * not in every kernel's verifier, which does not look at what the constant rules out.
 */
static __always_inline bool em_read_rest(em_context *context, __u64 offset, void *to, __u32 size)
{
	return em_constants.has_fragments && !bpf_xdp_load_bytes(context, offset, to, size);
}

static __always_inline __u32 frame_length(em_context *context)
{
	if (em_constants.has_fragments)
		return bpf_xdp_get_buff_len(context);
	return context->data_end - context->data;
}

static __always_inline void rewrite(em_context *context, __u64 offset, __be16 port)
{
	void *data_end = (void *)(long)context->data_end;
	void *data = (void *)(long)context->data;
	struct udphdr copy, *udp;

	if (offset > EM_ABI_OFFSET_MAX)
		return;
	udp = data + offset;
	if ((void *)(udp + 1) <= data_end) {
		em_udp_redirect(udp, port);
		return;
	}
	if (!em_read_rest(context, offset, &copy, sizeof(copy)))
		return;
	em_udp_redirect(&copy, port);
	if (em_constants.has_fragments)
		bpf_xdp_store_bytes(context, offset, &copy, sizeof(copy));
}

static __always_inline int finish(struct xdp_md *context, const struct em_packet *packet,
				  const struct em_decision *decision)
{
	if (decision->drop)
		return XDP_DROP;
	if (decision->port)
		rewrite(context, packet->transport, decision->port);
	return XDP_PASS;
}

static __always_inline bool parse(struct xdp_md *context, struct em_packet *packet)
{
	if (!em_parse_ethernet(context, 0, packet))
		return false;
	packet->length = frame_length(context) - packet->network;
	return em_parse_ip(context, packet);
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
