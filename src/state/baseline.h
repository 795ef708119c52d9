/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * baseline - the file with the counts that a generation starts from, or of what was last seen.
 *
 * The format is that of lines.h.  The line of a listener comes before those of its entities.
 * Entities without counts have no line.  Numbers are unsigned decimals modulo 2^64:
 *
 *	format 1
 *	since 7200000000000
 *	listener telemetry packets=12 bytes=492 rewritten=8 passed=0 dropped=0 unknown=2 source=0
 *		length=1 check=1	(one line)
 *	entity 0xdeadbeef packets=4 bytes=144 last=7205000000000
 *
 * `since` and `last` are times, ns of CLOCK_MONOTONIC, and left out where they are 0; see stats.h.
 *
 * Counters that this version does not know are skipped.
 */
#ifndef EM_BASELINE_H
#define EM_BASELINE_H

#include <stdio.h>

#include "policy/stats.h"

/* Writes the file.  Returns 0 or -errno of the stream, unreported. */
int em_baseline_write(FILE *out, const struct em_policy *policy, const struct em_stats *stats);

/*
 * Adds the counts of the file to stats, which has the shape of policy.  Listeners are matched by
 * name, entities by tag.  Malformed lines are skipped; their number is added to *lost.  Returns 0,
 * -errno of the stream, or -EBADMSG if it is not a baseline file; all unreported.
 */
int em_baseline_read(FILE *in, const struct em_policy *policy, struct em_stats *stats,
		     unsigned long *lost);

#endif
