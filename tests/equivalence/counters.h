/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counters - what the counters have to be, and what `entitymux stats --json` says they are.
 */
#ifndef EQUIVALENCE_COUNTERS_H
#define EQUIVALENCE_COUNTERS_H

#include "classify.h"
#include "stats.h"

/* Counts a packet as the reference has classified it. */
void counters_add(struct em_stats *stats, const struct em_policy *policy,
		  const struct em_classification *class);

/* Whether the document says the same; what differs is written to text. */
bool counters_agree(const char *document, const struct em_policy *policy,
		    const struct em_stats *expected, char *text, size_t size);

#endif
