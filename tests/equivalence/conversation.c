/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * conversation - a small model of `replies`.
 */
#include "conversation.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IP4_HEADER    20
#define IP6_HEADER    40
#define UDP_HEADER    8
#define UDP_CHECKSUM  6
#define ICMP_CHECKSUM 2
#define DONT_FRAGMENT 0x4000
/* Connection tracking of newer kernels follows no more of them. */
#define EXTENSIONS_MAX 12

static const char *const interfaces[] = {"in0", "in1"};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value & 0xff;
}

static uint32_t add(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += get16(bytes + i);
	return length % 2 ? sum + ((uint32_t)bytes[length - 1] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Of UDP or ICMPv6, from an offset to the end of the frame. */
static uint32_t pseudo_header(const struct stream_frame *frame, uint8_t family, uint8_t protocol,
			      size_t offset)
{
	uint32_t sum = protocol + (uint32_t)(frame->length - offset);
	const uint8_t *ip = frame->bytes + ETH_HLEN;

	return family == AF_INET ? add(sum, ip + 12, 8) : add(sum, ip + 8, 32);
}

static uint16_t payload_checksum(const struct stream_frame *frame, uint8_t family, uint8_t protocol,
				 size_t offset)
{
	uint32_t sum = 0;

	if (protocol != IPPROTO_ICMP)
		sum = pseudo_header(frame, family, protocol, offset);
	return (uint16_t)~fold(add(sum, frame->bytes + offset, frame->length - offset));
}

uint16_t conversation_udp_checksum(const struct stream_frame *frame, const struct flow *flow)
{
	struct stream_frame copy = *frame;
	uint16_t checksum;

	put16(copy.bytes + flow->udp + UDP_CHECKSUM, 0);
	checksum = payload_checksum(&copy, flow->source.family, IPPROTO_UDP, flow->udp);
	return checksum ? checksum : 0xffff;
}

void conversation_put_icmp_checksum(struct stream_frame *frame, size_t icmp, uint8_t family)
{
	uint8_t protocol = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	put16(frame->bytes + icmp + ICMP_CHECKSUM, 0);
	put16(frame->bytes + icmp + ICMP_CHECKSUM, payload_checksum(frame, family, protocol, icmp));
}

static bool read_ip4(const struct stream_frame *frame, struct flow *flow)
{
	const uint8_t *ip = frame->bytes + ETH_HLEN;
	size_t header = 4 * (ip[0] & 0xf);

	if (frame->length < ETH_HLEN + IP4_HEADER + UDP_HEADER || ip[0] >> 4 != 4 ||
	    header < IP4_HEADER || frame->length < ETH_HLEN + header + UDP_HEADER ||
	    get16(ip + 2) != frame->length - ETH_HLEN || get16(ip + 6) & ~DONT_FRAGMENT ||
	    ip[8] <= 1 || ip[9] != IPPROTO_UDP || fold(add(0, ip, header)) != 0xffff)
		return false;
	flow->source.family = flow->destination.family = AF_INET;
	memcpy(flow->source.bytes, ip + 12, 4);
	memcpy(flow->destination.bytes, ip + 16, 4);
	flow->udp = ETH_HLEN + header;
	return true;
}

/* Padding of 6 bytes, in the first header: of others routers have an opinion. */
static bool is_plain_hop_by_hop(const struct stream_frame *frame, size_t at)
{
	static const uint8_t padding[] = {0, IP6OPT_PADN, 4, 0, 0, 0, 0};

	return at == ETH_HLEN + IP6_HEADER &&
	       !memcmp(frame->bytes + at + 1, padding, sizeof(padding));
}

static bool read_ip6(const struct stream_frame *frame, struct flow *flow)
{
	const uint8_t *ip = frame->bytes + ETH_HLEN;
	size_t at = ETH_HLEN + IP6_HEADER;
	unsigned int n_extensions = 0;
	uint8_t type = ip[6];

	if (frame->length < at + UDP_HEADER || ip[0] >> 4 != 6 ||
	    get16(ip + 4) != frame->length - at || ip[7] <= 1)
		return false;
	while (type == IPPROTO_HOPOPTS || type == IPPROTO_ROUTING || type == IPPROTO_DSTOPTS) {
		size_t length = 8 * (frame->bytes[at + 1] + 1U);

		if (type == IPPROTO_HOPOPTS && !is_plain_hop_by_hop(frame, at))
			return false;
		type = frame->bytes[at];
		at += length;
		if (frame->length < at + UDP_HEADER || ++n_extensions > EXTENSIONS_MAX)
			return false;
	}
	flow->source.family = flow->destination.family = AF_INET6;
	memcpy(flow->source.bytes, ip + 8, 16);
	memcpy(flow->destination.bytes, ip + 24, 16);
	flow->udp = at;
	return type == IPPROTO_UDP;
}

bool flow_read(const struct stream_frame *frame, struct flow *flow)
{
	const uint8_t *udp;
	uint16_t type, sum;

	*flow = (struct flow){0};
	if (frame->length < ETH_HLEN || frame->bytes[0] & 1)
		return false;
	type = get16(frame->bytes + ETH_HLEN - 2);
	if (!(type == ETH_P_IP && read_ip4(frame, flow)) &&
	    !(type == ETH_P_IPV6 && read_ip6(frame, flow)))
		return false;
	udp = frame->bytes + flow->udp;
	flow->from = get16(udp);
	flow->to = get16(udp + 2);
	sum = get16(udp + UDP_CHECKSUM);
	return flow->from && flow->to && get16(udp + 4) == frame->length - flow->udp &&
	       (!sum || sum == conversation_udp_checksum(frame, flow));
}

static bool same_address(const struct em_address *a, const struct em_address *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool flow_is_host(const struct em_address *address, enum router_wire wire)
{
	for (unsigned int host = 0; host < ROUTER_HOSTS; host++) {
		struct em_address other = router_address(wire, address->family, host);

		if (same_address(address, &other))
			return true;
	}
	return false;
}

const struct conversation *conversation_find(const struct conversations *conversations,
					     const struct em_address *client, uint16_t client_port,
					     const struct em_address *server, uint16_t server_port)
{
	for (size_t i = 0; i < conversations->n; i++) {
		const struct conversation *one = &conversations->all[i];

		if (one->client_port == client_port && one->server_port == server_port &&
		    same_address(&one->client, client) && same_address(&one->server, server))
			return one;
	}
	return NULL;
}

/* That of a request, as it has been classified. */
static struct conversation of_request(const struct flow *flow,
				      const struct em_classification *class)
{
	bool sorted = class->action.verdict == EM_PORT;
	uint16_t port = sorted ? class->action.port : flow->to;
	bool answered = sorted && class->listener->replies;

	return (struct conversation){
		.client = flow->source,
		.server = flow->destination,
		.client_port = flow->from,
		.server_port = port,
		.asked = flow->to,
		.known = answered ? class->listener->port : port,
	};
}

static void classify(const struct em_policy *policy, const struct event *event,
		     struct stream_frame *frame, struct em_classification *class)
{
	*frame = event->sent;
	em_classify(policy, interfaces[event->from], frame->bytes, frame->length, class);
}

bool conversation_is_ambiguous(const struct conversations *conversations,
			       const struct em_policy *policy, const struct event *event)
{
	struct em_classification class;
	const struct conversation *other;
	struct conversation one;
	struct stream_frame frame;

	classify(policy, event, &frame, &class);
	one = of_request(&event->flow, &class);
	other = conversation_find(conversations, &one.client, one.client_port, &one.server,
				  one.server_port);
	return other && other->asked != one.asked;
}

static void remember(struct conversations *conversations, const struct conversation *one)
{
	struct conversation *all;

	if (conversation_find(conversations, &one->client, one->client_port, &one->server,
			      one->server_port))
		return;
	all = realloc(conversations->all, (conversations->n + 1) * sizeof(*all));
	if (!all) {
		perror("equivalence: conversations");
		exit(EXIT_FAILURE);
	}
	all[conversations->n++] = *one;
	conversations->all = all;
}

static void expect_answer(const struct conversations *conversations, struct event *event)
{
	const struct flow *flow = &event->flow;
	uint8_t *udp = event->expected.bytes + flow->udp;
	const struct conversation *one = conversation_find(conversations, &flow->destination,
							   flow->to, &flow->source, flow->from);

	if (!one || one->known == flow->from)
		return;
	put16(udp, one->known);
	if (get16(udp + UDP_CHECKSUM))
		put16(udp + UDP_CHECKSUM, conversation_udp_checksum(&event->expected, flow));
}

/* RFC 1624: what is quoted may be a part only, whose checksum cannot be computed. */
static void update_checksum(uint8_t *checksum, uint16_t from, uint16_t to)
{
	uint32_t sum = (uint16_t)~get16(checksum);
	uint16_t updated;

	if (!get16(checksum))
		return;
	updated = (uint16_t)~fold(sum + (uint16_t)~from + to);
	put16(checksum, updated ? updated : 0xffff);
}

static void expect_error(const struct conversations *conversations, struct event *event)
{
	const struct flow *flow = &event->flow;
	uint8_t *udp = event->expected.bytes + flow->udp;
	const struct conversation *one = conversation_find(conversations, &flow->source, flow->from,
							   &flow->destination, flow->to);

	if (!one || one->known == flow->to)
		return;
	put16(udp + 2, one->known);
	update_checksum(udp + UDP_CHECKSUM, flow->to, one->known);
	conversation_put_icmp_checksum(&event->expected, event->icmp, flow->source.family);
}

/* What a router changes. */
static void route(struct stream_frame *frame)
{
	static const uint8_t macs[2 * ETH_ALEN] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	uint8_t *ip = frame->bytes + ETH_HLEN;

	memcpy(frame->bytes, macs, sizeof(macs));
	if (ip[0] >> 4 == 6) {
		ip[7]--;
		return;
	}
	ip[8]--;
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~fold(add(0, ip, 4 * (ip[0] & 0xf))));
}

void conversation_expect(struct conversations *conversations, const struct em_policy *policy,
			 struct event *event)
{
	struct conversation one;

	event->drop = false;
	event->expected = event->sent;
	if (policy && event->kind == EVENT_REQUEST) {
		classify(policy, event, &event->expected, &event->class);
		event->drop = event->class.action.verdict == EM_DROP;
		one = of_request(&event->flow, &event->class);
		if (!event->drop)
			remember(conversations, &one);
	} else if (policy && event->kind == EVENT_ANSWER) {
		expect_answer(conversations, event);
	} else if (policy) {
		expect_error(conversations, event);
	}
	route(&event->expected);
}

void conversation_clear(struct conversations *conversations)
{
	free(conversations->all);
	*conversations = (struct conversations){0};
}
