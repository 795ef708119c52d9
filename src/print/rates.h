/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * rates - the lines of `stats --watch`: what listeners and entities have counted per second between
 * two snapshots.
 *
 * A policy has up to a million entities, of which a screen shows some: a line is made when it is
 * drawn.
 */
#ifndef EM_RATES_H
#define EM_RATES_H

#include <stdio.h>

#include "engine/snapshot.h"
#include "print/rows.h"

struct em_rates_line;

struct em_rates {
	const struct em_policy *policy; /* not owned */
	struct em_stats *change;	/* owned */
	double seconds;			/* in which they have changed; 0: not known yet */
	struct em_rows *rows;		/* by listener; owned */
	struct em_rates_line *lines;	/* owned */
	size_t n;
	unsigned int name;	    /* width of the first column */
	uint64_t most_of_listeners; /* packets, where the bar is longest */
	uint64_t most_of_entities;
};

/*
 * before is the earlier snapshot, of another policy perhaps; NULL: there is none.  now has to
 * outlive *out.  Entities are in the wanted order, by what they have counted since.  Returns 0 or
 * -ENOMEM; *out is cleared with em_rates_clear() in any case.
 */
int em_rates_init(struct em_rates *out, const struct em_snapshot *before,
		  const struct em_snapshot *now, double seconds,
		  const struct em_rows_wanted *wanted);
void em_rates_clear(struct em_rates *rates);

/* The headings of the columns, and line i, which is less than n; neither ends with a newline. */
void em_rates_print_headings(FILE *out, const struct em_rates *rates);
void em_rates_print_line(FILE *out, const struct em_rates *rates, size_t i);
/* Whether line i begins a listener. */
bool em_rates_is_listener(const struct em_rates *rates, size_t i);

#endif
