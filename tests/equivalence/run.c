/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
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
#include <unistd.h>

/* What is none ends the program. */
static uint64_t number(const char *text, const char *what)
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

bool run_read_options(struct run_options *out, const char *own, int argc, char **argv)
{
	bool known = true;
	char options[32];
	int option;

	snprintf(options, sizeof(options), "vs:n:p:%s", own);

	*out = (struct run_options){
		.seed = 1, .n_packets = RUN_PACKETS, .per_policy = RUN_PER_POLICY};
	while ((option = getopt(argc, argv, options)) != -1) {
		if (option == 'v')
			out->verbose = true;
		else if (option == 'a')
			out->arranged = true;
		else if (option == 'c')
			out->copies = true;
		else if (option == 's')
			out->seed = number(optarg, "seed");
		else if (option == 'n')
			out->n_packets = number(optarg, "packets");
		else if (option == 'p')
			out->per_policy = number(optarg, "packets for each policy");
		else
			known = false;
	}
	if (!known || argc - optind < 2 || argc - optind - 1 > RUN_BACKENDS_MAX ||
	    !out->per_policy) {
		fprintf(stderr,
			"usage: %s [-v%s] [-s SEED] [-n PACKETS] [-p PER_POLICY] ENTITYMUX "
			"BACKEND...\n",
			argv[0], own);
		return false;
	}
	out->entitymux = argv[optind];
	for (int i = optind + 1; i < argc; i++)
		out->tallies[out->n_backends++].backend = argv[i];
	return true;
}

bool run_is_done(const struct run_options *options)
{
	for (size_t i = 0; i < options->n_backends; i++)
		if (options->tallies[i].packets < options->n_packets &&
		    options->tallies[i].disagreements < RUN_DISAGREEMENTS_MAX)
			return false;
	return true;
}

int run_report(const struct run_options *options)
{
	unsigned int disagreements = 0;

	for (size_t i = 0; i < options->n_backends; i++) {
		const struct tally *tally = &options->tallies[i];

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
