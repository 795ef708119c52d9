/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * talk - random requests, answers and ICMP errors for a policy with `replies`.
 */
#include "talk.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/packet.h"
#include "trial.h"

#define LISTENERS_MAX 12
#define TRIES	      8
#define ICMP_HEADER   8
#define ICMP4_QUOTE   548
#define ICMP6_QUOTE   1232

static uint8_t some_family(struct random *random)
{
	return random_chance(random, 50) ? AF_INET : AF_INET6;
}

static struct em_address some_host(struct random *random, enum router_wire wire, uint8_t family)
{
	return router_address(wire, family, random_below(random, ROUTER_HOSTS));
}

/* Few, and among them those of listeners and entities. */
static uint16_t some_client_port(struct random *random)
{
	static const uint16_t ports[] = {40000, 40001, 40002, 5000, 6001};

	return random_chance(random, 90) ? random_pick(random, ports)
					 : 1 + random_below(random, 65535);
}

/* A tag with a field of the IP header is for one family only. */
static uint8_t family_for(struct random *random, const struct model_listener *listener)
{
	uint8_t only = model_family(listener);

	return only ? only : some_family(random);
}

static void move_addresses(struct random *random, struct model_listener *listener)
{
	uint8_t n = listener->n_addresses;

	listener->n_addresses = 0;
	while (n--) {
		struct em_address address =
			some_host(random, ROUTER_OUT, family_for(random, listener));
		bool known = false;

		for (uint8_t i = 0; i < listener->n_addresses; i++)
			known |= !memcmp(&listener->addresses[i], &address, sizeof(address));
		if (!known)
			listener->addresses[listener->n_addresses++] = address;
	}
}

static void move_sources(struct random *random, struct model_listener *listener)
{
	for (uint8_t i = 0; i < listener->n_sources; i++) {
		struct em_prefix *prefix = &listener->sources[i];
		unsigned int bits;

		prefix->address =
			some_host(random, random_below(random, 2), family_for(random, listener));
		bits = prefix->address.family == AF_INET ? 32 : 128;
		prefix->length = bits - random_below(random, random_chance(random, 80) ? 4 : bits);
		for (unsigned int bit = prefix->length; bit < bits; bit++)
			prefix->address.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	}
}

/* A further format of the listener that is the last one so far. */
static void join(struct model_policy *policy, const struct model_listener *made)
{
	const struct model_listener *before = &policy->listeners[policy->n_listeners - 1];
	struct model_listener *format = &policy->listeners[policy->n_listeners++];

	*format = *made;
	format->vlan = 0;
	format->replies = before->replies;
	format->n_addresses = 0;
	format->n_sources = 0;
}

/* With formats it has neither addresses nor sources: each format could be reached as it was. */
static void settle_listener(struct random *random, bool formats, struct model_listener *listener)
{
	listener->vlan = 0;
	listener->replies = random_chance(random, 80);
	if (formats) {
		listener->n_addresses = 0;
		listener->n_sources = 0;
		return;
	}
	move_addresses(random, listener);
	move_sources(random, listener);
}

void talk_make_policy(struct random *random, bool all, struct model_policy *policy)
{
	struct model_policy *made = malloc(sizeof(*made));
	bool kept = false;

	if (!made)
		abort();
	generate_policy(random, made);
	memset(policy, 0, sizeof(*policy));
	for (size_t i = 0; i < made->n_listeners && policy->n_listeners < LISTENERS_MAX; i++) {
		struct model_listener *listener = &made->listeners[i];

		/* Where connection tracking does them, replies do not go with several formats. */
		if (listener->joins && all && kept)
			join(policy, listener);
		if (listener->joins)
			continue;
		settle_listener(random, all && i + 1 < made->n_listeners && listener[1].joins,
				listener);
		kept = !generate_clashes(policy, listener);
		if (kept)
			policy->listeners[policy->n_listeners++] = *listener;
	}
	free(made);
}

