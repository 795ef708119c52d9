/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * clock - when a datagram came.
 */
#ifndef EM_CLOCK_BPF_H
#define EM_CLOCK_BPF_H

#include "bpf/kernel/maps.bpf.h"

/*
 * The time, some milliseconds late: a tick of the kernel is read in line, and the clock only once a
 * tick, which costs ten times as much.
 */
static __always_inline __u64 em_now(struct em_abi_listener_count *count)
{
	__u64 tick;

	if (EM_IS_UNROLLED || !em_constant(has_jiffies))
		return bpf_ktime_get_ns();
	tick = bpf_jiffies64();
	if (count->tick != tick) {
		count->tick = tick;
		count->now = bpf_ktime_get_ns();
	}
	return count->now;
}

#endif
