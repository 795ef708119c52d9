/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * generate - random packets for a policy.
 */
#include <netinet/in.h>
#include <string.h>

#include "generate.h"

/* A packet in the making, and the listener it is for. */
struct making {
	struct random *random;
	const struct model_policy *policy;
	const struct model_listener *listener;
	struct model_packet *packet;
};

static uint8_t random_byte(struct making *m)
{
	return (uint8_t)random_bits(m->random);
}

/* What an address in a prefix may look like: its first, its last, or one between. */
static struct em_address address_within(struct making *m, const struct em_prefix *prefix)
{
	struct em_address address = prefix->address;
	unsigned int bits = address.family == AF_INET ? 32 : 128;
	unsigned int dice = random_below(m->random, 3);

	for (unsigned int bit = prefix->length; bit < bits; bit++)
		if (dice == 1 || (dice == 2 && random_chance(m->random, 50)))
			address.bytes[bit / 8] |= 0x80 >> bit % 8;
	return address;
}

static void put_source(struct making *m)
{
	const struct model_listener *listener = m->listener;
	struct model_packet *packet = m->packet;
	const struct em_prefix *prefix;

	packet->source = generate_address(m->random, packet->family);
	for (int tries = 0; tries < 4 && listener->n_sources; tries++) {
		prefix = &listener->sources[random_below(m->random, listener->n_sources)];
		if (prefix->address.family == packet->family) {
			packet->source = address_within(m, prefix);
			return;
		}
	}
}

/* One of the listener's, preferably of the family. */
static struct em_address some_address(struct making *m, uint8_t family)
{
	const struct model_listener *listener = m->listener;
	unsigned int i = random_below(m->random, listener->n_addresses);

	for (unsigned int j = 0; j < listener->n_addresses && random_chance(m->random, 90); j++)
		if (listener->addresses[j].family == family)
			return listener->addresses[j];
	return listener->addresses[i];
}

static void put_addresses(struct making *m)
{
	const struct model_listener *listener = m->listener;
	struct model_packet *packet = m->packet;

	packet->family = random_chance(m->random, 50) ? AF_INET : AF_INET6;
	if (model_family(listener) && random_chance(m->random, 90))
		packet->family = model_family(listener);
	if (listener->n_addresses) {
		packet->destination = some_address(m, packet->family);
		packet->family = packet->destination.family;
	} else {
		packet->destination = generate_address(m->random, packet->family);
	}
	put_source(m);
}

/* The payload grows up to here, as far as there is room. */
static void reach(struct model_packet *packet, unsigned int length)
{
	if (length > MODEL_PAYLOAD_MAX)
		length = MODEL_PAYLOAD_MAX;
	if (packet->length < length)
		packet->length = length;
}

/* Bits that the mask takes out stay what they are. */
static void put_number(struct model_packet *packet, const struct model_check *check, uint64_t value)
{
	for (unsigned int i = 0; i < check->length; i++) {
		unsigned int shift = check->little_endian ? i : check->length - 1 - i;
		uint8_t mask = check->masked ? check->mask[i] : 0xff;
		uint8_t *at = &packet->payload[check->offset + i];

		*at = (*at & ~mask) | ((value >> 8 * shift) & mask);
	}
}

static uint64_t fitting_number(struct making *m, const struct model_check *check)
{
	unsigned int dice = random_below(m->random, 3);
	uint64_t span = check->max - check->min;

	if (check->n_values)
		return check->values[random_below(m->random, check->n_values)];
	if (dice < 2)
		return dice ? check->max : check->min;
	return span == UINT64_MAX ? random_bits(m->random)
				  : check->min + random_bits(m->random) % (span + 1);
}

/* One that is negated is met by what is there, nearly always. */
static void meet_check(struct making *m, const struct model_check *check)
{
	uint8_t *at = m->packet->payload + check->offset;

	if (check->negated)
		return;
	if (check->kind == EM_CHECK_NUMBER) {
		put_number(m->packet, check, fitting_number(m, check));
		return;
	}
	for (unsigned int i = 0; i < check->length; i++) {
		uint8_t mask = check->masked ? check->mask[i] : 0xff;

		at[i] = (at[i] & ~mask) | (check->bytes[i] & mask);
	}
}

