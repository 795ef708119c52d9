/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run - what the two programs that compare backends have in common.
 */
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

bool run_is_done(const struct tally *tallies, size_t n, uint64_t packets)
{
	for (size_t i = 0; i < n; i++)
		if (tallies[i].packets < packets &&
		    tallies[i].disagreements < RUN_DISAGREEMENTS_MAX)
			return false;
	return true;
}

int run_report(const struct tally *tallies, size_t n)
{
	unsigned int disagreements = 0;

	for (size_t i = 0; i < n; i++) {
		const struct tally *tally = &tallies[i];

		printf("%-12s %" PRIu64 " packets, %" PRIu64 " policies (%" PRIu64 " refused), "
		       "%u disagreements, %.0f seconds\n",
		       tally->backend, tally->packets, tally->policies, tally->refused,
		       tally->disagreements, tally->seconds);
		disagreements += tally->disagreements;
	}
	return disagreements ? EXIT_FAILURE : EXIT_SUCCESS;
}

double run_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void run_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("equivalence: sched_setaffinity");
		exit(EXIT_FAILURE);
	}
}

uint64_t run_number(const char *text, const char *what)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end) {
		fprintf(stderr, "equivalence: %s: expected a number, found \"%s\"\n", what, text);
		exit(2);
	}
	return value;
}

void run_print_frame(const char *title, const struct stream_frame *frame,
		     const struct stream_frame *other)
{
	printf("#   %s, %u bytes:", title, frame->length);
	for (unsigned int i = 0; i < frame->length; i++) {
		bool differs = i >= other->length || frame->bytes[i] != other->bytes[i];

		if (i % 16 == 0)
			printf("\n#     %04x ", i);
		printf("%c%02x", differs ? '*' : ' ', frame->bytes[i]);
	}
	putchar('\n');
}
