/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * generate - random policies.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"

/*
 * Payload offsets beyond this are carried by nf_tables of Linux 6.18 and later only; entitymux(8),
 * "Backends".
 */
#define FAR 247

struct em_address generate_address(struct random *random, uint8_t family)
{
	static const char *const ip4[] = {"192.0.2.1", "192.0.2.2", "192.0.3.1",
					  "10.0.0.1",  "224.0.0.1", "255.255.255.255"};
	static const char *const ip6[] = {"2001:db8::1", "2001:db8::2",	     "2001:db8:0:1::1",
					  "fe80::1",	 "ff02::1",	     "::192.0.2.1",
					  "c000:201::",	 "::ffff:192.0.2.1", "ffff::ffff"};
	struct em_address address = {.family = family};

	inet_pton(family, family == AF_INET ? random_pick(random, ip4) : random_pick(random, ip6),
		  address.bytes);
	return address;
}

/* Where a policy reads the payload: mostly near its beginning, at times around a limit. */
static uint16_t make_offset(struct random *random, unsigned int length, unsigned int reach)
{
	unsigned int last = reach - length;

	if (reach <= 64 || random_chance(random, 30))
		return random_below(random, last < 48 ? last + 1 : 48);
	if (random_chance(random, 50))
		return last - random_below(random, last < 24 ? last + 1 : 24);
	return random_below(random, last + 1);
}

static unsigned int make_reach(struct random *random)
{
	unsigned int dice = random_below(random, 100);

	return dice < 65   ? 24 + random_below(random, 40)
	       : dice < 94 ? FAR + 1 - random_below(random, 16)
			   : EM_REACH_MAX;
}

static void make_mask(struct random *random, uint8_t *mask, size_t length)
{
	static const uint8_t masks[] = {0xff, 0xff, 0x00, 0xf0, 0x0f, 0x80, 0x01, 0x7f, 0xfe};

	for (size_t i = 0; i < length; i++)
		mask[i] = random_pick(random, masks);
}

static uint64_t make_bound(struct random *random, unsigned int length)
{
	uint64_t ones = UINT64_MAX >> (64 - 8 * length);
	const uint64_t bounds[] = {
		0, 1, ones, ones - 1, ones >> 1, ones / 2 + 1, 0xff & ones, 0x100 & ones};

	if (random_chance(random, 40))
		return random_pick(random, bounds);
	/* Numbers of all magnitudes. */
	return (random_bits(random) & ones) >> random_below(random, 8 * length);
}

static bool has_value(const struct model_check *check, uint64_t value)
{
	for (uint8_t i = 0; i < check->n_values; i++)
		if (check->values[i] == value)
			return true;
	return false;
}

/* Bits outside the mask would make it impossible to match. */
static uint64_t masked_number(const struct model_check *check, uint64_t value)
{
	for (unsigned int i = 0; check->masked && i < check->length; i++) {
		unsigned int shift = 8 * (check->little_endian ? i : check->length - 1 - i);

		value &= ~((uint64_t)(uint8_t)~check->mask[i] << shift);
	}
	return value;
}

static void make_values(struct random *random, struct model_check *check)
{
	unsigned int n = random_chance(random, 70) ? 1 + random_below(random, 4)
						   : 1 + random_below(random, EM_VALUES_MAX);

	for (; n; n--) {
		uint64_t value = make_bound(random, check->length);

		if (random_chance(random, 97))
			value = masked_number(check, value);
		if (!has_value(check, value))
			check->values[check->n_values++] = value;
	}
}

static void make_number(struct random *random, struct model_check *check, unsigned int reach)
{
	uint64_t other;

	check->kind = EM_CHECK_NUMBER;
	check->length = 1 << random_below(random, 4);
	check->offset = make_offset(random, check->length, reach);
	check->little_endian = random_chance(random, 50);
	check->masked = random_chance(random, 30);
	if (check->masked)
		make_mask(random, check->mask, check->length);
	if (random_chance(random, 35)) {
		make_values(random, check);
		return;
	}
	check->min = make_bound(random, check->length);
	check->max = check->min;
	if (random_chance(random, 15))
		return;
	other = make_bound(random, check->length);
	if (other < check->min)
		check->min = other;
	else
		check->max = other;
}

static void make_bytes(struct random *random, struct model_check *check, unsigned int reach)
{
	unsigned int dice = random_below(random, 100);
	unsigned int most = dice < 70 ? 8 : dice < 95 ? 40 : MODEL_BYTES_MAX;

	check->kind = EM_CHECK_BYTES;
	if (most > reach)
		most = reach;
	check->length = 1 + random_below(random, most);
	check->offset = make_offset(random, check->length, reach);
	generate_bytes(random, check->bytes, check->length);
	check->masked = random_chance(random, 40);
	if (check->masked) {
		make_mask(random, check->mask, check->length);
		generate_mask_bytes(random, check->bytes, check->mask, check->length);
	}
}