/* Where the packet has a piece; NULL: nowhere, it is of the other family. */
static uint8_t *place_of(struct making *m, const struct em_piece *piece)
{
	if (piece->source == EM_PIECE_PAYLOAD)
		return m->packet->payload + piece->offset;
	return m->packet->source.family == model_family(m->listener) ? m->packet->source.bytes
								     : NULL;
}

static void put_tag(struct making *m, const uint8_t *tag)
{
	const struct model_listener *listener = m->listener;
	unsigned int at = 0;

	for (uint8_t i = 0; i < listener->n_pieces; i++) {
		uint8_t *piece = place_of(m, &listener->pieces[i]);

		if (!piece) {
			at += listener->pieces[i].length;
			continue;
		}
		for (uint8_t j = 0; j < listener->pieces[i].length; j++, at++) {
			uint8_t mask = listener->masked ? listener->mask[at] : 0xff;

			piece[j] = (piece[j] & ~mask) | (tag[at] & mask);
		}
	}
}

/* The next number, or the one before, of any length. */
static void step_tag(uint8_t *tag, unsigned int length, bool up)
{
	while (length--) {
		tag[length] += up ? 1 : -1;
		if (tag[length] != (up ? 0 : 0xff))
			return;
	}
}

/* A tag of it: the first, the last, one in between, or one just outside. */
static void put_entity(struct making *m, const struct model_entity *entity)
{
	unsigned int length = model_tag_length(m->listener), same = 0;
	uint8_t tag[EM_TAG_MAX];

	memcpy(tag, random_chance(m->random, 50) ? entity->tag : entity->last, sizeof(tag));
	while (same < length && entity->tag[same] == entity->last[same])
		same++;
	if (same < length && random_chance(m->random, 30))
		step_tag(tag, length, random_chance(m->random, 50));
	else if (same < length && random_chance(m->random, 50))
		for (unsigned int i = same + random_below(m->random, length - same); i < length;
		     i++)
			tag[i] = random_byte(m);
	put_tag(m, tag);
}

static void put_payload(struct making *m)
{
	const struct model_listener *listener = m->listener;
	int length = model_need(listener);

	if (length < listener->payload_min)
		length = listener->payload_min;
	if (random_chance(m->random, 60))
		length += random_below(m->random, 12);
	if (listener->payload_max != MODEL_UNSET && length > listener->payload_max)
		length = listener->payload_max;
	reach(m->packet, length);
	for (unsigned int i = 0; i < m->packet->length; i++)
		m->packet->payload[i] = random_byte(m);
	for (uint8_t i = 0; i < listener->n_checks; i++)
		meet_check(m, &listener->checks[i]);
	if (listener->n_entities)
		put_entity(m, &listener->entities[random_below(m->random, listener->n_entities)]);
}

static void put_right(struct making *m)
{
	const struct model_listener *listener = m->listener;
	struct model_packet *packet = m->packet;

	packet->interface =
		listener->interfaces == 3 ? random_below(m->random, 2) : listener->interfaces - 1;
	if (listener->vlan) {
		packet->n_tags = 1;
		packet->tags[0].tci = listener->vlan;
	}
	put_addresses(m);
	packet->from = random_chance(m->random, 90) ? 40000 : random_below(m->random, 65536);
	packet->to = listener->port;
	put_payload(m);
}

/* What can be wrong, or odd. */

static void alter_tag_bit(struct making *m)
{
	const struct em_piece *piece =
		&m->listener->pieces[random_below(m->random, m->listener->n_pieces)];

	uint8_t *bytes = place_of(m, piece);

	if (bytes)
		bytes[random_below(m->random, piece->length)] ^= 1 << random_below(m->random, 8);
}

static void alter_check(struct making *m)
{
	const struct model_check *check;

	if (!m->listener->n_checks)
		return;
	check = &m->listener->checks[random_below(m->random, m->listener->n_checks)];
	if (check->negated && random_chance(m->random, 60)) {
		struct model_check equal = *check;

		equal.negated = false;
		meet_check(m, &equal);
		if (random_chance(m->random, 70))
			return;
	}
	if (check->kind == EM_CHECK_NUMBER && !check->n_values && random_chance(m->random, 70))
		put_number(m->packet, check,
			   random_chance(m->random, 50) ? check->min - 1 : check->max + 1);
	else
		m->packet->payload[check->offset + random_below(m->random, check->length)] ^=
			1 << random_below(m->random, 8);
}

