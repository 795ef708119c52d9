/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * field - what a rule can read from a packet, or about it: one row for each in the table of
 * field.c, which has its name in nft's language, where the kernel finds it, and its type.
 *
 * Values are kept in the order of the wire, in rules and in the elements of sets alike; what the
 * kernel wants in the order of the machine is turned around on the way to it (em_load_value()).
 */
#ifndef EM_NFT_FIELD_H
#define EM_NFT_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes that one load takes at most. */
#define EM_LOAD_MAX 16

enum em_field {
	EM_FIELD_PAYLOAD, /* raw bytes from the transport header: `@th,…` */
	EM_FIELD_NETWORK, /* raw bytes from the network header: `@nh,…` */
	EM_FIELD_L4PROTO,
	EM_FIELD_PROTOCOL,
	EM_FIELD_PKTTYPE,
	EM_FIELD_IIF,
	EM_FIELD_OIF,
	EM_FIELD_ETHER_TYPE,
	EM_FIELD_VLAN_ID,
	EM_FIELD_VLAN_TYPE,
	EM_FIELD_IP_FRAG_OFF,
	EM_FIELD_IP_SADDR,
	EM_FIELD_IP_DADDR,
	EM_FIELD_IP6_SADDR,
	EM_FIELD_IP6_DADDR,
	EM_FIELD_IP6_HOPLIMIT,
	EM_FIELD_IP6_FRAG_OFF,
	EM_FIELD_IP6_FRAG_MORE, /* the last bit says whether more fragments follow */
	EM_FIELD_UDP_SPORT,
	EM_FIELD_UDP_DPORT,
	EM_FIELD_UDP_LENGTH,
	EM_FIELD_UDP_CHECKSUM,
	EM_FIELD_NFPROTO,
	EM_FIELD_MARK,	   /* of the packet */
	EM_FIELD_PRIORITY, /* of the packet: four bytes as they lie in memory */
	EM_FIELD_ZONE,	   /* of conntrack, in the original direction */
	EM_FIELDS
};

/* The expression of the kernel that reads it. */
enum em_source { EM_FROM_PAYLOAD, EM_FROM_META, EM_FROM_IP6_HEADER, EM_FROM_CONNTRACK };

/*
 * The header that has to be there for the field to mean something: nft puts a comparison that says
 * so before the first load of such a field, and takes it for granted when it lists the rule.
 */
enum em_dependency { EM_ON_NOTHING, EM_ON_ETHER, EM_ON_VLAN, EM_ON_IP, EM_ON_IP6, EM_ON_UDP };

/* Types of nft's language, which the kernel keeps for it; include/datatype.h of nftables. */
enum em_type {
	EM_TYPE_NFPROTO = 2,
	EM_TYPE_INTEGER = 4,
	EM_TYPE_IPADDR = 7,
	EM_TYPE_IP6ADDR = 8,
	EM_TYPE_ETHERTYPE = 10,
	EM_TYPE_INET_PROTOCOL = 12,
	EM_TYPE_INET_SERVICE = 13,
	EM_TYPE_MARK = 19,
	EM_TYPE_IFINDEX = 20,
	EM_TYPE_PKTTYPE = 31,
	EM_TYPE_BITS = 6, /* of one type in that of a concatenation */
};

struct em_datatype {
	const char *name;
	enum em_type id;
	bool host_order; /* in registers and in elements; else that of the wire */
	void (*print)(FILE *out, const uint8_t *wire, uint8_t length);
};

struct em_field_row {
	const char *name; /* NULL: raw bytes */
	const struct em_datatype *type;
	enum em_source source;
	uint32_t
		base; /* NFT_PAYLOAD_…, or the key of meta or ct, or the number of an IPv6 header */
	uint16_t offset; /* bytes from there */
	uint8_t length;	 /* bytes */
	uint16_t mask;	 /* of a field of 2 bytes; 0: none */
	enum em_dependency dependency;
	bool mask_is_written; /* in nft's language; else it belongs to the name */
	/* How nft calls a payload in `typeof`, see include/proto.h of nftables; 0: not used so. */
	uint8_t header;
	uint8_t header_field;
};

extern const struct em_field_row em_fields[EM_FIELDS];

/* What a rule reads. */
struct em_load {
	enum em_field field;
	uint16_t offset; /* of raw bytes: bytes from the header */
	uint8_t length;	 /* likewise: bytes, 1 to EM_LOAD_MAX; of a tag's key more, unmasked */
	bool shifted;	 /* 4 bytes of which the first two are the value: `>> 16` */
	bool masked;
	uint8_t mask[EM_LOAD_MAX]; /* where masked */
};

/* Bytes that it reads. */
uint8_t em_load_length(const struct em_load *load);

/* Bytes that part i of a concatenation of n takes in registers and in keys: whole words. */
uint8_t em_load_padded(const struct em_load *loads, uint8_t n, uint8_t i);

/* A value of it, or a mask for it, in the order in which registers have it. */
void em_load_value(const struct em_load *load, const uint8_t *wire, uint8_t *value);

/* In nft's language: the loads joined, what they read without masks, and values of them. */
void em_loads_print(FILE *out, const struct em_load *loads, uint8_t n);
void em_loads_print_typeof(FILE *out, const struct em_load *loads, uint8_t n);
void em_loads_print_values(FILE *out, const struct em_load *loads, uint8_t n, const uint8_t *wire);
void em_load_print_value(FILE *out, const struct em_load *load, const uint8_t *wire);

void em_print_hex(FILE *out, const uint8_t *bytes, uint8_t length);

#endif
