/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * statement - what a rule is made of.
 *
 * A statement is one thing in nft's language and a fixed sequence of the kernel's expressions: the
 * table of statement.c has for each kind how it is printed and how it is lowered.
 */
#ifndef EM_NFT_STATEMENT_H
#define EM_NFT_STATEMENT_H

#include <stdio.h>

#include "nft/expression.h"
#include "nft/ruleset.h"

/* In nft's own language.  Errors stay in the stream. */
void em_statement_print(FILE *out, const struct em_statement *statement);

/* Appends the expressions. */
void em_statement_lower(struct em_lowering *l, const struct em_statement *statement);

/* What a kernel lacks that refuses it, where that is more than adding a rule; else NULL. */
const char *em_statement_purpose(const struct em_statement *statement);

/* Whether nft's language has words for the rule; else what is printed falls short of it. */
bool em_rule_is_printable(const struct em_rule *rule);

void em_print_name(FILE *out, const struct em_identifier *name);

#endif