/* To around one of the bounds. */
static void alter_payload_length(struct making *m)
{
	int need = model_need(m->listener);
	const int lengths[] = {0, need, m->listener->payload_min, m->listener->payload_max};
	int length = random_pick(m->random, lengths) + random_between(m->random, -2, 2);

	m->packet->length = length < 0			 ? 0
			    : length > MODEL_PAYLOAD_MAX ? MODEL_PAYLOAD_MAX
							 : length;
}

static void alter_udp_length(struct making *m)
{
	static const int lengths[] = {0, 1, 7, 8, 9, 255, 256, 65515, 65516, 65535};
	int need = model_need(m->listener);
	const int bounds[] = {need, m->listener->payload_min, m->listener->payload_max};
	unsigned int dice = random_below(m->random, 3);
	int bound = 8 + random_pick(m->random, bounds) + random_between(m->random, -1, 1);

	if (dice == 0)
		m->packet->udp_length =
			(struct model_length){MODEL_RELATIVE, random_between(m->random, -12, 12)};
	else
		m->packet->udp_length = (struct model_length){
			MODEL_ABSOLUTE, dice == 1	? random_pick(m->random, lengths)
					: bound < 0	? 0
					: bound > 65535 ? 65535
							: bound};
}

static void alter_total(struct making *m)
{
	static const int lengths[] = {0, 1, 8, 19, 20, 21, 24, 27, 28, 40, 256, 32768, 65535};

	if (random_chance(m->random, 60))
		m->packet->total =
			(struct model_length){MODEL_RELATIVE, random_between(m->random, -12, 12)};
	else
		m->packet->total =
			(struct model_length){MODEL_ABSOLUTE, random_pick(m->random, lengths)};
}

static void alter_cut(struct making *m)
{
	unsigned int headers = 8 + (m->packet->family == AF_INET ? 20 : 40);
	unsigned int most = m->packet->length + (random_chance(m->random, 50) ? 1 : headers);

	m->packet->cut = 1 + random_below(m->random, most);
}

/* Bytes at the end of the frame that neither IP nor UDP know of. */
static void alter_padding(struct making *m)
{
	int bytes = random_between(m->random, 1, 20);

	if (m->packet->length + bytes > MODEL_PAYLOAD_MAX)
		return;
	m->packet->length += bytes;
	m->packet->total = m->packet->udp_length = (struct model_length){MODEL_RELATIVE, -bytes};
}

static void alter_options(struct making *m)
{
	m->packet->options = 4 * random_between(m->random, 1, 10);
	if (random_chance(m->random, 30))
		m->packet->options = random_chance(m->random, 50) ? 4 : 40;
}

static void alter_header_length(struct making *m)
{
	m->packet->ihl = random_below(m->random, 16);
}

static void alter_version(struct making *m)
{
	static const uint8_t versions[] = {0, 4, 5, 6, 15};

	m->packet->version = random_pick(m->random, versions);
}

static void alter_protocol(struct making *m)
{
	static const uint8_t protocols[] = {0,	1,  4,	6,   17,  41,  43,  44,	 50, 51,
					    58, 59, 60, 132, 135, 136, 139, 140, 253};

	m->packet->protocol =
		random_chance(m->random, 80) ? random_pick(m->random, protocols) : random_byte(m);
}

static void alter_fragment(struct making *m)
{
	static const uint16_t offsets[] = {0, 0, 8, 16, 2048, 65528};

	if (m->packet->family == AF_INET) {
		m->packet->fragment = random_pick(m->random, offsets);
		m->packet->more = random_chance(m->random, 60);
	} else if (m->packet->n_extensions < MODEL_EXTENSIONS_MAX) {
		m->packet->extensions[m->packet->n_extensions++] =
			(struct model_extension){.type = IPPROTO_FRAGMENT,
						 .fragment = random_pick(m->random, offsets),
						 .more = random_chance(m->random, 60)};
	}
}

