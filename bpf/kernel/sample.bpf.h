/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * sample - copies packets for the administrator, before they are rewritten.  Programs that are
 * loaded without samples do not have it.
 */
#ifndef EM_SAMPLE_BPF_H
#define EM_SAMPLE_BPF_H

#include "bpf/kernel/maps.bpf.h"
#include "bpf/kernel/parse.bpf.h"

static __always_inline bool em_may_sample(__u64 now)
{
	const __u32 zero = 0;
	struct em_abi_sampled *sampled = bpf_map_lookup_elem(&entitymux_smpd, &zero);
	__u64 window = now / EM_ABI_SAMPLE_WINDOW;

	if (!sampled)
		return false;
	if (sampled->window != window) {
		sampled->window = window;
		sampled->samples = 0;
	}
	return sampled->samples++ < EM_ABI_SAMPLES;
}

/*
 * Why the datagram at hand may be copied; em_sample() comes after it.  It is noted here, and not
 * passed on: nothing is to be kept for it where nothing is copied.
 */
static __always_inline void em_note_sample(struct em_abi_listener_count *count, __u32 reason)
{
	if (em_constant(has_samples))
		count->sample = 1 + reason;
}

/*
 * `about` is the VLAN id << 16 | listener.  Whatever fails here, the datagram is sorted all the
 * same.
 *
 * A global function, so that it is verified once.
 */
EM_FUNCTION int em_sample(em_context *context, __u64 end, __u32 about)
{
	__u32 id = about & 0xffff, reason;
	const volatile struct em_abi_listener *listener = em_get_listener(id);
	struct em_abi_listener_count *count = bpf_map_lookup_elem(&entitymux_lcnt, &id);
	struct em_abi_sample sample = {};

	if (!listener || !count || !count->sample)
		return 0;
	reason = count->sample - 1;
	count->sample = 0;
	sample.time = bpf_ktime_get_ns();
	if (!(listener->samples >> (reason & 7) & 1) || !em_may_sample(sample.time))
		return 0;
	sample.ifindex = em_interface(context);
	sample.length = end;
	sample.bytes = end < EM_ABI_SAMPLE_BYTES ? end : EM_ABI_SAMPLE_BYTES;
	sample.vlan = about >> 16;
	sample.listener = id;
	sample.reason = reason;
	bpf_perf_event_output(context, &entitymux_smp,
			      (__u64)sample.bytes << 32 | BPF_F_CURRENT_CPU, &sample,
			      sizeof(sample));
	return 0;
}

#endif
