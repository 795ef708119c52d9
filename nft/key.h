/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * key - what an object is looked up by: one load, or several joined.
 *
 * The bytes of a key are those of its loads in the order of the wire, in a concatenation each
 * padded with zeros to a multiple of 4.
 */
#ifndef EM_NFT_KEY_H
#define EM_NFT_KEY_H

#include "nft/field.h"
#include "policy/policy.h"

/*
 * Bytes of the longest key, whose loads are each padded to a multiple of 4: of a conversation, two
 * addresses and two ports; 5 loads of 24 bytes in all are as long.
 */
#define EM_KEY_MAX 40
/* Bytes of the UDP header; payload byte 0 is byte 8 from the transport header. */
#define EM_UDP_HEADER 8

struct em_key {
	struct em_load loads[EM_PARTS_MAX];
	uint8_t n_loads;
	uint8_t tag_offset[EM_PARTS_MAX]; /* of a tag's key: where the bytes of a load are in it */
};

/* Bytes, with the padding. */
uint8_t em_key_length(const struct em_key *key);

/*
 * Where a format's tag is read.  A load is one of its parts; one with a mask comes first, which
 * is the only place where nft (up to 1.0.6) reads a mask back from its own listing.
 */
void em_key_of_tag(const struct em_format *format, struct em_key *key);
/* A tag as such a key. */
void em_key_from_tag(const struct em_key *key, const uint8_t *tag, uint8_t bytes[EM_KEY_MAX]);

/* And back; the tag has EM_TAG_MAX bytes. */
void em_key_to_tag(const struct em_key *key, const uint8_t *bytes, uint8_t *tag);

/* The bytes of a key as registers and elements have them. */
void em_key_value(const struct em_key *key, const uint8_t *wire, uint8_t value[EM_KEY_MAX]);

#endif
