/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * counts - what the counters have to be, and what `entitymux stats --json` says they are.
 */
#ifndef TEST_COUNTS_H
#define TEST_COUNTS_H

#include "policy/stats.h"

/* Puts a different number into every counter, from this one on, so that no two can be mixed up. */
void counts_number(struct em_stats *stats, uint64_t number);

/*
 * Where the document has other counters, listeners or entities than these: a line each, which the
 * caller frees; empty when it says the same.
 */
char *counts_differences(const char *document, const struct em_policy *policy,
			 const struct em_stats *expected);

#endif
