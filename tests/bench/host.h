/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * host - a receiver in a network namespace of its own, on a wire from ours.  bench.sh lays two of
 * them: one that is left bare, and one that is measured.
 *
 *	sender namespace              receiver's
 *	out-NAME -------------------- in0       192.0.2.1, 2001:db8::1
 */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/rig.h"

struct host {
	const char *name;     /* of the namespace */
	char out[16];	      /* our end of the wire */
	unsigned int ifindex; /* of that */
	int namespace;
	int home; /* our namespace */
};

/* What is not as bench.sh leaves it is printed, and ends the program. */
void host_open(struct host *host, const char *name);
void host_close(struct host *host);

/* A command in its namespace, whose arguments end with NULL. */
void host_run(const struct host *host, struct rig_output *output, const char *const *arguments);

/* A native XDP program on the receiver's end, -1: none; 0 or -errno. */
int host_attach(const struct host *host, int program);

/*
 * A socket on a port of the receiver, for IP version 4 or 6, that drops each datagram and counts
 * it: as little as can be done to one that has arrived.
 */
int host_sink(const struct host *host, unsigned int family, uint16_t port);
uint32_t host_sink_count(int sink);

/* A server's socket, and that of a client of ours which is connected to the listener's port.  IPv4.
 */
int host_server(const struct host *host, uint16_t port);
int host_client(const struct host *host);

#endif