/* What the generator makes up, between hosts that there are. */
static void settle(struct random *random, struct model_packet *packet)
{
	if (!flow_is_host(&packet->destination, ROUTER_OUT))
		packet->destination = some_host(random, ROUTER_OUT, packet->family);
	packet->source = some_host(random, packet->interface, packet->family);
	packet->from = some_client_port(random);
	packet->n_tags = 0;
	packet->cast = MODEL_UNICAST;
	packet->pppoe = false;
	packet->paged = false;
}

static bool make_request(struct random *random, const struct talk *talk, struct event *event,
			 struct packet *scratch)
{
	char text[TRIAL_TEXT_MAX];
	struct model_packet packet;

	generate_packet(random, talk->model, &packet);
	settle(random, &packet);
	event->kind = EVENT_REQUEST;
	event->from = packet.interface;
	event->to = ROUTER_OUT;
	if (!trial_build(&packet, text, &event->sent, scratch) ||
	    !flow_read(&event->sent, &event->flow) ||
	    !flow_is_host(&event->flow.source, event->from) ||
	    !flow_is_host(&event->flow.destination, ROUTER_OUT) ||
	    conversation_is_ambiguous(&talk->conversations, talk->policy, event))
		return false;
	event->text = strdup(text);
	return true;
}

/* A port that the server might send from. */
static uint16_t some_server_port(struct random *random, const struct talk *talk)
{
	const struct model_listener *listener =
		&talk->model->listeners[random_below(random, talk->model->n_listeners)];

	if (random_chance(random, 20))
		return listener->port;
	if (random_chance(random, 10))
		return model_target(listener, &listener->invalid);
	if (!listener->n_entities || random_chance(random, 10))
		return model_target(listener, &listener->unknown);
	return model_target(listener,
			    &listener->entities[random_below(random, listener->n_entities)].action);
}

static enum router_wire wire_of(const struct em_address *client)
{
	return flow_is_host(client, ROUTER_IN0) ? ROUTER_IN0 : ROUTER_IN1;
}

/* Rather one whose answers are to be changed. */
static struct conversation known_conversation(struct random *random, const struct talk *talk)
{
	struct conversation one;

	for (int tries = 0; tries < TRIES; tries++) {
		one = talk->conversations.all[random_below(random, talk->conversations.n)];
		if (one.known != one.server_port)
			break;
	}
	return one;
}

/* Between the two of a conversation, if there are any; often one thing is that of another. */
static struct conversation some_conversation(struct random *random, const struct talk *talk)
{
	uint8_t family = some_family(random);
	struct conversation one = {
		.client = some_host(random, random_below(random, 2), family),
		.server = some_host(random, ROUTER_OUT, family),
		.client_port = some_client_port(random),
		.server_port = some_server_port(random, talk),
	};

	if (!talk->conversations.n || random_chance(random, 10))
		return one;
	one = known_conversation(random, talk);
	family = one.client.family;
	switch (random_below(random, 12)) {
	case 0:
		one.client = some_host(random, random_below(random, 2), family);
		break;
	case 1:
		one.server = some_host(random, ROUTER_OUT, family);
		break;
	case 2:
		one.client_port = some_client_port(random);
		break;
	case 3:
		one.server_port = some_server_port(random, talk);
		break;
	default:
		break;
	}
	return one;
}

static void print_answer(struct random *random, const struct conversation *one, FILE *out)
{
	char client[INET6_ADDRSTRLEN], server[INET6_ADDRSTRLEN];
	bool ip4 = one->client.family == AF_INET;
	unsigned int length =
		random_chance(random, 90) ? random_below(random, 40) : random_below(random, 1400);

	inet_ntop(one->client.family, one->client.bytes, client, sizeof(client));
	inet_ntop(one->client.family, one->server.bytes, server, sizeof(server));
	fprintf(out, "%s src=%s dst=%s", ip4 ? "ip4" : "ip6", server, client);
	if (random_chance(random, 15))
		fprintf(out, ip4 ? " opts=%u" : " dopt=%u",
			(ip4 ? 4 : 8) * (1 + random_below(random, 4)));
	fprintf(out, " udp %u>%u%s hex:0000", one->server_port, one->client_port,
		random_chance(random, 15) ? " sum=0" : "");
	for (unsigned int i = 0; i < length; i++)
		fprintf(out, "%02x", (unsigned int)(random_bits(random) & 0xff));
}

