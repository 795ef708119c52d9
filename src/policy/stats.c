/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "policy/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
}

static bool has_cover(const struct em_format *format, const struct em_entity *entity,
		      const struct em_cover *cover)
{
	return !memcmp(entity->tag, cover->first, format->tag.length) &&
	       !memcmp(em_entity_last(entity), cover->last, format->tag.length);
}

void em_stats_add_entity(struct em_count *into, const struct em_format *format,
			 const struct em_cover *cover, const struct em_count *count, size_t *guess)
{
	bool one = !memcmp(cover->first, cover->last, format->tag.length);
	const struct em_entity *entity = NULL;

	if (*guess < format->n_entities)
		entity = &format->entities[*guess];
	if (!entity || !has_cover(format, entity, cover))
		entity = em_format_find(format, cover->first, one ? NULL : cover->last);
	if (!entity)
		return;
	*guess = (size_t)(entity - format->entities);
	add_count(&into[(*guess)++], count);
}

static void add_entities(struct em_count *into, const struct em_format *format,
			 const struct em_count *from, const struct em_format *old)
{
	size_t guess = 0;

	if (old->tag.length != format->tag.length)
		return;
	for (size_t i = 0; i < old->n_entities; i++) {
		struct em_cover cover;

		if (!from[i].packets && !from[i].bytes)
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
	for (size_t i = 0; i < old->n_listeners; i++) {
		size_t found = find_listener(policy, old->listeners[i].name);

		if (found == policy->n_listeners)
			continue;
		add_listener(&into->listeners[found], &from->listeners[i]);
		add_formats(&into->listeners[found], &policy->listeners[found], &from->listeners[i],
			    &old->listeners[i]);
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
	if (class->entity) {
		struct em_count *entity =
			listener->entities +
			em_listener_entities_before(class->listener, class->format) +
			(class->entity - class->format->entities);

		entity->packets++;
		entity->bytes += class->bytes;
	}
}
