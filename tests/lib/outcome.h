/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * outcome - what became of a packet, in the words that the tests use.
 */
#ifndef TEST_OUTCOME_H
#define TEST_OUTCOME_H

#include "policy/classify.h"

#define OUTCOME_MAX 160

/*
 * "not-ours", "rewritten ENTITY PORT", "passed ENTITY", "dropped ENTITY", "unknown pass|drop|PORT"
 * or "invalid REASON pass|drop|PORT", and " @LISTENER" unless it is the first one of the policy.
 * Returns text.
 */
const char *outcome_describe(const struct em_policy *policy, const struct em_classification *class,
			     char text[OUTCOME_MAX]);

/* How many IPv6 extension headers nf_tables of this kernel follows; ends the process if unknown. */
unsigned int outcome_header_limit(void);

#endif
