/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * peers - XDP programs by hand that sort the generator's datagrams, to compare with.
 *
 * They know their only port and where the tag is, and count packets, bytes and the time for each
 * entity. What no entity has they drop.
 *
 *	bare	what nobody can leave out: one slot, at the index that the tag is, and one counter
 *	hash	what one would write first: a hash map of the kernel, and a per-CPU array of
 *counters
 */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include <linux/types.h>

struct peer_entity {
	__u64 tag;
	__u32 counter;
	__u16 used;
	__be16 port;
};

struct peer_count {
	__u64 packets;
	__u64 bytes;
	__u64 last;
};

#ifndef __bpf__
#include <stdint.h>

struct peers;

/* With entities 0 to n - 1.  0, or -errno, unreported. */
int peers_new(struct peers **out, uint32_t entities);
void peers_free(struct peers *peers);

/* The descriptor of the program; -1: there is none of that name. */
int peers_program(const struct peers *peers, const char *name);
#endif

#endif
