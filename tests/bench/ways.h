/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * ways - to sort datagrams, or not to: what is measured, put on a host and taken away again.
 */
#ifndef BENCH_WAYS_H
#define BENCH_WAYS_H

#include "bench.h"
#include "generator.h"
#include "host.h"

struct way {
	const char *what;
	const char *backend; /* of entitymux; NULL: another way */
	const char *other;   /* what others.sh calls it; NULL: it is not from there */
	const char *keys;    /* of the listener, besides */
	bool empty_xdp;	     /* nothing but an XDP program that lets everything pass */
	bool only_ip4;
	bool answers;	       /* come back from the listener's port */
	uint32_t entities_max; /* it makes sense with; 0: it has none, and all stays on the port */
};

extern const struct way ways[];
extern const size_t n_ways;

/* How it ended, with a line that says why where it is not 0. */
#define WAY_ABSENT  1
#define WAY_FAILED  2
#define WAY_MESSAGE 160

/* Puts a way on a host, whose end of the wire is in0. */
int way_put(const struct way *way, const struct bench *bench, const struct host *host,
	    const struct generator *generator, uint32_t entities, char message[WAY_MESSAGE]);
int way_take(const struct way *way, const struct bench *bench, const struct host *host,
	     char message[WAY_MESSAGE]);

/* What is compared with always is. */
bool way_is_asked_for(const struct way *way, const struct bench *bench);

/* The port on which datagrams arrive. */
uint16_t way_port(const struct way *way);

#endif
