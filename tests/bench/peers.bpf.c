/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * peers - see peers.h.
 */
#include <stddef.h>

#include <linux/bpf.h>

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "peers.h"

const volatile __u32 entities;
const volatile __be16 port;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct peer_entity);
} slots SEC(".maps");

/* Those of one CPU in a row. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct peer_count);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct peer_entity);
} hashed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct peer_count);
} per_cpu SEC(".maps");

struct frame {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct udphdr udp;
	__be32 tag;
} __attribute__((packed));

static __always_inline struct frame *find_datagram(struct xdp_md *context)
{
	struct frame *frame = (void *)(long)context->data;

	if ((void *)(frame + 1) > (void *)(long)context->data_end ||
	    frame->ethernet.h_proto != bpf_htons(ETH_P_IP) || frame->ip.version != 4 ||
	    frame->ip.ihl != 5 || frame->ip.protocol != IPPROTO_UDP || frame->udp.dest != port)
		return NULL;
	return frame;
}

static __always_inline void count(struct xdp_md *context, struct peer_count *of)
{
	of->packets++;
	of->bytes += context->data_end - context->data - sizeof(struct ethhdr);
	of->last = bpf_jiffies64();
}

static __always_inline void rewrite(struct frame *frame, __be16 to)
{
	__u32 sum;

	if (frame->udp.check) {
		sum = (__u16)~frame->udp.check + (__u16)~frame->udp.dest + to;
		sum = (sum & 0xffff) + (sum >> 16);
		sum = (__u16) ~((sum & 0xffff) + (sum >> 16));
		frame->udp.check = sum ? sum : 0xffff;
	}
	frame->udp.dest = to;
}

SEC("xdp")
int bare(struct xdp_md *context)
{
	struct frame *frame = find_datagram(context);
	struct peer_entity *entity;
	struct peer_count *counted;
	__u32 index;

	if (!frame)
		return (void *)(long)context->data + offsetof(struct frame, tag) + 4 >
				       (void *)(long)context->data_end
			       ? XDP_DROP
			       : XDP_PASS;
	index = bpf_ntohl(frame->tag);
	entity = bpf_map_lookup_elem(&slots, &index);
	if (!entity || entity->tag != index)
		return XDP_DROP;
	index += bpf_get_smp_processor_id() * entities;
	counted = bpf_map_lookup_elem(&counts, &index);
	if (!counted)
		return XDP_DROP;
	count(context, counted);
	rewrite(frame, entity->port);
	return XDP_PASS;
}

SEC("xdp")
int hash(struct xdp_md *context)
{
	struct frame *frame = find_datagram(context);
	struct peer_entity *entity;
	struct peer_count *counted;
	__u64 tag;

	if (!frame)
		return (void *)(long)context->data + offsetof(struct frame, tag) + 4 >
				       (void *)(long)context->data_end
			       ? XDP_DROP
			       : XDP_PASS;
	tag = bpf_ntohl(frame->tag);
	entity = bpf_map_lookup_elem(&hashed, &tag);
	if (!entity)
		return XDP_DROP;
	counted = bpf_map_lookup_elem(&per_cpu, &entity->counter);
	if (!counted)
		return XDP_DROP;
	count(context, counted);
	rewrite(frame, entity->port);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