static void make_checks(struct random *random, struct model_listener *listener, unsigned int reach)
{
	unsigned int n = random_chance(random, 50) ? 0 : 1 + random_below(random, EM_CHECKS_MAX);

	/* Many checks seldom hold all at once, however they are met. */
	if (n > 3 && random_chance(random, 60))
		n = 1 + n % 3;
	for (; listener->n_checks < n; listener->n_checks++) {
		struct model_check *check = &listener->checks[listener->n_checks];

		if (random_chance(random, 50))
			make_number(random, check, reach);
		else
			make_bytes(random, check, reach);
		/* What a datagram that is made up rarely fails. */
		check->negated = random_chance(random, 20);
	}
}

/*
 * Makes one of the pieces a field, which has no mask, as far as there is room; without, the tag is
 * nothing else.
 */
static void make_field(struct random *random, struct model_listener *listener, uint8_t family)
{
	const uint8_t length = family == AF_INET ? 4 : 16;
	uint8_t i = random_below(random, listener->n_pieces), at = 0;
	struct em_piece *piece = &listener->pieces[i];

	if (model_tag_length(listener) - piece->length + length > EM_TAG_MAX) {
		listener->n_pieces = 1;
		piece = listener->pieces;
		i = 0;
	}
	for (uint8_t j = 0; j < i; j++)
		at += listener->pieces[j].length;
	memmove(listener->mask + at + length, listener->mask + at + piece->length,
		EM_TAG_MAX - at - (length > piece->length ? length : piece->length));
	memset(listener->mask + at, 0xff, length);
	*piece = (struct em_piece){.source = family == AF_INET ? EM_PIECE_IP_SADDR
							       : EM_PIECE_IP6_SADDR,
				   .length = length};
}

static bool has_family(const struct model_listener *listener, uint8_t family)
{
	bool source = !listener->n_sources, address = !listener->n_addresses;

	for (uint8_t i = 0; i < listener->n_sources; i++)
		source |= listener->sources[i].address.family == family;
	for (uint8_t i = 0; i < listener->n_addresses; i++)
		address |= listener->addresses[i].family == family;
	return source && address;
}

/* Which family a field of it is of; AF_UNSPEC: there is none. */
static uint8_t make_family(struct random *random, const struct model_listener *listener)
{
	uint8_t family = random_chance(random, 60) ? AF_INET : AF_INET6;

	return random_chance(random, 25) && has_family(listener, family) ? family : AF_UNSPEC;
}

static void make_tag(struct random *random, struct model_listener *listener, unsigned int reach)
{
	uint8_t family = make_family(random, listener);
	unsigned int n = random_chance(random, 60) ? 1 : 1 + random_below(random, EM_PIECES_MAX);
	/* nft takes no masks, and no ranges, where one of four pieces is longer. */
	unsigned int left = 1 + random_below(random, n == EM_PIECES_MAX ? 16 : EM_TAG_MAX);

	if (left < n)
		left = n;
	for (; listener->n_pieces < n; listener->n_pieces++) {
		struct em_piece *piece = &listener->pieces[listener->n_pieces];
		unsigned int others = n - 1 - listener->n_pieces;

		piece->length = others ? 1 + random_below(random, left - others) : left;
		piece->offset = make_offset(random, piece->length, reach);
		left -= piece->length;
	}
	listener->masked = random_chance(random, 35);
	if (listener->masked)
		make_mask(random, listener->mask, model_tag_length(listener));
	if (family)
		make_field(random, listener, family);
}

static void make_addresses(struct random *random, struct model_listener *listener)
{
	unsigned int n = random_chance(random, 65) ? 0 : 1 + random_below(random, 3);

	for (unsigned int i = 0; i < n; i++) {
		struct em_address address =
			generate_address(random, random_chance(random, 50) ? AF_INET : AF_INET6);
		bool known = false;

		for (uint8_t j = 0; j < listener->n_addresses; j++)
			known |= !memcmp(&listener->addresses[j], &address, sizeof(address));
		if (!known)
			listener->addresses[listener->n_addresses++] = address;
	}
}

static void make_sources(struct random *random, struct model_listener *listener)
{
	unsigned int n =
		random_chance(random, 65) ? 0 : 1 + random_below(random, MODEL_SOURCES_MAX);

	for (; listener->n_sources < n; listener->n_sources++) {
		struct em_prefix *prefix = &listener->sources[listener->n_sources];
		bool ip4 = random_chance(random, 50);

		prefix->address = generate_address(random, ip4 ? AF_INET : AF_INET6);
		prefix->length = random_below(random, ip4 ? 33 : 129);
		/* A short prefix holds nearly everything. */
		if (prefix->length < 16 && random_chance(random, 80))
			prefix->length += ip4 ? 16 : 64;
		for (unsigned int bit = prefix->length; bit < 128; bit++)
			prefix->address.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	}
}

