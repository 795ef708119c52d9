/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "policy/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

int em_stats_new(struct em_stats **out, const struct em_policy *policy)
{
	struct em_stats *stats __attribute__((cleanup(em_stats_freep))) = calloc(1, sizeof(*stats));

	if (!stats)
		return -ENOMEM;
	stats->listeners = calloc(policy->n_listeners, sizeof(*stats->listeners));
	if (!stats->listeners && policy->n_listeners)
		return -ENOMEM;
	stats->n_listeners = policy->n_listeners;
	for (size_t i = 0; i < stats->n_listeners; i++) {
		size_t n = em_listener_entities(&policy->listeners[i]);
		struct em_listener_stats *listener = &stats->listeners[i];

		listener->entities = calloc(n, sizeof(*listener->entities));
		if (!listener->entities && n)
			return -ENOMEM;
		listener->n_entities = n;
	}
	*out = stats;
	stats = NULL;
	return 0;
}

void em_stats_free(struct em_stats *stats)
{
	if (!stats)
		return;
	for (size_t i = 0; i < stats->n_listeners; i++)
		free(stats->listeners[i].entities);
	free(stats->listeners);
	free(stats);
}

void em_stats_freep(struct em_stats **stats)
{
	em_stats_free(*stats);
}

static void add_count(struct em_count *into, const struct em_count *from)
{
	into->packets += from->packets;
	into->bytes += from->bytes;
	into->copied += from->copied;
	if (from->last > into->last)
		into->last = from->last;
}

/* All but the entities. */
static void add_listener(struct em_listener_stats *into, const struct em_listener_stats *from)
{
	add_count(&into->total, &from->total);
	into->rewritten += from->rewritten;
	into->passed += from->passed;
	into->dropped += from->dropped;
	into->unknown += from->unknown;
	for (int reason = 0; reason < EM_REASONS; reason++)
		into->invalid[reason] += from->invalid[reason];
	into->copied += from->copied;
	into->copy_errors += from->copy_errors;
}

void em_stats_add_entity(struct em_count *into, const struct em_format *format,
			 const struct em_cover *cover, const struct em_count *count, size_t *guess)
{
	const struct em_entity *entity = em_format_find_cover(format, cover, guess);

	if (entity)
		add_count(&into[entity - format->entities], count);
}

static void add_entities(struct em_count *into, const struct em_format *format,
			 const struct em_count *from, const struct em_format *old)
{
	size_t guess = 0;

	if (old->tag.length != format->tag.length)
		return;
	for (size_t i = 0; i < old->n_entities; i++) {
		struct em_cover cover;

		if (!from[i].packets && !from[i].bytes && !from[i].last)
			continue;
		em_entity_cover(&old->entities[i], &cover);
		em_stats_add_entity(into, format, &cover, &from[i], &guess);
	}
}

static void add_formats(struct em_listener_stats *into, const struct em_listener *listener,
			const struct em_listener_stats *from, const struct em_listener *old)
{
	for (size_t i = 0; i < old->n_formats; i++) {
		const struct em_format *before = &old->formats[i];
		const struct em_format *format = em_listener_format(listener, before->name);

		if (format)
			add_entities(into->entities + em_listener_entities_before(listener, format),
				     format,
				     from->entities + em_listener_entities_before(old, before),
				     before);
	}
}

/* The index of the listener, or n_listeners where the policy has none of this name. */
static size_t find_listener(const struct em_policy *policy, const char *name)
{
	size_t i;

	for (i = 0; i < policy->n_listeners; i++)
		if (!strcmp(policy->listeners[i].name, name))
			break;
	return i;
}

void em_stats_add(struct em_stats *into, const struct em_policy *policy,
		  const struct em_stats *from, const struct em_policy *old)
{
	if (from->since > into->since)
		into->since = from->since;
	for (size_t i = 0; i < old->n_listeners; i++) {
		size_t found = find_listener(policy, old->listeners[i].name);

		if (found == policy->n_listeners)
			continue;
		add_listener(&into->listeners[found], &from->listeners[i]);
		add_formats(&into->listeners[found], &policy->listeners[found], &from->listeners[i],
			    &old->listeners[i]);
	}
}

static void drop_entities(struct em_count *counts, const struct em_format *format,
			  const struct em_format *other)
{
	size_t guess = 0;

	if (!other || other->tag.length != format->tag.length)
		return;
	for (size_t i = 0; i < format->n_entities; i++) {
		struct em_cover cover;

		em_entity_cover(&format->entities[i], &cover);
		if (em_format_find_cover(other, &cover, &guess))
			counts[i] = (struct em_count){0};
	}
}

static void drop_listener(struct em_listener_stats *stats, const struct em_listener *listener,
			  const struct em_listener *other)
{
	struct em_count *entities = stats->entities;
	size_t n = stats->n_entities;

	*stats = (struct em_listener_stats){.entities = entities, .n_entities = n};
	for (size_t i = 0; i < listener->n_formats; i++) {
		const struct em_format *format = &listener->formats[i];

		drop_entities(entities + em_listener_entities_before(listener, format), format,
			      em_listener_format(other, format->name));
	}
}

