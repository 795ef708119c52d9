/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * router - two network namespaces, one of which routes between three wires.
 *
 *	outside namespace       host namespace: entitymux runs here
 *	tx0 (senders) --------- in0
 *	tx1 (senders) --------- in1  router
 *	tx2 (servers) --------- out
 *
 * Frames are sent on one wire and read back, routed, from another.  No host has a stack outside:
 * what they send is what a test makes up.  Each has the Ethernet address 02:00:00:00:00:01, and the
 * router, on each wire, 02:00:00:00:00:02, as in packet.h.
 */
#ifndef TEST_ROUTER_H
#define TEST_ROUTER_H

#include "policy/policy.h"
#include "tests/lib/stream.h"

enum router_wire { ROUTER_IN0, ROUTER_IN1, ROUTER_OUT, ROUTER_WIRES };

#define ROUTER_HOSTS 4 /* on each wire, and of each family */

/* What else is on it, on the side of the first wire or on all.  Frames pass as on a plain one. */
enum router_arrangement {
	ROUTER_PLAIN,
	ROUTER_PORT, /* in0 is a port of a bridge … */
	ROUTER_PORT_FILTERED,
	ROUTER_NAT,
	ROUTER_UNTRACKED,
	ROUTER_TRACKED,
	ROUTER_BRIDGE, /* … or is one, where there is no native XDP */
	ROUTER_BRIDGE_FILTERED,
	ROUTER_ARRANGEMENTS
};

struct router {
	enum router_arrangement arrangement;
	int senders[ROUTER_WIRES];
	int captures[ROUTER_WIRES];
	uint32_t sentinels; /* sent so far */
};

/* Builds it and moves this process into the host namespace, or ends the program. */
void router_open(struct router *router);

/* The address of a host, 0 to ROUTER_HOSTS - 1, on a wire. */
struct em_address router_address(enum router_wire wire, uint8_t family, unsigned int host);

/*
 * Sends a frame on one wire, and behind it one that is known to come out of another.  Returns how
 * many have come out of that before, the last of which is in *seen, or -ETIMEDOUT.
 */
int router_exchange(struct router *router, enum router_wire from, enum router_wire to,
		    const struct stream_frame *frame, struct stream_frame *seen);

/* Rearranges it.  Nothing of entitymux may be there. */
void router_arrange(struct router *router, enum router_arrangement arrangement);
const char *router_arrangement_name(enum router_arrangement arrangement);

/* Gives an interface the addresses of the router on a wire, and waits until frames pass. */
void router_address_wire(struct router *router, enum router_wire wire, const char *interface);

/* Ends what connection tracking knows of in the host namespace, so that each test begins alike. */
void router_forget(void);

#endif
