/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * bench - what the parts of the benchmark share: how it was started, the policies that are
 * measured, and the tables that come out.
 */
#ifndef BENCH_H
#define BENCH_H

#include <jansson.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "measure.h"

#define BENCH_LISTENER_PORT 5000
#define BENCH_ENTITY_PORT   6001
#define BENCH_MILLION	    1000000

struct bench {
	const char *entitymux; /* the program */
	const char *others;    /* others.sh */
	const char *folder;    /* for configurations */
	uint32_t rounds;
	uint32_t entities_max; /* rows with more are left out */
	const char *word;      /* rows without it in their names are left out; NULL: none is */
	bool failed;	       /* some row has */
};

/* A policy with tags of 4 bytes at the beginning of the payload, 0 to entities - 1. */
struct bench_policy {
	const char *interface;
	uint32_t entities;
	uint16_t port;	     /* of all entities */
	uint32_t neighbours; /* further listeners, on other ports */
	const char *keys;    /* of the listener, besides; or NULL */
	bool unknown_too; /* what no entity has goes to the listener's port, and is not dropped */
	unsigned int sampled; /* reasons of `sample` that runs, by 1 << reason; 0: none does */
};

/* Writes it to the folder as bench.conf.  What cannot be written is printed, and ends the program.
 */
void bench_write_policy(const struct bench *bench, const struct bench_policy *policy,
			char path[256]);

/* A table of what was measured, in Markdown; what its rows are compared with. */
void bench_table(const char *title, const char *baseline, const char *unit,
		 const struct measurement *how);

/* What a row is about, and what came of it.  entities 0: it has none. */
struct bench_row {
	const char *what;
	unsigned int family; /* 4 or 6 */
	uint32_t entities;
};
void bench_measured(const struct bench_row *row, const struct measure_result *result);
/* A way that this host, or this version, does not have. */
void bench_absent(const struct bench_row *row, const char *why);
void bench_failed(struct bench *bench, const struct bench_row *row, const char *why);

/*
 * For the file of -j alone, of tables that are printed otherwise: a table, and a row of the last
 * table with what came of it, which is taken over.
 */
void bench_keep_table(const char *title, const char *baseline, const char *unit,
		      const struct measurement *how);
void bench_keep_row(const struct bench_row *row, json_t *result);

/* The sections. */
void bench_programs(struct bench *bench);
void bench_cpus(struct bench *bench);
void bench_path(struct bench *bench);
void bench_round_trips(struct bench *bench);
void bench_copies(struct bench *bench);
void bench_flood(struct bench *bench);

#endif
