/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * entity - the entity that a tag names.
 */
#ifndef EM_ENTITY_BPF_H
#define EM_ENTITY_BPF_H

#include <stdbool.h>

#include "bpf/kernel/maps.bpf.h"

static __always_inline const struct em_abi_entity *
em_find_entity(const struct em_abi_tag *tag, const volatile struct em_abi_format *format)
{
	__u32 first = em_abi_hash_entity(tag, format->first_counter), slot, i;
	const struct em_abi_entity *entity;

	for (i = 0; i < em_constant(entities.probes); i++) {
		slot = (first + i) & (em_constant(entities.slots) - 1);
		entity = bpf_map_lookup_elem(&entitymux_tag, &slot);
		if (!entity || entity->action.verdict == EM_ABI_NONE)
			return NULL;
		if (entity->tag.low == tag->low && entity->tag.high == tag->high &&
		    entity->tag.top == tag->top &&
		    entity->counter - format->first_counter < format->n_entities)
			return entity;
	}
	return NULL;
}

static __always_inline bool em_is_less(__u64 top, __u64 high, __u64 low,
				       const struct em_abi_tag *tag)
{
	if (top != tag->top)
		return top < tag->top;
	return high < tag->high || (high == tag->high && low < tag->low);
}

static __always_inline bool em_is_more(__u64 top, __u64 high, __u64 low,
				       const struct em_abi_tag *tag)
{
	if (top != tag->top)
		return top > tag->top;
	return high > tag->high || (high == tag->high && low > tag->low);
}

/*
 * The index of the interval with the tag, of n from the first one on, or -1. A global function, as
 * em_condition(): the verifier follows a step of the search to both sides.
 */
EM_FUNCTION int em_search_intervals(__u64 top, __u64 high, __u64 low, __u32 first, __u32 n)
{
	const struct em_abi_interval *interval;
	__u32 i, index;

	for (i = 0; i < em_constant(interval_steps); i++) {
		if (!n)
			break;
		index = first + n / 2;
		interval = bpf_map_lookup_elem(&entitymux_ival, &index);
		if (!interval)
			break;
		if (em_is_less(top, high, low, &interval->first)) {
			n /= 2;
		} else if (em_is_more(top, high, low, &interval->last)) {
			first = index + 1;
			n -= n / 2 + 1;
		} else {
			return index;
		}
	}
	return -1;
}

static __always_inline const struct em_abi_interval *
em_find_interval(const struct em_abi_tag *tag, const volatile struct em_abi_format *format)
{
	int index;

	if (!format->n_intervals)
		return NULL;
	index = em_search_intervals(tag->top, tag->high, tag->low, format->first_interval,
				    format->n_intervals);
	return index < 0 ? NULL : bpf_map_lookup_elem(&entitymux_ival, &index);
}

#endif