void em_stats_drop_shared(struct em_stats *stats, const struct em_policy *policy,
			  const struct em_policy *other)
{
	for (size_t i = 0; i < policy->n_listeners; i++) {
		size_t found = find_listener(other, policy->listeners[i].name);

		if (found < other->n_listeners)
			drop_listener(&stats->listeners[i], &policy->listeners[i],
				      &other->listeners[found]);
	}
}

static uint64_t negated(uint64_t value)
{
	return -value;
}

static uint64_t settled(uint64_t value)
{
	return value >> 63 ? 0 : value;
}

static void change_count(struct em_count *count, uint64_t (*change)(uint64_t value))
{
	count->packets = change(count->packets);
	count->bytes = change(count->bytes);
	count->copied = change(count->copied);
}

static void change_all(struct em_stats *stats, uint64_t (*change)(uint64_t value))
{
	for (size_t i = 0; i < stats->n_listeners; i++) {
		struct em_listener_stats *listener = &stats->listeners[i];

		change_count(&listener->total, change);
		listener->rewritten = change(listener->rewritten);
		listener->passed = change(listener->passed);
		listener->dropped = change(listener->dropped);
		listener->unknown = change(listener->unknown);
		for (int reason = 0; reason < EM_REASONS; reason++)
			listener->invalid[reason] = change(listener->invalid[reason]);
		listener->copied = change(listener->copied);
		listener->copy_errors = change(listener->copy_errors);
		for (size_t j = 0; j < listener->n_entities; j++)
			change_count(&listener->entities[j], change);
	}
}

void em_stats_negate(struct em_stats *stats)
{
	change_all(stats, negated);
}

void em_stats_settle(struct em_stats *stats)
{
	change_all(stats, settled);
}

static uint64_t last_seen(const struct em_stats *sums, const struct em_count *sum,
			  const struct em_count *live, const struct em_count *seen)
{
	if (seen)
		return live->packets == seen->packets ? seen->last : sums->read_at;
	return live->packets ? EM_LAST_UNKNOWN : sum->last;
}

void em_stats_note(struct em_stats *sums, const struct em_stats *live, const struct em_stats *seen)
{
	sums->since = seen ? seen->since : sums->read_at;
	for (size_t i = 0; i < sums->n_listeners; i++) {
		const struct em_listener_stats *now = &live->listeners[i];

		for (size_t j = 0; j < now->n_entities; j++) {
			struct em_count *sum = &sums->listeners[i].entities[j];

			sum->last = last_seen(sums, sum, &now->entities[j],
					      seen ? &seen->listeners[i].entities[j] : NULL);
		}
	}
}

void em_stats_take_times(struct em_stats *stats, const struct em_stats *from)
{
	stats->read_at = from->read_at;
	stats->wall_at = from->wall_at;
	stats->since = from->since;
	for (size_t i = 0; i < stats->n_listeners; i++)
		for (size_t j = 0; j < stats->listeners[i].n_entities; j++)
			stats->listeners[i].entities[j].last = from->listeners[i].entities[j].last;
}

/* A baseline of an older version counts, and knows no times. */
enum em_seen em_count_seen(const struct em_count *count)
{
	if (count->last > EM_LAST_UNKNOWN)
		return EM_SEEN_AT;
	return count->last || count->packets ? EM_SEEN_UNKNOWN : EM_SEEN_NEVER;
}

uint64_t em_stats_age(const struct em_stats *stats, const struct em_count *count)
{
	return count->last < stats->read_at ? stats->read_at - count->last : 0;
}

bool em_stats_is_silent(const struct em_stats *stats, const struct em_count *count,
			uint32_t seconds)
{
	const uint64_t ns = seconds * EM_SECOND;

	switch (em_count_seen(count)) {
	case EM_SEEN_AT:
		return em_stats_age(stats, count) >= ns;
	case EM_SEEN_UNKNOWN:
		return stats->read_at - stats->since >= ns;
	case EM_SEEN_NEVER:
		break;
	}
	return true;
}

void em_stats_count(struct em_stats *stats, const struct em_policy *policy,
		    const struct em_classification *class)
{
	struct em_listener_stats *listener;

	if (class->result == EM_NOT_OURS)
		return;
	listener = &stats->listeners[class->listener - policy->listeners];
	listener->total.packets++;
	listener->total.bytes += class->bytes;
	listener->rewritten += class->result == EM_REWRITTEN;
	listener->passed += class->result == EM_PASSED;
	listener->dropped += class->result == EM_DROPPED;
	listener->unknown += class->result == EM_UNKNOWN;
	if (class->result == EM_INVALID)
		listener->invalid[class->reason]++;
	listener->copied += class->n_copies > 0;
	if (class->entity) {
		struct em_count *entity =
			listener->entities +
			em_listener_entities_before(class->listener, class->format) +
			(class->entity - class->format->entities);

		entity->packets++;
		entity->bytes += class->bytes;
		entity->copied += class->n_copies > 0;
	}
}
