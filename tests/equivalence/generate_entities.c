/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * generate_entities - random entities, and what becomes of datagrams.
 */
#include <string.h>

#include "generate.h"

void generate_bytes(struct random *random, uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)random_bits(random);
}

/* Bits that the mask takes out would make it impossible to match, which is rarely wanted. */
void generate_mask_bytes(struct random *random, uint8_t *bytes, const uint8_t *mask, size_t length)
{
	if (random_chance(random, 3))
		return;
	for (size_t i = 0; i < length; i++)
		bytes[i] &= mask[i];
}

uint16_t generate_port(struct random *random)
{
	/* Few, so that the target of one listener is the port of another. */
	static const uint16_t ports[] = {1, 255, 256, 5000, 5001, 5002, 6001, 6002, 65535};

	return random_chance(random, 85) ? random_pick(random, ports)
					 : 1 + random_below(random, 65535);
}

/* A port with this chance in percent. */
struct em_action generate_action(struct random *random, unsigned int chance)
{
	struct em_action action = {.port = generate_port(random)};

	if (random_chance(random, chance))
		action.verdict = EM_PORT;
	else
		action.verdict = random_chance(random, 50) ? EM_PASS : EM_DROP;
	return action;
}

static bool is_disjoint(const struct model_entity *a, const struct model_entity *b, size_t length)
{
	return memcmp(a->last, b->tag, length) < 0 || memcmp(b->last, a->tag, length) < 0;
}

static bool is_within(const struct model_entity *a, const struct model_entity *b, size_t length)
{
	return memcmp(a->tag, b->tag, length) >= 0 && memcmp(a->last, b->last, length) <= 0;
}

/* No entity covers the same, or a part of what it covers and something else. */
static bool goes_with_others(const struct model_listener *listener,
			     const struct model_entity *entity, unsigned int length)
{
	for (uint8_t i = 0; i < listener->n_entities; i++) {
		const struct model_entity *other = &listener->entities[i];
		bool within = is_within(entity, other, length);
		bool around = is_within(other, entity, length);

		if (within == around && (within || !is_disjoint(entity, other, length)))
			return false;
	}
	return true;
}

/* Addresses in a tag are of the few that packets have. */
static void put_fields(struct random *random, const struct model_listener *listener, uint8_t *tag)
{
	for (uint8_t i = 0; i < listener->n_pieces; tag += listener->pieces[i++].length) {
		struct em_address address;

		if (listener->pieces[i].source == EM_PIECE_PAYLOAD || random_chance(random, 20))
			continue;
		address = generate_address(random, model_family(listener));
		memcpy(tag, address.bytes, listener->pieces[i].length);
	}
}

/* Sets the bits behind the first `bits`. */
static void put_rest(uint8_t *tag, unsigned int bits, unsigned int length, bool ones)
{
	for (unsigned int i = bits; i < length * 8; i++)
		tag[i / 8] = (tag[i / 8] & ~(0x80 >> i % 8)) | (ones ? 0x80 >> i % 8 : 0);
}

/* More tags around the one that it has: a prefix, mostly a long one, or a range to another tag. */
static void make_cover(struct random *random, const struct model_listener *listener,
		       struct model_entity *entity, unsigned int length)
{
	unsigned int bits = random_below(random, length * 8);
	const struct model_entity *other = entity;
	uint8_t swap[EM_TAG_MAX];

	if (random_chance(random, 50)) {
		bits = random_chance(random, 50) ? bits : length * 8 - random_below(random, 9);
		put_rest(entity->tag, bits, length, false);
		put_rest(entity->last, bits, length, true);
		return;
	}
	if (listener->n_entities)
		other = &listener->entities[random_below(random, listener->n_entities)];
	memcpy(entity->last, random_chance(random, 50) ? other->last : entity->last, length);
	entity->last[random_below(random, length)] = (uint8_t)random_bits(random);
	if (random_chance(random, 30))
		put_rest(entity->last, bits, length, random_chance(random, 50));
	if (memcmp(entity->tag, entity->last, length) <= 0)
		return;
	memcpy(swap, entity->tag, length);
	memcpy(entity->tag, entity->last, length);
	memcpy(entity->last, swap, length);
}

/* Tags that differ in one bit from one before, as often as not; some entities have more of them. */
void generate_entities(struct random *random, struct model_listener *listener)
{
	unsigned int n = random_below(random, random_chance(random, 80) ? 6 : MODEL_ENTITIES_MAX);
	unsigned int length = model_tag_length(listener);
	unsigned int covering = random_chance(random, 50) ? 0 : random_below(random, 100);

	for (unsigned int i = 0; i < n; i++) {
		struct model_entity *entity = &listener->entities[listener->n_entities];

		if (listener->n_entities && random_chance(random, 50)) {
			memcpy(entity->tag,
			       listener->entities[random_below(random, listener->n_entities)].tag,
			       length);
			entity->tag[random_below(random, length)] ^= 1 << random_below(random, 8);
		} else {
			generate_bytes(random, entity->tag, length);
			put_fields(random, listener, entity->tag);
		}
		if (listener->masked)
			generate_mask_bytes(random, entity->tag, listener->mask, length);
		memcpy(entity->last, entity->tag, length);
		if (random_chance(random, covering))
			make_cover(random, listener, entity, length);
		entity->action = generate_action(random, 80);
		listener->n_entities += goes_with_others(listener, entity, length);
	}
}
