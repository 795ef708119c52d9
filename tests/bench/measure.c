/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * measure - what one thing costs beside another, on a machine that has other things to do.
 */
#include "measure.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define TRIES	 200 /* of one sample */
#define PRIORITY -20

void measure_prepare(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	/* Without either, there is more noise, which shows. */
	(void)sched_setaffinity(0, sizeof(set), &set);
	(void)setpriority(PRIO_PROCESS, 0, PRIORITY);
}

static double read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

double measure_clock(void)
{
	return read_clock(CLOCK_MONOTONIC_RAW);
}

double measure_cpu_clock(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

long measure_preemptions(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

static int take_sample(double *sample, const struct measured *measured, uint32_t packets,
		       uint32_t *discarded)
{
	int rc = -EAGAIN;

	for (int i = 0; rc == -EAGAIN && i < TRIES; i++) {
		rc = measured->run(measured->context, packets, sample);
		*discarded += rc == -EAGAIN;
	}
	*sample /= packets;
	return rc;
}

static int compare(const void *a, const void *b)
{
	const double *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

/* Of sorted samples; the quarter is 0 to 4. */
static double quartile(const double *samples, uint32_t n, int quarter)
{
	return samples[(uint64_t)(n - 1) * quarter / 4];
}

static void evaluate(struct measure_result *result, double *subject, double *baseline,
		     double *scratch, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		scratch[i] = subject[i] - baseline[i];
	qsort(scratch, n, sizeof(*scratch), compare);
	result->more = quartile(scratch, n, 2);
	result->more_low = quartile(scratch, n, 1);
	result->more_high = quartile(scratch, n, 3);
	for (uint32_t i = 0; i < n; i++)
		scratch[i] = subject[i] / baseline[i];
	qsort(scratch, n, sizeof(*scratch), compare);
	result->ratio = quartile(scratch, n, 2);
	qsort(subject, n, sizeof(*subject), compare);
	qsort(baseline, n, sizeof(*baseline), compare);
	result->median = quartile(subject, n, 2);
	result->least = subject[0];
	result->least_more = subject[0] - baseline[0];
}

int measure(struct measure_result *result, const struct measurement *how,
	    const struct measured *subject, const struct measured *baseline)
{
	double *samples = calloc(3 * (size_t)how->rounds, sizeof(*samples));
	double *others = samples + how->rounds, warm;
	int rc = samples ? 0 : -ENOMEM;

	*result = (struct measure_result){0};
	if (!rc)
		rc = take_sample(&warm, subject, how->packets, &result->discarded);
	for (uint32_t i = 0; !rc && i < how->rounds; i++) {
		/* What comes second may find the machine warmer, or throttled. */
		const struct measured *order[] = {i % 2 ? baseline : subject,
						  i % 2 ? subject : baseline};
		double *to[] = {i % 2 ? &others[i] : &samples[i], i % 2 ? &samples[i] : &others[i]};

		rc = take_sample(to[0], order[0], how->packets, &result->discarded);
		if (!rc)
			rc = take_sample(to[1], order[1], how->packets, &result->discarded);
	}
	if (!rc)
		evaluate(result, samples, others, others + how->rounds, how->rounds);
	free(samples);
	return rc;
}
