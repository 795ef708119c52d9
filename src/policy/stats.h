/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * stats - the counters of a policy, free of any backend.
 *
 * Sums are modulo 2^64, so that an offset carried over from an earlier policy, or the negative
 * one of a reset, is a plain addition.
 */
#ifndef EM_STATS_H
#define EM_STATS_H

#include <stdint.h>

#include "policy/classify.h"
#include "policy/policy.h"

struct em_count {
	uint64_t packets;
	uint64_t bytes; /* from the IP header to the end of the frame */
};

struct em_listener_stats {
	struct em_count total;
	uint64_t rewritten; /* packets of entities, by what becomes of them */
	uint64_t passed;
	uint64_t dropped;
	uint64_t unknown;
	uint64_t invalid[EM_REASONS];
	struct em_count *entities; /* as many and in the order of the entities of all its formats */
	size_t n_entities;
};

struct em_stats {
	struct em_listener_stats *listeners; /* as many and in the order of the policy's */
	size_t n_listeners;
};

/* All zero, shaped like the policy, in *out.  Returns 0 or -ENOMEM. */
int em_stats_new(struct em_stats **out, const struct em_policy *policy);
void em_stats_free(struct em_stats *stats);
void em_stats_freep(struct em_stats **stats);

/*
 * Adds `from`, counted under the policy `old`, to `into`: listeners are matched by name, entities
 * by the name of their format and by what they cover (and equal tag length).  What only one of the
 * two has is left alone.
 */
void em_stats_add(struct em_stats *into, const struct em_policy *policy,
		  const struct em_stats *from, const struct em_policy *old);

/* Every counter becomes its negative modulo 2^64. */
void em_stats_negate(struct em_stats *stats);

/*
 * Sets every "negative" sum (2^63 or more) to 0. For counters whose live part is gone: the offset
 * of a reset is then larger than what is left.
 */
void em_stats_settle(struct em_stats *stats);

/*
 * Adds to the entity that covers just this, where the format has one; `into` has one for each of
 * its entities.  *guess is the index at which it is looked for first, and becomes the next: two
 * policies have most of their entities in the same order, and a search among a million is a hundred
 * times the addition.
 */
void em_stats_add_entity(struct em_count *into, const struct em_format *format,
			 const struct em_cover *cover, const struct em_count *count, size_t *guess);

/* Counts a packet as the reference has classified it under this policy. */
void em_stats_count(struct em_stats *stats, const struct em_policy *policy,
		    const struct em_classification *class);

#endif
