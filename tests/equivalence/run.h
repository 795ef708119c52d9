/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * run - what the two programs that compare backends have in common.
 */
#ifndef EQUIVALENCE_RUN_H
#define EQUIVALENCE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/lib/stream.h"

#define RUN_BACKENDS_MAX 8
#define RUN_PACKETS	 100000
#define RUN_PER_POLICY	 1000
/* Of a backend, which is then left out: there is one cause, or it is broken. */
#define RUN_DISAGREEMENTS_MAX 5

struct tally {
	const char *backend;
	uint64_t packets;
	uint64_t policies;
	uint64_t refused; /* policies */
	unsigned int disagreements;
	double seconds;
};

struct run_options {
	const char *entitymux;
	uint64_t seed;
	uint64_t n_packets;
	size_t per_policy;
	bool verbose;
	bool copies;   /* policies have some */
	bool arranged; /* with all that may be on a router, and nothing left out */
	struct tally tallies[RUN_BACKENDS_MAX]; /* one for each backend */
	size_t n_backends;
};

/*
 * The command line: [-v] [-s SEED] [-n PACKETS] [-p PER_POLICY] ENTITYMUX BACKEND..., before which
 * `own` allows more options; false, with a line that says so, where it is none.
 */
bool run_read_options(struct run_options *out, const char *own, int argc, char **argv);

/* Every backend has had as many packets as that, or is left out. */
bool run_is_done(const struct run_options *options);

/* A line for each backend; returns the exit status. */
int run_report(const struct run_options *options);

/* Seconds. */
double run_now(void);

/* On one CPU, frames come out in the order in which they were sent. */
void run_on_one_cpu(void);

/* In hex, with a star where it differs from the other one. */
void run_print_frame(const char *title, const struct stream_frame *frame,
		     const struct stream_frame *other);

#endif
