/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * checks - numbers in the payload, and whether the conditions hold that a format has for them.
 */
#ifndef EM_CHECKS_BPF_H
#define EM_CHECKS_BPF_H

#include <stdbool.h>

#include "bpf/kernel/frame.bpf.h"
#include "bpf/kernel/maps.bpf.h"

/* The masked number that a load describes; `base` is the offset that it counts from. */
static __always_inline bool em_load(em_context *context, __u64 base,
				    const volatile struct em_abi_load *load, __u64 *value)
{
	__be64 bytes;

	if (!em_read(context, base + load->end - sizeof(bytes), &bytes, sizeof(bytes)))
		return false;
	*value = bpf_be64_to_cpu(bytes) & load->mask;
	return true;
}

/* What the condition leads to. */
static __always_inline __u32 em_try_condition(em_context *context, __u64 payload, __u32 index)
{
	const struct em_abi_condition *step;
	__u64 value;

	step = bpf_map_lookup_elem(&entitymux_step, &index);
	if (!step || !em_load(context, payload, &step->load, &value))
		return EM_ABI_FAILS;
	if (step->little_endian)
		value = __builtin_bswap64(value) >> (64 - 8 * step->load.length);
	return value >= step->min && value <= step->max ? step->yes : step->no;
}

/* A global function, as em_walk_headers(): the verifier would follow it anew for each condition. */
EM_FUNCTION int em_condition(em_context *context, __u64 payload, __u32 index)
{
	return em_try_condition(context, payload, index);
}

/* Global, too: it would be followed anew for each format. */
EM_FUNCTION int em_checks_hold(em_context *context, __u64 payload, __u32 first)
{
	__u32 index = first, i;

	EM_UNROLL
	for (i = 0; em_within(i, EM_ABI_UNROLLED_STEPS) && i < em_constant(max_steps); i++) {
		index = em_condition(context, payload, index);
		if (index == EM_ABI_HOLDS || index == EM_ABI_FAILS)
			break;
	}
	return index == EM_ABI_HOLDS;
}

/*
 * So many conditions without a call: a call and its return cost as much as the condition, and
 * several times that where returns are guarded against speculation.
 */
#define EM_STEPS_IN_LINE 4

static __always_inline bool em_few_checks_hold(em_context *context, __u64 payload, __u32 first)
{
	__u32 index = first, i;

	for (i = 0; i < EM_STEPS_IN_LINE && i < em_constant(max_steps); i++) {
		index = em_try_condition(context, payload, index);
		if (index == EM_ABI_HOLDS || index == EM_ABI_FAILS)
			break;
	}
	return index == EM_ABI_HOLDS;
}

static __always_inline bool em_format_checks_hold(em_context *context, __u64 payload,
						  const volatile struct em_abi_format *format)
{
	if (!em_constant(max_steps) || !format->n_steps)
		return true;
	if (!EM_IS_UNROLLED && em_constant(max_steps) <= EM_STEPS_IN_LINE)
		return em_few_checks_hold(context, payload, format->first_step);
	return em_checks_hold(context, payload, format->first_step);
}

#endif
