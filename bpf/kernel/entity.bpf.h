/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * entity - the entity that a tag names.
 */
#ifndef EM_ENTITY_BPF_H
#define EM_ENTITY_BPF_H

#include <stdbool.h>

#include "bpf/kernel/maps.bpf.h"

/* Where the tag would be. */
static __always_inline bool em_find_slot(const struct em_abi_tag *tag,
					 const volatile struct em_abi_format *format, __u32 *slot)
{
	__u64 hash = em_abi_hash_tag(tag, format->salt, em_constant(entities.multiplier),
				     em_constant(has_long_tags));
	__u32 bucket = em_abi_bucket(hash, em_constant(entities.shift));
	__u32 index = bucket / EM_ABI_PILOTS_EACH;
	const __u64 *pilots = bpf_map_lookup_elem(&entitymux_pilot, &index);

	if (!pilots)
		return false;
	*slot = em_abi_slot(hash, em_abi_pilot(*pilots, bucket), em_constant(entities.slots));
	return true;
}

/*
 * What becomes of the datagrams with this tag, or NULL where no entity has it for itself.  Which
 * map it is in is a constant: the verifier drops the other one.
 */
static __always_inline const struct em_abi_action *
em_find_entity(const struct em_abi_tag *tag, const volatile struct em_abi_format *format,
	       __u32 *counter)
{
	const struct em_abi_short_entity *entity;
	const struct em_abi_entity *long_entity;
	__u32 number = 1 + format->number, slot;

	if (!em_find_slot(tag, format, &slot))
		return NULL;
	*counter = slot;
	if (em_constant(has_long_tags)) {
		long_entity = bpf_map_lookup_elem(&entitymux_ltag, &slot);
		return long_entity && long_entity->tag.low == tag->low &&
				       long_entity->tag.high == tag->high &&
				       long_entity->tag.top == tag->top &&
				       long_entity->format == number
			       ? &long_entity->action
			       : NULL;
	}
	entity = bpf_map_lookup_elem(&entitymux_tag, &slot);
	return entity && entity->low == tag->low && entity->format == number ? &entity->action
									     : NULL;
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

static __always_inline const struct em_abi_action *
em_find_interval(const struct em_abi_tag *tag, const volatile struct em_abi_format *format,
		 __u32 *counter)
{
	const struct em_abi_interval *interval;
	int index;

	if (!format->n_intervals)
		return NULL;
	index = em_search_intervals(tag->top, tag->high, tag->low, format->first_interval,
				    format->n_intervals);
	if (index < 0)
		return NULL;
	*counter = em_constant(entities.slots) + index;
	interval = bpf_map_lookup_elem(&entitymux_ival, &index);
	return interval ? &interval->action : NULL;
}

#endif