static void add_extension(struct making *m)
{
	static const uint8_t types[] = {IPPROTO_HOPOPTS,
					IPPROTO_HOPOPTS,
					IPPROTO_ROUTING,
					IPPROTO_ROUTING,
					IPPROTO_DSTOPTS,
					IPPROTO_DSTOPTS,
					IPPROTO_AH,
					IPPROTO_ESP,
					IPPROTO_NONE,
					135,
					139,
					140};
	struct model_extension *extension = &m->packet->extensions[m->packet->n_extensions];
	/* The first six are walked; with one of the others the packet is not ours. */
	uint8_t type = random_chance(m->random, 92) ? types[random_below(m->random, 6)]
						    : random_pick(m->random, types);

	if (m->packet->n_extensions == MODEL_EXTENSIONS_MAX)
		return;
	m->packet->n_extensions++;
	*extension = (struct model_extension){.type = type, .length = 8, .hdrlen = MODEL_UNSET};
	if (random_chance(m->random, 30))
		extension->length = 8 * random_between(m->random, 1, 8);
	if (random_chance(m->random, 8))
		extension->hdrlen = random_chance(m->random, 70) ? random_between(m->random, 0, 3)
								 : random_byte(m);
}

static void alter_extensions(struct making *m)
{
	unsigned int dice = random_below(m->random, 100);
	/* Around the number at which some kernels stop, and beyond. */
	unsigned int n = dice < 80   ? random_between(m->random, 1, 4)
			 : dice < 90 ? random_between(m->random, 11, 14)
				     : random_between(m->random, 5, MODEL_EXTENSIONS_MAX);

	for (unsigned int i = 0; i < n; i++) {
		if (random_chance(m->random, 15))
			alter_fragment(m);
		else
			add_extension(m);
	}
}

static void alter_vlan(struct making *m)
{
	static const uint16_t tcis[] = {0, 1, 4, 5, 256, 261, 4094, 4095, 0x1000, 0x2005, 0xf005};
	struct model_packet *packet = m->packet;

	if (packet->n_tags && random_chance(m->random, 60)) {
		if (random_chance(m->random, 40)) /* a priority, or drop eligible */
			packet->tags[0].tci |= random_below(m->random, 16) << 12;
		else
			packet->tags[0].tci ^= 1 << random_below(m->random, 12);
	} else if (packet->n_tags && random_chance(m->random, 40)) {
		packet->n_tags--;
	} else if (packet->n_tags < MODEL_TAGS_MAX) {
		packet->tags[1] = packet->tags[0];
		packet->tags[packet->n_tags && random_chance(m->random, 50)] = (struct model_tag){
			random_chance(m->random, 20), random_pick(m->random, tcis)};
		packet->n_tags++;
	}
}

static void alter_type(struct making *m)
{
	static const uint16_t types[] = {0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8,
					 0x0000, 0x05dc, 0x0600, 0x9100, 0x8847};

	m->packet->type = random_pick(m->random, types);
}

static void alter_pppoe(struct making *m)
{
	m->packet->pppoe = true;
}

static uint16_t some_target(struct making *m)
{
	const struct model_listener *listener = m->listener;

	const struct em_action *action = &listener->unknown;

	if (listener->n_entities)
		action = &listener->entities[random_below(m->random, listener->n_entities)].action;
	else if (random_chance(m->random, 50))
		action = &listener->invalid;
	return model_target(listener, action);
}

static uint16_t swapped(uint16_t value)
{
	return (uint16_t)(value << 8 | value >> 8);
}

/* One with which the sum of the update is 0x1ffff, or nearly: it carries once more when folded. */
static uint16_t carrying_checksum(struct making *m)
{
	bool swap = random_chance(m->random, 50);
	uint16_t to = swap ? swapped(m->packet->to) : m->packet->to;
	uint16_t target = swap ? swapped(some_target(m)) : some_target(m);
	uint16_t checksum = (uint16_t)~to + target;

	checksum += random_between(m->random, -1, 1);
	return swap ? swapped(checksum) : checksum;
}

static void alter_checksum(struct making *m)
{
	static const uint16_t values[] = {0, 0, 1, 0xffff, 0xfffe, 0x8000, 0x03e8, 0x03e9};
	struct model_packet *packet = m->packet;

	packet->checksum = MODEL_SUM_VALUE;
	switch (random_below(m->random, 6)) {
	case 0:
		packet->checksum = MODEL_SUM_BAD;
		break;
	case 1:
		packet->checksum = MODEL_SUM_PSEUDO;
		break;
	case 2:
		packet->checksum = MODEL_SUM_ZERO_AT_PORT;
		packet->checksum_value = some_target(m);
		break;
	case 3:
		packet->checksum_value = (uint16_t)random_bits(m->random);
		break;
	case 4:
		packet->checksum_value = carrying_checksum(m);
		break;
	default:
		packet->checksum_value = random_pick(m->random, values);
		break;
	}
}

