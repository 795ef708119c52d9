/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * statement - the statements of a rule in nft's own language, and what else is written like them.
 *
 * Errors stay in the stream.
 */
#ifndef EM_NFT_STATEMENT_H
#define EM_NFT_STATEMENT_H

#include <stdio.h>

#include "nft/ruleset.h"

void em_statement_print(FILE *out, const struct em_statement *statement);

/* Bytes that a load reads. */
uint8_t em_statement_length(const struct em_load *load);
/* A value of what the load reads, in the order of the wire. */
void em_statement_print_value(FILE *out, const struct em_load *load, const uint8_t *bytes);
/* What it reads from the payload, without a mask. */
void em_statement_print_bits(FILE *out, const struct em_load *load);

void em_statement_print_hex(FILE *out, const uint8_t *bytes, size_t length);
void em_statement_print_name(FILE *out, const struct em_identifier *name);

#endif
