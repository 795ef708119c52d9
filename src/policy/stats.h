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

/* There was one, and nobody knows when. Any time is later. */
#define EM_LAST_UNKNOWN 1

struct em_count {
	uint64_t packets;
	uint64_t bytes; /* from the IP header to the end of the frame */
	/*
	 * Of an entity: when the last one came, in ns of CLOCK_MONOTONIC, or EM_LAST_UNKNOWN; 0:
	 * nobody has seen one.
	 */
	uint64_t last;
	uint64_t copied; /* of an entity: packets of which copies were made */
};

struct em_listener_stats {
	struct em_count total;
	uint64_t rewritten; /* packets of entities, by what becomes of them */
	uint64_t passed;
	uint64_t dropped;
	uint64_t unknown;
	uint64_t invalid[EM_REASONS];
	uint64_t copied;	   /* packets of which copies were made */
	uint64_t copy_errors;	   /* copies that could not be made, where the backend is told */
	struct em_count *entities; /* as many and in the order of the entities of all its formats */
	size_t n_entities;
};

struct em_stats {
	struct em_listener_stats *listeners; /* as many and in the order of the policy's */
	size_t n_listeners;
	/* When they were read: 0 where no `last` is known, as in a sum over a capture. */
	uint64_t read_at; /* ns of CLOCK_MONOTONIC */
	uint64_t wall_at; /* the same moment in ns since 1970 */
	/* Entities with EM_LAST_UNKNOWN had no datagram since then: ns of CLOCK_MONOTONIC. */
	uint64_t since;
};

/* All zero, shaped like the policy, in *out.  Returns 0 or -ENOMEM. */
int em_stats_new(struct em_stats **out, const struct em_policy *policy);
void em_stats_free(struct em_stats *stats);
void em_stats_freep(struct em_stats **stats);

/*
 * Adds `from`, counted under the policy `old`, to `into`: listeners are matched by name, entities
 * by the name of their format and by what they cover (and equal tag length).  What only one of the
 * two has is left alone.  Of two times the later one counts.
 */
void em_stats_add(struct em_stats *into, const struct em_policy *policy,
		  const struct em_stats *from, const struct em_policy *old);

/*
 * Sets to zero what `other` has as well, of counters that were counted under `policy`: the sums of
 * listeners of the same name, and entities as matched above.
 */
void em_stats_drop_shared(struct em_stats *stats, const struct em_policy *policy,
			  const struct em_policy *other);

/* Every counter becomes its negative modulo 2^64; times stay. */
void em_stats_negate(struct em_stats *stats);

/*
 * Sets every "negative" sum (2^63 or more) to 0. For counters whose live part is gone: the offset
 * of a reset is then larger than what is left.
 */
void em_stats_settle(struct em_stats *stats);

/*
 * For counters that know no times: sets `last` of each entity of sums, and `since`, from how its
 * counter has moved.  live is what the kernel counts now, sums the same with the baseline, seen
 * what live was at the look before, with its times; NULL: there was none.  All have one shape.
 * sums->read_at is the time of this look, which is when a datagram that came in between counts as
 * seen.
 */
void em_stats_note(struct em_stats *sums, const struct em_stats *live, const struct em_stats *seen);

/* Takes the times of another one of the same shape. */
void em_stats_take_times(struct em_stats *stats, const struct em_stats *from);

/* What is known of an entity's last datagram. */
enum em_seen { EM_SEEN_AT, EM_SEEN_UNKNOWN, EM_SEEN_NEVER };
enum em_seen em_count_seen(const struct em_count *count);

/* ns since the last datagram of an entity of EM_SEEN_AT. */
uint64_t em_stats_age(const struct em_stats *stats, const struct em_count *count);
/*
 * Whether it is known that an entity had no datagram for these seconds; one that was never seen had
 * none.
 */
bool em_stats_is_silent(const struct em_stats *stats, const struct em_count *count,
			uint32_t seconds);

/*
 * Adds to the entity that covers just this, where the format has one; `into` has one for each of
 * its entities.  For *guess see em_format_find_cover().
 */
void em_stats_add_entity(struct em_count *into, const struct em_format *format,
			 const struct em_cover *cover, const struct em_count *count, size_t *guess);

/* Counts a packet as the reference has classified it under this policy. */
void em_stats_count(struct em_stats *stats, const struct em_policy *policy,
		    const struct em_classification *class);

#endif
