/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/explain.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define VLAN_HEADER 4
#define IP4_HEADER  20
#define IP6_HEADER  40
#define UDP_HEADER  8
#define HOPS	    64
/* Ethernet, a VLAN tag, the longest IPv4 header, UDP: what tells whether it is for a listener. */
#define HEADERS 86

/* The bytes of the frame from which the policy decides. */
static size_t bytes_needed(const struct em_classification *class, const struct em_frame *frame)
{
	size_t need = 0;

	/* With IPv6 extension headers, it may be further behind. */
	if (!class->payload)
		return class->headers > HEADERS ? class->headers : HEADERS;
	for (size_t i = 0; i < class->listener->n_formats; i++) {
		size_t of_format = em_format_need(&class->listener->formats[i]);

		need = of_format > need ? of_format : need;
	}
	return (size_t)(class->payload - frame->bytes) + need;
}

/*
 * A packet is for the listeners of one interface: no other listener has changed the frame.  Where
 * none claims it, what is closest says most.
 */
static void classify(const struct em_policy *policy, const char *interface, struct em_frame *frame,
		     struct em_classification *out)
{
	const struct em_listener *last = policy->listeners + policy->n_listeners;

	if (interface) {
		em_classify(policy, interface, frame->bytes, frame->length, out);
		return;
	}
	for (const struct em_listener *listener = policy->listeners; listener < last; listener++) {
		for (size_t i = 0; i < listener->n_interfaces; i++) {
			struct em_classification class;

			em_classify(policy, listener->interfaces[i].name, frame->bytes,
				    frame->length, &class);
			if (class.result != EM_NOT_OURS || class.has_port || !out->has_port)
				*out = class;
			if (class.result != EM_NOT_OURS)
				return;
		}
	}
}

void em_explain_frame(const struct em_policy *policy, const char *interface, struct em_frame *frame,
		      struct em_explanation *out)
{
	*out = (struct em_explanation){
		.packet = frame->number, .captured = frame->captured, .length = frame->length};
	classify(policy, interface, frame, &out->class);
	out->cut = frame->captured < frame->length &&
		   frame->captured < bytes_needed(&out->class, frame);
}

/* A frame to be built: its parts, one behind the other. */
struct parts {
	uint8_t *at;
	struct em_address source, destination;
	const struct em_policy *policy;
	const char *interface;
	const struct em_listener *listener;
	const uint8_t *payload;
	size_t length;
};

static void put16(uint8_t *at, size_t value)
{
	at[0] = (value >> 8) & 0xff;
	at[1] = value & 0xff;
}

/* A listener that names the destination comes before the one whose frame it is. */
static bool is_named(const struct parts *parts)
{
	const struct em_policy *policy = parts->policy;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *other = &policy->listeners[i];

		if (other->port != parts->listener->port || other->vlan != parts->listener->vlan ||
		    !em_listener_on(other, parts->interface))
			continue;
		for (size_t j = 0; j < other->n_addresses; j++)
			if (!memcmp(&other->addresses[j], &parts->destination,
				    sizeof(parts->destination)))
				return true;
	}
	return false;
}

/* Counts in the last two bytes, as far as they go. */
static void avoid_named(struct parts *parts)
{
	uint8_t *last = parts->destination.bytes + (parts->destination.family == AF_INET ? 2 : 14);

	for (unsigned int n = 0; n < UINT16_MAX && is_named(parts); n++)
		put16(last, (size_t)(last[0] << 8 | last[1]) + 1);
}

/* Addresses of the same IP version, of documentation (RFC 5737, RFC 3849) where any will do. */
static void choose_addresses(struct parts *parts)
{
	static const struct em_address any[2] = {
		{AF_INET, {192, 0, 2, 1}},
		{AF_INET6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
	};
	const struct em_listener *listener = parts->listener;
	uint8_t family = AF_INET;

	if (em_listener_family(listener) != AF_UNSPEC)
		family = em_listener_family(listener);
	else if (listener->n_addresses)
		family = listener->addresses[0].family;
	else if (listener->n_sources)
		family = listener->sources[0].address.family;
	parts->source = parts->destination = any[family == AF_INET6];
	for (size_t i = listener->n_addresses; i-- > 0;) {
		if (listener->addresses[i].family == family)
			parts->destination = listener->addresses[i];
	}
	for (size_t i = listener->n_sources; i-- > 0;) {
		if (listener->sources[i].address.family == family)
			parts->source = listener->sources[i].address;
	}
	if (!listener->n_addresses)
		avoid_named(parts);
}

static void put_ethernet(struct parts *parts)
{
	parts->at += 2 * ETH_ALEN;
	if (parts->listener->vlan) {
		put16(parts->at, ETH_P_8021Q);
		put16(parts->at + 2, parts->listener->vlan);
		parts->at += VLAN_HEADER;
	}
	put16(parts->at, parts->source.family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	parts->at += 2;
}

static void put_ip(struct parts *parts)
{
	bool ip4 = parts->source.family == AF_INET;
	size_t address = ip4 ? 4 : 16, at = ip4 ? 12 : 8;

	if (ip4) {
		parts->at[0] = 0x45;
		put16(parts->at + 2, IP4_HEADER + UDP_HEADER + parts->length);
		parts->at[8] = HOPS;
		parts->at[9] = IPPROTO_UDP;
	} else {
		parts->at[0] = 0x60;
		put16(parts->at + 4, UDP_HEADER + parts->length);
		parts->at[6] = IPPROTO_UDP;
		parts->at[7] = HOPS;
	}
	memcpy(parts->at + at, parts->source.bytes, address);
	memcpy(parts->at + at + address, parts->destination.bytes, address);
	parts->at += ip4 ? IP4_HEADER : IP6_HEADER;
}

static void put_udp(struct parts *parts)
{
	put16(parts->at, parts->listener->port);
	put16(parts->at + 2, parts->listener->port);
	put16(parts->at + 4, UDP_HEADER + parts->length);
	memcpy(parts->at + UDP_HEADER, parts->payload, parts->length);
	parts->at += UDP_HEADER + parts->length;
}

int em_explain_build(const struct em_policy *policy, const char *interface,
		     const struct em_listener *listener, const uint8_t *payload, size_t length,
		     uint8_t **out)
{
	struct parts parts = {.policy = policy,
			      .interface = interface,
			      .listener = listener,
			      .payload = payload,
			      .length = length};
	uint8_t *frame = calloc(1, ETH_HLEN + VLAN_HEADER + IP6_HEADER + UDP_HEADER + length);

	if (!frame)
		return -ENOMEM;
	parts.at = frame;
	choose_addresses(&parts);
	put_ethernet(&parts);
	put_ip(&parts);
	put_udp(&parts);
	*out = frame;
	return (int)(parts.at - frame);
}