/* The first two bytes of the payload make the checksum come out as 0 once the port is changed. */
static void balance(struct talk *talk, struct event *event)
{
	uint8_t *udp = event->sent.bytes + event->flow.udp;
	struct event changed = *event;
	uint16_t sum;

	if (!(udp[6] | udp[7]))
		return;
	conversation_expect(&talk->conversations, talk->policy, &changed);
	memcpy(udp + 8, changed.expected.bytes + event->flow.udp + 6, 2);
	sum = conversation_udp_checksum(&event->sent, &event->flow);
	udp[6] = sum >> 8;
	udp[7] = sum & 0xff;
}

/*
 * A datagram from the port of a listener with replies to one who has not sent it anything: one of
 * the differences in README.md.
 */
static bool is_first_word(const struct talk *talk, const struct conversation *one)
{
	bool listens = false;

	for (size_t i = 0; i < talk->model->n_listeners; i++)
		listens |= talk->model->listeners[i].replies &&
			   talk->model->listeners[i].port == one->server_port;
	return listens && !conversation_find(&talk->conversations, &one->client, one->client_port,
					     &one->server, one->server_port);
}

static bool make_answer(struct random *random, struct talk *talk, struct event *event,
			struct packet *scratch)
{
	struct conversation one = some_conversation(random, talk);
	size_t size;
	FILE *out = open_memstream(&event->text, &size);

	if (!out || !one.server_port) {
		if (out)
			fclose(out);
		return false;
	}
	print_answer(random, &one, out);
	fclose(out);
	packet_build(scratch, event->text);
	event->kind = EVENT_ANSWER;
	event->from = ROUTER_OUT;
	event->to = wire_of(&one.client);
	event->sent.length = (uint16_t)scratch->length;
	memcpy(event->sent.bytes, scratch->bytes, scratch->length);
	if (!flow_read(&event->sent, &event->flow))
		return false;
	if (random_chance(random, 10))
		balance(talk, event);
	return talk->all || !is_first_word(talk, &one);
}

/* Ethernet, IP without options and ICMP headers of an error to who sent the flow. */
static void put_headers(struct random *random, const struct flow *flow,
			const struct em_address *source, size_t quoted, struct event *event)
{
	static const uint8_t codes[] = {3, 3, 3, 0, 1, 13};
	bool ip4 = flow->source.family == AF_INET;
	uint8_t *frame = event->sent.bytes, *ip = frame + ETH_HLEN;
	static const uint8_t macs[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	uint16_t length = (uint16_t)((ip4 ? 20 : 0) + ICMP_HEADER + quoted);

	memset(frame, 0, ETH_HLEN + 40 + ICMP_HEADER);
	memcpy(frame, macs, sizeof(macs));
	frame[12] = ip4 ? 0x08 : 0x86;
	frame[13] = ip4 ? 0x00 : 0xdd;
	ip[0] = ip4 ? 0x45 : 0x60;
	ip[ip4 ? 2 : 4] = length >> 8;
	ip[ip4 ? 3 : 5] = length & 0xff;
	ip[ip4 ? 8 : 7] = 64;
	ip[ip4 ? 9 : 6] = ip4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	memcpy(ip + (ip4 ? 12 : 8), source->bytes, ip4 ? 4 : 16);
	memcpy(ip + (ip4 ? 16 : 24), flow->source.bytes, ip4 ? 4 : 16);
	event->icmp = ETH_HLEN + (ip4 ? 20 : 40);
	frame[event->icmp] = ip4 ? 3 : 1;
	frame[event->icmp + 1] = ip4 ? random_pick(random, codes) : random_below(random, 7);
}

static void put_ip4_checksum(uint8_t *ip)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	ip[10] = sum >> 8 & 0xff;
	ip[11] = sum & 0xff;
}

