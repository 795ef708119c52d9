/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * replies_frame - what a frame holds, and whether its checksum is right.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <string.h>

#include "replies.h"

#define IP6_HEADER	40
#define IP4_HEADER	20
#define FRAGMENT_BITS	0x3fff /* more fragments, and the offset */
#define CHECKSUM_OF_UDP 6

static uint16_t word(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static bool read_ip4(const uint8_t *bytes, size_t length, struct replies_frame *frame)
{
	size_t header = 4 * (bytes[0] & 0xf), total = word(bytes + 2);

	if (header < IP4_HEADER || total < header || length < header ||
	    word(bytes + 6) & FRAGMENT_BITS)
		return false;
	*frame = (struct replies_frame){AF_INET, bytes[9], bytes, bytes + header, total - header};
	return true;
}

static bool read_ip6(const uint8_t *bytes, size_t length, struct replies_frame *frame)
{
	if (length < IP6_HEADER)
		return false;
	*frame = (struct replies_frame){AF_INET6, bytes[6], bytes, bytes + IP6_HEADER,
					word(bytes + 4)};
	return true;
}

bool replies_packet(const uint8_t *bytes, size_t length, bool quoted, struct replies_frame *frame)
{
	size_t there;

	if (length < IP4_HEADER)
		return false;
	if (!(bytes[0] >> 4 == 4 ? read_ip4 : read_ip6)(bytes, length, frame))
		return false;
	there = length - (size_t)(frame->payload - bytes);
	if (there < frame->length) {
		frame->length = there;
		return quoted;
	}
	return true;
}

bool replies_frame(const uint8_t *bytes, size_t length, struct replies_frame *frame)
{
	uint16_t type;

	if (length < ETH_HLEN)
		return false;
	type = word(bytes + ETH_HLEN - 2);
	if (type != ETH_P_IP && type != ETH_P_IPV6)
		return false;
	return replies_packet(bytes + ETH_HLEN, length - ETH_HLEN, false, frame) &&
	       (frame->protocol == IPPROTO_UDP || frame->protocol == IPPROTO_ICMP ||
		frame->protocol == IPPROTO_ICMPV6);
}

static uint32_t add(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += word(bytes + i);
	if (length % 2)
		sum += (uint32_t)bytes[length - 1] << 8;
	return sum;
}

static uint32_t pseudo_header(const struct replies_frame *frame)
{
	uint32_t sum = frame->protocol + (uint32_t)frame->length;

	return frame->family == AF_INET ? add(sum, frame->ip + 12, 8) : add(sum, frame->ip + 8, 32);
}

bool replies_checksum(const struct replies_frame *frame)
{
	bool udp = frame->protocol == IPPROTO_UDP;
	uint32_t sum = 0;

	if (udp && frame->length > CHECKSUM_OF_UDP + 1 && !word(frame->payload + CHECKSUM_OF_UDP))
		return true;
	if (frame->protocol != IPPROTO_ICMP)
		sum = pseudo_header(frame);
	sum = add(sum, frame->payload, frame->length);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}
