/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * generate - datagrams with tag after tag, made from one frame: for the program in the slot, or,
 * where that is empty, for the wire.
 */
#include <stdbool.h>

#include <linux/bpf.h>

#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "generate.h"

/* Where a TEST_RUN sends live frames that it recycles, all that a receiver may change is put back.
 */
const volatile __u32 udp_offset;

struct generate_state state;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} slot SEC(".maps");

/* The same for programs of TC. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} slot_tc SEC(".maps");

struct datagram {
	struct udphdr udp;
	__be32 tag;
};

/* The checksum of a datagram whose other words add up to `sum`. */
static __always_inline __u16 finish_sum(__u32 sum, __be32 tag)
{
	sum += (tag & 0xffff) + (tag >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (__u16)~sum;
	return sum ? sum : 0xffff;
}

/* false: the frame is too short. */
static __always_inline bool write_next(struct datagram *datagram, const void *data_end)
{
	if ((void *)(datagram + 1) > data_end)
		return false;
	/* Numerical Recipes' generator: its upper bits are as random as is needed here. */
	state.random = state.random * 1664525 + 1013904223;
	datagram->tag = bpf_htonl((__u64)state.random * state.entities >> 32);
	datagram->udp.dest = state.port;
	datagram->udp.check = finish_sum(state.sum, datagram->tag);
	return true;
}

SEC("xdp")
int generate(struct xdp_md *context)
{
	if (!write_next((void *)(long)context->data + udp_offset, (void *)(long)context->data_end))
		return XDP_ABORTED;
	bpf_tail_call(context, &slot, 0);
	return XDP_TX;
}

SEC("tc")
int generate_tc(struct __sk_buff *context)
{
	if (write_next((void *)(long)context->data + udp_offset, (void *)(long)context->data_end))
		bpf_tail_call(context, &slot_tc, 0);
	return TC_ACT_SHOT;
}

SEC("xdp")
int pass(struct xdp_md *context)
{
	(void)context;
	return XDP_PASS;
}

SEC("tc")
int next(struct __sk_buff *context)
{
	(void)context;
	return -1; /* TC_ACT_UNSPEC */
}

char LICENSE[] SEC("license") = "GPL";