static char *print_frame(const struct stream_frame *frame)
{
	char *text = malloc(2 * (size_t)frame->length + 1);

	for (size_t i = 0; text && i < frame->length; i++)
		sprintf(text + 2 * i, "%02x", frame->bytes[i]);
	return text;
}

/* Rather one that was sorted, or NULL. */
static const struct event *known_request(struct random *random, const struct talk *talk)
{
	const struct event *event = NULL;

	for (int tries = 0; tries < 2 * TRIES && talk->n; tries++) {
		event = &talk->events[random_below(random, talk->n)];
		if (event->kind == EVENT_REQUEST && event->class.action.verdict == EM_PORT)
			break;
	}
	return event;
}

/* About a request that has arrived, as it has arrived, at least the header and 8 bytes of it. */
static bool make_error(struct random *random, const struct talk *talk, struct event *event)
{
	const struct event *about;
	struct em_address source;
	size_t header, most, quoted;

	about = known_request(random, talk);
	if (!about || about->kind != EVENT_REQUEST || about->drop)
		return false;
	header = about->flow.udp - ETH_HLEN + 8;
	quoted = about->expected.length - ETH_HLEN;
	most = about->flow.source.family == AF_INET ? ICMP4_QUOTE : ICMP6_QUOTE;
	if (quoted > most)
		quoted = most;
	if (quoted < header)
		return false;
	if (random_chance(random, 30))
		quoted = header + random_below(random, quoted - header + 1);
	event->kind = EVENT_ERROR;
	event->from = ROUTER_OUT;
	event->to = about->from;
	source = about->flow.destination;
	/* A router in between: connection tracking gives its errors the server's address. */
	if (talk->all && random_chance(random, 30))
		source = some_host(random, ROUTER_OUT, source.family);
	put_headers(random, &about->flow, &source, quoted, event);
	memcpy(event->sent.bytes + event->icmp + ICMP_HEADER, about->expected.bytes + ETH_HLEN,
	       quoted);
	event->sent.length = (uint16_t)(event->icmp + ICMP_HEADER + quoted);
	event->flow = about->flow;
	event->flow.udp += event->icmp + ICMP_HEADER - ETH_HLEN;
	/* As from a sender that has left out the checksum. */
	if (random_chance(random, 20))
		memset(event->sent.bytes + event->flow.udp + 6, 0, 2);
	if (about->flow.source.family == AF_INET)
		put_ip4_checksum(event->sent.bytes + ETH_HLEN);
	conversation_put_icmp_checksum(&event->sent, event->icmp, about->flow.source.family);
	event->flow.to = (uint16_t)(event->sent.bytes[event->flow.udp + 2] << 8 |
				    event->sent.bytes[event->flow.udp + 3]);
	event->text = print_frame(&event->sent);
	return true;
}

static bool make_event(struct random *random, struct talk *talk, struct event *event,
		       struct packet *scratch)
{
	unsigned int dice = random_below(random, 100);

	*event = (struct event){0};
	return dice < 50   ? make_request(random, talk, event, scratch)
	       : dice < 88 ? make_answer(random, talk, event, scratch)
			   : make_error(random, talk, event);
}

void talk_make(struct random *random, size_t events, struct talk *talk)
{
	struct packet *scratch = malloc(sizeof(*scratch));

	talk->events = calloc(events, sizeof(*talk->events));
	if (!scratch || !talk->events)
		abort();
	for (size_t tries = 0; tries < TRIES * events && talk->n < events; tries++) {
		struct event *event = &talk->events[talk->n];

		if (make_event(random, talk, event, scratch)) {
			conversation_expect(&talk->conversations, talk->policy, event);
			talk->n++;
		} else {
			free(event->text);
		}
	}
	free(scratch);
}

void talk_clear(struct talk *talk)
{
	for (size_t i = 0; i < talk->n; i++)
		free(talk->events[i].text);
	free(talk->events);
	conversation_clear(&talk->conversations);
	*talk = (struct talk){0};
}
