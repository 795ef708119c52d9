/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expression - the statements of a rule as the kernel's expressions.
 */
#ifndef EM_NFT_EXPRESSION_H
#define EM_NFT_EXPRESSION_H

#include "nft/ruleset.h"

struct nftnl_rule;

/* Bytes that a load puts into a register. */
uint8_t em_expression_length(const struct em_load *load);

/* A value of the field, or a mask for it, in the order in which registers have it. */
void em_expression_value(enum em_field field, const uint8_t *wire, uint8_t *value, uint8_t length);

/*
 * Appends the expressions of all statements.  map_name and map_id are those of the rule's verdict
 * map, where it has one.  False when out of memory.
 */
bool em_expression_add(struct nftnl_rule *to, const struct em_rule *rule, const char *map_name,
		       uint32_t map_id);

#endif
