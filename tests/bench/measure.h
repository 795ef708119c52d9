/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * measure - what one thing costs beside another, on a machine that has other things to do.
 *
 * The two take turns, a few milliseconds each, so that whatever slows the machine down slows both;
 * what is reported are medians of the differences within a turn.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>

/*
 * Something that handles n packets, and says how many nanoseconds all of them took.  Returns 0;
 * -EAGAIN where the sample is worth nothing and is to be taken again; or another -errno, which ends
 * the measurement.
 */
struct measured {
	int (*run)(void *context, uint32_t n, double *ns);
	void *context;
};

struct measurement {
	uint32_t packets; /* in a sample */
	uint32_t rounds;  /* samples of each of the two */
};

/* Nanoseconds per packet, but for the last two. */
struct measure_result {
	double median;
	double least;
	double least_more;	    /* than the least of the baseline */
	double more;		    /* than the baseline: median of the differences */
	double more_low, more_high; /* their quartiles */
	double ratio;		    /* to the baseline: median of the ratios */
	uint32_t discarded;	    /* samples of either */
};

/* Keeps this thread on one CPU, the one it is on, and ahead of what else wants it. */
void measure_prepare(void);

/* Nanoseconds since some point in time, and of this thread on its CPU. */
double measure_clock(void);
double measure_cpu_clock(void);

/* How often this thread has lost its CPU to another. */
long measure_preemptions(void);

/* Returns 0; -EAGAIN where sample after sample had to be discarded; or the -errno of a run. */
int measure(struct measure_result *result, const struct measurement *how,
	    const struct measured *subject, const struct measured *baseline);

#endif
