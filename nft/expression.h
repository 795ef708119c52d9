/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * expression - the kernel's expressions, which the statements of a rule become.
 *
 * Each function appends one expression, or the few that always come together.  What is loaded goes
 * to the first data register and those behind it, and is taken from there.  What fails is noted in
 * the lowering, and what comes after it is ignored.
 */
#ifndef EM_NFT_EXPRESSION_H
#define EM_NFT_EXPRESSION_H

#include "nft/field.h"

struct nftnl_rule;

/* A rule that is being lowered. */
struct em_lowering {
	struct nftnl_rule *rule;
	bool inet;	      /* of table inet, where nft asks for the family, not the protocol */
	unsigned int known;   /* bits by em_dependency: what the rule has made sure of */
	const char *map_name; /* of the rule's verdict map, where it has one */
	uint32_t map_id;
	unsigned int noted; /* the word of a noted field; 0: none */
	bool failed;	    /* out of memory */
};

/* Makes sure of it, unless the rule has done so. */
void em_expression_require(struct em_lowering *l, enum em_dependency dependency);

/* The loads, what they require before them. */
void em_expression_loads(struct em_lowering *l, const struct em_load *loads, uint8_t n);

/* What was loaded, NFT_CMP_…, a value of it in the order of the wire. */
void em_expression_compare(struct em_lowering *l, uint32_t op, const struct em_load *load,
			   const uint8_t *wire);
/* Whether what was loaded is between two values, both included. */
void em_expression_range(struct em_lowering *l, const struct em_load *load, const uint8_t *low,
			 const uint8_t *high);
/* Whether the set has what was loaded. */
void em_expression_lookup(struct em_lowering *l, const char *set, bool not );
/* What the map has for it: data, or a verdict by the rule's own map. */
void em_expression_lookup_data(struct em_lowering *l, const char *map);
void em_expression_lookup_verdict(struct em_lowering *l);

/* A value of the field, in the order of the wire, and then the field becomes what was loaded. */
void em_expression_value(struct em_lowering *l, enum em_field field, const uint8_t *wire);
void em_expression_write(struct em_lowering *l, enum em_field field);
/* Raw bytes become the value, and the checksum at this offset from the transport header follows. */
void em_expression_write_quoted(struct em_lowering *l, const struct em_load *load,
				const uint8_t *wire, uint16_t checksum);
/*
 * The loads, and behind them the field, which the map of the next update has for them.  nft (1.0.6)
 * has it in the second register of 16 bytes, and dies of a longer key.
 */
#define EM_NOTED_KEY_MAX 16
void em_expression_note(struct em_lowering *l, enum em_field field, const struct em_load *loads,
			uint8_t n);
/* The set or map has what was loaded, for so long from now, and may count how often. */
void em_expression_update(struct em_lowering *l, const char *set, uint32_t seconds, bool counting);
/* (what was loaded & mask) ^ value, both 4 bytes in the order of the machine */
void em_expression_bits(struct em_lowering *l, const uint8_t *mask, const uint8_t *value);

/* Ends the rule where there are more than so many a second, and more than a burst at once. */
void em_expression_limit(struct em_lowering *l, uint32_t each_second, uint32_t burst);
/* A copy of the first bytes of the packet, and the prefix, to the group. */
void em_expression_log(struct em_lowering *l, uint16_t group, uint32_t bytes, const char *prefix);
/* The packet is forwarded, or else another one like it goes, to the interface of this number. */
void em_expression_to_device(struct em_lowering *l, bool forward, uint32_t ifindex);
/* DNAT to the port that was loaded, in family inet. */
void em_expression_translate(struct em_lowering *l);
/* The object of this name, NFT_OBJECT_…, or the one that the map has for what was loaded. */
void em_expression_object(struct em_lowering *l, uint32_t type, const char *name);
void em_expression_object_mapped(struct em_lowering *l, const char *map);
/* NF_ACCEPT, NFT_GOTO, …; chain is NULL where it leads to none. */
void em_expression_verdict(struct em_lowering *l, uint32_t verdict, const char *chain);

#endif
