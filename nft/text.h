/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * text - a ruleset in nft's own language, for `nft -f`.
 */
#ifndef EM_NFT_TEXT_H
#define EM_NFT_TEXT_H

#include <stdio.h>

#include "nft/ruleset.h"

/*
 * Writes a file that puts the ruleset in place of an earlier one, in one transaction.  Entities are
 * written as they are read from the policy.  Errors stay in the stream.
 */
void em_text_print(FILE *out, const struct em_ruleset *ruleset);

#endif
