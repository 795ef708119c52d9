/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * model - a policy and a packet as they are made up and taken apart again.
 *
 * Flat structs, so that a shrinker can copy one, change it and throw it away.  Both are printed in
 * the language of the end-to-end table: a configuration, and the words of tests/lib/packet.h.  What
 * is tested is what the text says, read by the same code as everywhere.
 */
#ifndef EQUIVALENCE_MODEL_H
#define EQUIVALENCE_MODEL_H

#include <stdio.h>

#include "policy/policy.h"

#define MODEL_LISTENERS_MAX 64
#define MODEL_ADDRESSES_MAX 4
#define MODEL_SOURCES_MAX   6
#define MODEL_ENTITIES_MAX  24
#define MODEL_BYTES_MAX	    512 /* of a check */
/* Newer kernels' nf_tables walk 12; XDP and TC walk no more than these before Linux 5.3. */
#define MODEL_EXTENSIONS_MAX 16
#define MODEL_PAYLOAD_MAX    1480
#define MODEL_TAGS_MAX	     2
#define MODEL_POKES_MAX	     3

/* What is left out of a text. */
#define MODEL_UNSET (-1)

struct model_check {
	enum em_check_kind kind;
	uint16_t offset;
	uint16_t length;
	uint8_t bytes[MODEL_BYTES_MAX];
	uint8_t mask[MODEL_BYTES_MAX];
	bool masked;
	uint64_t min;
	uint64_t max;
	uint64_t values[EM_VALUES_MAX];
	uint8_t n_values; /* 0: min to max */
	bool little_endian;
	bool negated;
};

struct model_copies {
	uint16_t ports[EM_COPIES_MAX];
	uint8_t n; /* 0: no such key */
};

/* It covers the tags from `tag` to `last`. */
struct model_entity {
	uint8_t tag[EM_TAG_MAX];
	uint8_t last[EM_TAG_MAX];
	struct em_action action;
	struct model_copies copies;
};

struct model_listener {
	unsigned int interfaces; /* bit 0: in0, bit 1: in1 */
	uint16_t port;
	uint16_t vlan;
	struct em_address addresses[MODEL_ADDRESSES_MAX];
	uint8_t n_addresses;
	struct em_prefix sources[MODEL_SOURCES_MAX];
	uint8_t n_sources;
	int payload_min; /* MODEL_UNSET: no such key */
	int payload_max;
	struct model_check checks[EM_CHECKS_MAX];
	uint8_t n_checks;
	struct em_piece pieces[EM_PIECES_MAX];
	uint8_t n_pieces;
	uint8_t mask[EM_TAG_MAX];
	bool masked;
	struct model_entity entities[MODEL_ENTITIES_MAX];
	uint8_t n_entities;
	struct em_action unknown;
	struct em_action invalid;
	bool replies;
	struct model_copies copies; /* of the first format, as the next one */
	struct model_copies unknown_copies;
	/* It is another format of the listener before it, with all that is no format's. */
	bool joins;
};

struct model_policy {
	struct model_listener listeners[MODEL_LISTENERS_MAX];
	size_t n_listeners;
};

/* Bytes of all pieces of the tag. */
unsigned int model_tag_length(const struct model_listener *listener);
/* The IP version of the packets that it is for; AF_UNSPEC: both. */
uint8_t model_family(const struct model_listener *listener);
/* Payload bytes that tag and checks need. */
unsigned int model_need(const struct model_listener *listener);

/* The port at which a datagram arrives that is treated like this. */
uint16_t model_target(const struct model_listener *listener, const struct em_action *action);

enum model_length_kind { MODEL_TRUE, MODEL_RELATIVE, MODEL_ABSOLUTE };

/* A length field. */
struct model_length {
	enum model_length_kind kind;
	int value;
};

enum model_checksum {
	MODEL_SUM_OK,
	MODEL_SUM_BAD,
	MODEL_SUM_VALUE,
	MODEL_SUM_ZERO_AT_PORT,
	MODEL_SUM_PSEUDO,
};

/* Of IPv6; a fragment header has neither length nor hdrlen. */
struct model_extension {
	uint8_t type;
	uint16_t length; /* bytes */
	int hdrlen;	 /* the length byte, or MODEL_UNSET */
	uint16_t fragment;
	bool more;
};

struct model_tag {
	bool service; /* 802.1ad */
	uint16_t tci;
};

struct model_poke {
	uint16_t offset;
	uint8_t value;
};

enum model_cast { MODEL_UNICAST, MODEL_BROADCAST, MODEL_MULTICAST };

struct model_packet {
	unsigned int interface;
	enum model_cast cast;
	struct model_tag tags[MODEL_TAGS_MAX];
	uint8_t n_tags;
	bool pppoe; /* in a session of it */
	int type;   /* or MODEL_UNSET, like the next three and ihl */
	uint8_t family;
	int version;
	int protocol;
	int ttl;
	struct em_address source;
	struct em_address destination;
	struct model_length total;
	uint8_t options; /* bytes */
	int ihl;
	int fragment; /* of IPv4: bytes, or MODEL_UNSET */
	bool more;
	struct model_extension extensions[MODEL_EXTENSIONS_MAX];
	uint8_t n_extensions;
	uint16_t from;
	uint16_t to;
	struct model_length udp_length;
	enum model_checksum checksum;
	uint16_t checksum_value;
	uint8_t payload[MODEL_PAYLOAD_MAX];
	uint16_t length; /* of the payload */
	struct model_poke pokes[MODEL_POKES_MAX];
	uint8_t n_pokes;
	uint16_t cut; /* bytes off the end */
	bool paged;   /* packet.h */
};

/* Whether what the packet cuts and pokes is there; else it has no text. */
bool model_packet_fits(const struct model_packet *packet);

void model_print_policy(FILE *out, const struct model_policy *policy);
void model_print_packet(FILE *out, const struct model_packet *packet);

#endif
