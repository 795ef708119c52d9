/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "policy/copies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool same(const struct em_copies *a, const struct em_copies *b)
{
	return a->n == b->n && !memcmp(a->ports, b->ports, a->n * sizeof(a->ports[0]));
}

int em_copies_add(struct em_listener *listener, const struct em_copies *list, uint8_t *number)
{
	size_t n = listener->n_copy_lists, i = 0;
	struct em_copies *grown;

	while (i < n && !same(&listener->copy_lists[i], list))
		i++;
	if (i == EM_COPY_LISTS_MAX)
		return -E2BIG;
	if (i == n) {
		grown = reallocarray(listener->copy_lists, n + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		listener->copy_lists = grown;
		listener->copy_lists[listener->n_copy_lists++] = *list;
	}
	*number = (uint8_t)(1 + i);
	return 0;
}

const struct em_copies *em_copies_own(const struct em_listener *listener,
				      const struct em_entity *entity)
{
	return entity->copies ? &listener->copy_lists[entity->copies - 1] : NULL;
}

static size_t append(const struct em_copies *list, uint16_t *ports, size_t n)
{
	for (uint8_t i = 0; list && i < list->n; i++)
		ports[n++] = list->ports[i];
	return n;
}

size_t em_copies_of(const struct em_listener *listener, const struct em_entity *entity,
		    uint16_t ports[EM_COPIES_EACH])
{
	size_t n = append(&listener->copies, ports, 0);

	return append(entity ? em_copies_own(listener, entity) : &listener->unknown_copies, ports,
		      n);
}

/* The first list, or NULL. */
static const struct em_copies *first(const struct em_listener *listener)
{
	if (listener->copies.n)
		return &listener->copies;
	if (listener->unknown_copies.n)
		return &listener->unknown_copies;
	return listener->n_copy_lists ? &listener->copy_lists[0] : NULL;
}

bool em_copies_any(const struct em_listener *listener)
{
	return first(listener);
}

const struct em_place *em_copies_first(const struct em_policy *policy)
{
	return em_copies_on(policy, NULL);
}

const struct em_place *em_copies_on(const struct em_policy *policy, const char *interface)
{
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		/* One without any interface waits for all of them. */
		if (em_copies_any(listener) && listener->n_interfaces &&
		    (!interface || em_listener_on(listener, interface)))
			return &first(listener)->place;
	}
	return NULL;
}

void em_copies_each(const struct em_listener *listener, em_copies_fn *take, void *context)
{
	if (listener->copies.n)
		take(context, "copies", &listener->copies);
	if (listener->unknown_copies.n)
		take(context, "unknown_copies", &listener->unknown_copies);
	for (size_t i = 0; i < listener->n_copy_lists; i++)
		take(context, "copies", &listener->copy_lists[i]);
}
