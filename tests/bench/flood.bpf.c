/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * flood - frames for the wire, of which one in 16 is a known entity's.
 */
#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "flood.h"

#define IP4_ID	   (14 + 4)
#define IP4_SUM	   (14 + 10)
#define IP4_SENDER (14 + 12)
#define TAG	   (14 + 20 + 8)

struct flood_state state;

static __always_inline bool put(struct xdp_md *context, const struct flood_frame *frame)
{
	__u32 length = context->data_end - context->data;

	if (bpf_xdp_adjust_tail(context, (int)(frame->length - length)))
		return false;
	length = frame->length;
	if (length < 1 || length > FLOOD_FRAME_MAX)
		return false;
	return !bpf_xdp_store_bytes(context, 0, (void *)frame->bytes, length);
}

/* The checksum of the header stays right: what is added to a word is taken from the sum. */
static __always_inline void vary(struct xdp_md *context)
{
	__u8 *data = (void *)(long)context->data;
	__u32 count = state.count;
	__be16 *sum, *low;

	if ((void *)(data + TAG + 4) > (void *)(long)context->data_end)
		return;
	sum = (void *)(data + IP4_SUM);
	low = (void *)(data + (state.varied == FLOOD_IDS ? IP4_ID : IP4_SENDER + 2));
	if (state.varied == FLOOD_TAGS)
		*(__be32 *)(data + TAG) = bpf_htonl(0x80000000 | count);
	if (state.varied == FLOOD_IDS || state.varied == FLOOD_SENDERS) {
		__u32 add = count & 0x7fff, check = bpf_ntohs(*sum);

		*low = bpf_htons(bpf_ntohs(*low) + add);
		check += 0xffff - add;
		check = (check & 0xffff) + (check >> 16);
		*sum = bpf_htons(check);
	}
}

SEC("xdp")
int send(struct xdp_md *context)
{
	bool known = state.count++ % FLOOD_KNOWN_EACH == 0;

	if (!put(context, known ? &state.known : &state.flood))
		return XDP_ABORTED;
	if (!known)
		vary(context);
	return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
