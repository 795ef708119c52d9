/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parse - from a frame to its UDP header, in the sense in which nf_tables reads headers
 * (nft_set_pktinfo_ipv4_validate(), nft_set_pktinfo_ipv6_validate(), ipv6_find_hdr()).
 *
 * All functions return false for a packet that is not ours.
 */
#ifndef EM_PARSE_BPF_H
#define EM_PARSE_BPF_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "frame.bpf.h"

struct em_packet {
	__u64 network;	 /* offset of the IP header */
	__u64 transport; /* offset of the UDP header */
	__u32 length;	 /* bytes from the IP header to the end of the frame */
	__u16 vlan;	 /* 0: untagged */
	__be16 protocol; /* Ethernet's name for the IP version */
};

struct em_vlan_header {
	__be16 tci;
	__be16 protocol;
};

/* The start of every IPv6 extension header; of a fragment header the length is reserved. */
struct em_option_header {
	__u8 next;
	__u8 length; /* 8-byte units after the first */
	__be16 fragment;
};

#define EM_VLAN_ID	    0x0fff
#define EM_IPV4_FRAGMENT    0x1fff /* offset, in 8-byte units */
#define EM_IPV6_FRAGMENT    0xfff8 /* offset, in bytes */

/* `vlan` is that of a tag which has been taken off the frame already, else 0. */
static __always_inline bool em_parse_ethernet(em_context *context, __u16 vlan,
					      struct em_packet *packet)
{
	struct em_vlan_header tag;
	struct ethhdr ethernet;
	__be16 protocol;

	if (!em_read(context, 0, &ethernet, sizeof(ethernet)))
		return false;
	protocol = ethernet.h_proto;
	packet->network = sizeof(ethernet);
	packet->vlan = vlan;
	if (protocol == bpf_htons(ETH_P_8021Q) && !vlan) {
		if (!em_read(context, sizeof(ethernet), &tag, sizeof(tag)))
			return false;
		packet->vlan = bpf_ntohs(tag.tci) & EM_VLAN_ID;
		/* A priority tag is neither untagged nor the tag of a VLAN. */
		if (!packet->vlan)
			return false;
		protocol = tag.protocol;
		packet->network += sizeof(tag);
	}
	packet->protocol = protocol;
	return true;
}

static __always_inline bool em_parse_ipv4(em_context *context, struct em_packet *packet)
{
	__u32 header, total;
	struct iphdr ip;

	if (!em_read(context, packet->network, &ip, sizeof(ip)))
		return false;
	header = ip.ihl * 4;
	total = bpf_ntohs(ip.tot_len);
	if (ip.version != 4 || header < sizeof(ip) || total > packet->length || total < header)
		return false;
	if (ip.protocol != IPPROTO_UDP || ip.frag_off & bpf_htons(EM_IPV4_FRAGMENT))
		return false;
	packet->transport = packet->network + header;
	return true;
}

/*
 * The offset of the transport header behind extension headers that begin at `offset` with one of
 * type `next`, if it is UDP; else 0.
 *
 * A global function, which the verifier judges once and by itself: inlined, the rest of the program
 * would be followed anew for each number of headers.
 */
__noinline __u64 em_walk_headers(em_context *context, __u64 offset, __u32 next)
{
	struct em_option_header option;
	int i;

	for (i = 0; i < EM_ABI_HEADERS && next != IPPROTO_UDP; i++) {
		if (!em_read(context, offset, &option, sizeof(option)))
			return 0;
		if (next == IPPROTO_FRAGMENT) {
			if (option.fragment & bpf_htons(EM_IPV6_FRAGMENT))
				return 0;
			offset += 8;
		} else if (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING ||
			   next == IPPROTO_DSTOPTS) {
			offset += (option.length + 1) * 8;
		} else {
			return 0;
		}
		next = option.next;
	}
	return next == IPPROTO_UDP ? offset : 0;
}

static __always_inline bool em_parse_ipv6(em_context *context, struct em_packet *packet)
{
	struct ipv6hdr ip;

	if (!em_read(context, packet->network, &ip, sizeof(ip)))
		return false;
	if (ip.version != 6 || bpf_ntohs(ip.payload_len) + sizeof(ip) > packet->length)
		return false;
	packet->transport = packet->network + sizeof(ip);
	if (ip.nexthdr != IPPROTO_UDP)
		packet->transport = em_walk_headers(context, packet->transport, ip.nexthdr);
	return packet->transport;
}

/* From the IP header on, which packet->network and packet->protocol tell; `length` is the frame's. */
static __always_inline bool em_parse_ip(em_context *context, __u32 length, struct em_packet *packet)
{
	packet->length = length - packet->network;
	if (packet->protocol == bpf_htons(ETH_P_IP))
		return em_parse_ipv4(context, packet);
	if (packet->protocol == bpf_htons(ETH_P_IPV6))
		return em_parse_ipv6(context, packet);
	return false;
}

#endif