static void make_payload(struct random *random, struct model_listener *listener)
{
	int need = model_need(listener);
	int min = random_chance(random, 50) ? need + random_between(random, -4, 8)
					    : random_between(random, 0, 64);

	listener->payload_min = listener->payload_max = MODEL_UNSET;
	if (random_chance(random, 30))
		listener->payload_min = min < 0 ? 0 : min;
	else
		min = 0;
	if (random_chance(random, 30)) {
		int least = min > need ? min : need;

		/* One that lets nothing through is allowed, too. */
		if (random_chance(random, 5))
			least = min > 0 ? min : 0;
		listener->payload_max = least + random_below(random, 32);
	}
	if (random_chance(random, 2))
		listener->payload_max = EM_PAYLOAD_MAX;
}

static bool share_address(const struct model_listener *a, const struct model_listener *b)
{
	for (uint8_t i = 0; i < a->n_addresses; i++)
		for (uint8_t j = 0; j < b->n_addresses; j++)
			if (!memcmp(&a->addresses[i], &b->addresses[j], sizeof(a->addresses[0])))
				return true;
	return !a->n_addresses && !b->n_addresses;
}

bool generate_clashes(const struct model_policy *policy, const struct model_listener *listener)
{
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct model_listener *other = &policy->listeners[i];

		if (other->port == listener->port && other->vlan == listener->vlan &&
		    other->interfaces & listener->interfaces && share_address(other, listener))
			return true;
	}
	return false;
}

static void make_claim(struct random *random, struct model_listener *listener)
{
	static const uint16_t vlans[] = {0, 0, 0, 1, 5, 5, 256, 4094};

	listener->interfaces = 1 + random_below(random, 3);
	listener->port = generate_port(random);
	listener->vlan = random_pick(random, vlans);
	make_addresses(random, listener);
}

static void make_listener(struct random *random, struct model_listener *listener)
{
	unsigned int reach = make_reach(random);

	make_checks(random, listener, reach);
	make_tag(random, listener, reach);
	generate_entities(random, listener);
	make_payload(random, listener);
	listener->unknown = generate_action(random, 33);
	listener->invalid = generate_action(random, 20);
}

/*
 * Whether it may be that what is of the one would have been of the other, which comes first: each
 * check of that has one in its place.
 */
static bool may_cover(const struct model_listener *first, const struct model_listener *then)
{
	for (uint8_t i = 0; i < first->n_checks; i++) {
		bool found = false;

		for (uint8_t j = 0; j < then->n_checks; j++)
			found |= first->checks[i].kind == then->checks[j].kind &&
				 first->checks[i].offset == then->checks[j].offset &&
				 first->checks[i].length == then->checks[j].length;
		if (!found)
			return false;
	}
	return true;
}

/* Whose datagrams it may get: of IPv4, of IPv6. */
static unsigned int families(const struct model_listener *listener)
{
	uint8_t only = model_family(listener);

	return (only != AF_INET6 && has_family(listener, AF_INET)) |
	       (only != AF_INET && has_family(listener, AF_INET6)) << 1;
}

/* Further formats of the listener that is the last of the policy; none that is never reached. */
static void make_formats(struct random *random, struct model_policy *policy)
{
	const size_t head = policy->n_listeners - 1;
	size_t most = random_chance(random, 30) ? random_below(random, EM_FORMATS_MAX) : 0;

	for (; most && policy->n_listeners < MODEL_LISTENERS_MAX; most--) {
		const struct model_listener *listener = &policy->listeners[head];
		struct model_listener *format = &policy->listeners[policy->n_listeners];
		unsigned int left;

		memset(format, 0, sizeof(*format));
		memcpy(format->addresses, listener->addresses, sizeof(format->addresses));
		format->n_addresses = listener->n_addresses;
		format->interfaces = listener->interfaces;
		format->port = listener->port;
		format->vlan = listener->vlan;
		memcpy(format->sources, listener->sources, sizeof(format->sources));
		format->n_sources = listener->n_sources;
		make_listener(random, format);
		format->invalid = listener->invalid;
		format->joins = true;
		left = families(format);
		for (size_t i = head; i < policy->n_listeners; i++)
			if (may_cover(&policy->listeners[i], format))
				left &= ~families(&policy->listeners[i]);
		policy->n_listeners += left != 0;
	}
}

void generate_policy(struct random *random, struct model_policy *policy)
{
	unsigned int dice = random_below(random, 100);
	unsigned int n = dice < 30   ? 1
			 : dice < 85 ? 2 + random_below(random, 3)
			 : dice < 98 ? 5 + random_below(random, 8)
				     : MODEL_LISTENERS_MAX;

	memset(policy, 0, sizeof(*policy));
	while (policy->n_listeners < n) {
		struct model_listener *listener = &policy->listeners[policy->n_listeners];

		do {
			memset(listener, 0, sizeof(*listener));
			make_claim(random, listener);
		} while (generate_clashes(policy, listener));
		make_sources(random, listener);
		make_listener(random, listener);
		policy->n_listeners++;
		make_formats(random, policy);
	}
}