static void alter_port(struct making *m)
{
	const struct model_listener *other =
		&m->policy->listeners[random_below(m->random, m->policy->n_listeners)];

	switch (random_below(m->random, 4)) {
	case 0:
		m->packet->to = other->port;
		break;
	case 1:
		m->packet->to ^= 1 << random_below(m->random, 16);
		break;
	case 2:
		m->packet->to = m->packet->to << 8 | m->packet->to >> 8;
		break;
	default:
		m->packet->from = m->packet->to;
		m->packet->to = 40000;
		break;
	}
}

static void alter_destination(struct making *m)
{
	m->packet->destination = generate_address(m->random, m->packet->family);
	if (random_chance(m->random, 30))
		m->packet->destination
			.bytes[random_below(m->random, m->packet->family == AF_INET ? 4 : 16)] ^=
			1 << random_below(m->random, 8);
}

static void alter_source(struct making *m)
{
	m->packet->source.bytes[random_below(m->random, m->packet->family == AF_INET ? 4 : 16)] ^=
		1 << random_below(m->random, 8);
}

static void alter_interface(struct making *m)
{
	m->packet->interface ^= 1;
}

static void alter_cast(struct making *m)
{
	m->packet->cast = random_between(m->random, MODEL_BROADCAST, MODEL_MULTICAST);
}

/* Any byte of the headers, behind the MAC addresses. */
static void alter_byte(struct making *m)
{
	static const uint8_t values[] = {0x00, 0x01, 0x11, 0x2c, 0x33,
					 0x45, 0x60, 0x7f, 0x80, 0xff};
	unsigned int headers = m->packet->family == AF_INET ? 42 : 62;

	if (m->packet->n_pokes == MODEL_POKES_MAX)
		return;
	m->packet->pokes[m->packet->n_pokes++] = (struct model_poke){
		random_between(m->random, 12, headers - 1),
		random_chance(m->random, 50) ? random_pick(m->random, values) : random_byte(m)};
}

/* To what fits into one frame, or nearly so. */
static void alter_long(struct making *m)
{
	unsigned int length = random_chance(m->random, 50)
				      ? MODEL_PAYLOAD_MAX - random_below(m->random, 64)
				      : random_below(m->random, MODEL_PAYLOAD_MAX);

	while (m->packet->length < length)
		m->packet->payload[m->packet->length++] = random_byte(m);
}

static void alter_once(struct making *m)
{
	static const struct {
		void (*alter)(struct making *m);
		unsigned int weight;
	} alterations[] = {
		{alter_tag_bit, 10},	{alter_check, 10},    {alter_payload_length, 10},
		{alter_udp_length, 8},	{alter_total, 8},     {alter_cut, 6},
		{alter_padding, 4},	{alter_options, 4},   {alter_header_length, 4},
		{alter_version, 2},	{alter_protocol, 4},  {alter_fragment, 6},
		{alter_extensions, 12}, {alter_vlan, 8},      {alter_type, 3},
		{alter_pppoe, 1},	{alter_checksum, 10}, {alter_port, 5},
		{alter_destination, 4}, {alter_source, 6},    {alter_interface, 2},
		{alter_cast, 1},	{alter_byte, 10},     {alter_long, 1},
	};
	unsigned int sum = 0, dice;
	size_t i;

	for (i = 0; i < sizeof(alterations) / sizeof(alterations[0]); i++)
		sum += alterations[i].weight;
	dice = random_below(m->random, sum);
	for (i = 0; dice >= alterations[i].weight; i++)
		dice -= alterations[i].weight;
	alterations[i].alter(m);
}

static void clear(struct model_packet *packet)
{
	/* The payload beyond its length is never looked at, but by one that grows. */
	memset(packet, 0, sizeof(*packet));
	packet->type = packet->version = packet->protocol = packet->ttl = MODEL_UNSET;
	packet->ihl = packet->fragment = MODEL_UNSET;
}

void generate_packet(struct random *random, const struct model_policy *policy,
		     struct model_packet *packet)
{
	struct making m = {random, policy,
			   &policy->listeners[random_below(random, policy->n_listeners)], packet};
	unsigned int dice = random_below(random, 100);
	int alterations = dice < 25 ? 0 : dice < 70 ? 1 : dice < 92 ? 2 : 4;

	clear(packet);
	put_right(&m);
	for (int i = 0; i < alterations; i++)
		alter_once(&m);
	packet->paged = random_chance(random, 20);
}
