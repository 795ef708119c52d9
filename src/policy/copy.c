/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * copy - a second policy like one that has been read and checked, without reading it again.
 *
 * What is copied so far can be freed at any point: no pointer is one of the original's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

/* NULL where there is nothing, or out of memory. */
static void *copy_of(const void *from, size_t n, size_t size)
{
	void *to = from ? reallocarray(NULL, n + 1, size) : NULL;

	if (to)
		memcpy(to, from, n * size);
	return to;
}

static int copy_check(struct em_check *to, const struct em_check *from)
{
	*to = *from;
	to->bytes = copy_of(from->bytes, from->length, 1);
	to->mask = copy_of(from->mask, from->length, 1);
	return !to->bytes != !from->bytes || !to->mask != !from->mask ? -ENOMEM : 0;
}

static int copy_entity(struct em_entity *to, const struct em_entity *from)
{
	*to = *from;
	to->name = from->name ? strdup(from->name) : NULL;
	to->last = copy_of(from->last, EM_TAG_MAX, 1);
	return !to->name != !from->name || !to->last != !from->last ? -ENOMEM : 0;
}

static int copy_entities(struct em_format *to, const struct em_format *from)
{
	int rc = 0;

	to->entities = reallocarray(NULL, from->n_entities + 1, sizeof(*to->entities));
	if (!to->entities)
		return -ENOMEM;
	while (!rc && to->n_entities < from->n_entities) {
		size_t i = to->n_entities++;

		rc = copy_entity(&to->entities[i], &from->entities[i]);
	}
	return rc;
}

static int copy_format(struct em_format *to, const struct em_format *from)
{
	int rc = 0;

	*to = *from;
	to->n_checks = 0;
	to->entities = NULL;
	to->n_entities = 0;
	to->by_tag = copy_of(from->by_tag, from->n_entities, sizeof(*to->by_tag));
	to->intervals = copy_of(from->intervals, from->n_intervals, sizeof(*to->intervals));
	if (!to->by_tag != !from->by_tag || !to->intervals != !from->intervals)
		rc = -ENOMEM;
	while (!rc && to->n_checks < from->n_checks) {
		size_t i = to->n_checks++;

		rc = copy_check(&to->checks[i], &from->checks[i]);
	}
	return rc ? rc : copy_entities(to, from);
}

static int copy_listener(struct em_listener *to, const struct em_listener *from)
{
	int rc = 0;

	*to = *from;
	to->interfaces = copy_of(from->interfaces, from->n_interfaces, sizeof(*to->interfaces));
	to->addresses = copy_of(from->addresses, from->n_addresses, sizeof(*to->addresses));
	to->sources = copy_of(from->sources, from->n_sources, sizeof(*to->sources));
	to->copy_lists = copy_of(from->copy_lists, from->n_copy_lists, sizeof(*to->copy_lists));
	to->formats = calloc(from->n_formats + 1, sizeof(*to->formats));
	to->n_formats = 0;
	if (!to->formats || !to->interfaces != !from->interfaces ||
	    !to->addresses != !from->addresses || !to->sources != !from->sources ||
	    !to->copy_lists != !from->copy_lists)
		return -ENOMEM;
	while (!rc && to->n_formats < from->n_formats) {
		size_t i = to->n_formats++;

		rc = copy_format(&to->formats[i], &from->formats[i]);
	}
	return rc;
}

int em_policy_copy(struct em_policy **out, const struct em_policy *policy)
{
	struct em_policy *copy __attribute__((cleanup(em_policy_freep))) = NULL;
	int rc = em_policy_new(&copy);

	if (rc)
		return rc;
	copy->backend = policy->backend;
	copy->listeners = calloc(policy->n_listeners + 1, sizeof(*copy->listeners));
	if (!copy->listeners)
		return -ENOMEM;
	while (!rc && copy->n_listeners < policy->n_listeners) {
		size_t i = copy->n_listeners++;

		rc = copy_listener(&copy->listeners[i], &policy->listeners[i]);
	}
	if (rc)
		return rc;
	*out = copy;
	copy = NULL;
	return 0;
}
