/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * key - what an object is looked up by; see key.h.
 */
#include "nft/key.h"

#include <string.h>

static struct em_load part_load(const struct em_tag *tag, const struct em_part *part)
{
	static const enum em_field fields[EM_PIECE_SOURCES] = {
		[EM_PIECE_IP_SADDR] = EM_FIELD_IP_SADDR,
		[EM_PIECE_IP6_SADDR] = EM_FIELD_IP6_SADDR,
	};
	const struct em_piece *piece = &tag->pieces[part->piece];
	struct em_load load = {.field = EM_FIELD_PAYLOAD,
			       .offset = EM_UDP_HEADER + piece->offset + part->at,
			       .length = part->length,
			       .masked = part->masked};

	if (piece->source != EM_PIECE_PAYLOAD)
		return (struct em_load){.field = fields[piece->source]};
	if (part->masked)
		memcpy(load.mask, tag->mask + part->offset, part->length);
	return load;
}

static void key_add(struct em_key *key, const struct em_format *format, bool masked)
{
	struct em_part parts[EM_PARTS_MAX];
	uint8_t n = em_format_parts(format, parts);

	for (uint8_t i = 0; i < n; i++) {
		if (parts[i].masked != masked)
			continue;
		key->tag_offset[key->n_loads] = parts[i].offset;
		key->loads[key->n_loads++] = part_load(&format->tag, &parts[i]);
	}
}

void em_key_of_tag(const struct em_format *format, struct em_key *key)
{
	*key = (struct em_key){0};
	key_add(key, format, true);
	key_add(key, format, false);
}

uint8_t em_key_length(const struct em_key *key)
{
	uint8_t length = 0;

	for (uint8_t i = 0; i < key->n_loads; i++)
		length += em_load_padded(key->loads, key->n_loads, i);
	return length;
}

void em_key_from_tag(const struct em_key *key, const uint8_t *tag, uint8_t bytes[EM_KEY_MAX])
{
	uint8_t at = 0;

	memset(bytes, 0, EM_KEY_MAX);
	for (uint8_t i = 0; i < key->n_loads; at += em_load_padded(key->loads, key->n_loads, i++))
		memcpy(bytes + at, tag + key->tag_offset[i], em_load_length(&key->loads[i]));
}

void em_key_to_tag(const struct em_key *key, const uint8_t *bytes, uint8_t *tag)
{
	uint8_t at = 0;

	memset(tag, 0, EM_TAG_MAX);
	for (uint8_t i = 0; i < key->n_loads; at += em_load_padded(key->loads, key->n_loads, i++))
		memcpy(tag + key->tag_offset[i], bytes + at, em_load_length(&key->loads[i]));
}

void em_key_value(const struct em_key *key, const uint8_t *wire, uint8_t value[EM_KEY_MAX])
{
	uint8_t at = 0;

	memset(value, 0, EM_KEY_MAX);
	for (uint8_t i = 0; i < key->n_loads; at += em_load_padded(key->loads, key->n_loads, i++))
		em_load_value(&key->loads[i], wire + at, value + at);
}
