/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * generate - what the generator's program and the benchmark both know.
 */
#ifndef BENCH_GENERATE_H
#define BENCH_GENERATE_H

#include <linux/types.h>

struct generate_state {
	__u32 random;	/* the last number */
	__u32 entities; /* tags are 0 to this - 1 */
	__u32 sum;	/* of the words that the UDP checksum covers, but the tag's and its own */
	__be16 port;	/* destination */
	__u16 reserved;
};

#endif
