/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * flood - what the program that floods and the benchmark both know.
 */
#ifndef BENCH_FLOOD_H
#define BENCH_FLOOD_H

#include <linux/types.h>

#define FLOOD_KNOWN_EACH 16
#define FLOOD_FRAME_MAX	 256

/* What differs from frame to frame, in an IPv4 datagram without options. */
enum flood_varied { FLOOD_NOTHING, FLOOD_TAGS, FLOOD_IDS, FLOOD_SENDERS };

struct flood_frame {
	__u32 length;
	__u8 bytes[FLOOD_FRAME_MAX];
};

struct flood_state {
	__u32 varied;
	__u32 count;
	struct flood_frame flood, known;
};

#endif
