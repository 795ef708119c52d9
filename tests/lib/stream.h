/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * stream - many frames through the rig at a time.
 */
#ifndef TEST_STREAM_H
#define TEST_STREAM_H

#include "tests/lib/rig.h"

/*
 * Frames on the way at once.  No queue of the kernel between the two ends holds fewer: a veth ring
 * of native XDP has 256 entries.
 */
#define STREAM_WINDOW	 96
#define STREAM_FRAME_MAX 1536

struct stream_frame {
	uint16_t length;
	bool paged; /* of one to send: see packet.h */
	uint8_t bytes[STREAM_FRAME_MAX];
};

/*
 * Sends n <= STREAM_WINDOW frames to in0 or in1, and behind them a sentinel; what arrives before
 * the sentinel goes to seen[STREAM_WINDOW], in order.  Returns how many frames that were (which may
 * be more), or -errno: -EAGAIN where nothing arrived for half a minute, not even the sentinel.
 */
int stream_exchange(struct rig *rig, unsigned int interface,
		    const struct stream_frame *const *frames, unsigned int n,
		    struct stream_frame *seen);

#endif
