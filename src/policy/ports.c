/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "policy/ports.h"

#include <stddef.h>

#include "policy/copies.h"

#define FIRST_FREE 1024

void em_ports_add(struct em_ports *ports, uint16_t port)
{
	ports->words[port / EM_PORTS_EACH] |= UINT64_C(1) << port % EM_PORTS_EACH;
}

bool em_ports_has(const struct em_ports *ports, uint16_t port)
{
	return ports->words[port / EM_PORTS_EACH] >> port % EM_PORTS_EACH & 1;
}

void em_ports_subtract(struct em_ports *ports, const struct em_ports *other)
{
	for (size_t i = 0; i < sizeof(ports->words) / sizeof(ports->words[0]); i++)
		ports->words[i] &= ~other->words[i];
}

static void add_action(struct em_ports *ports, const struct em_action *action)
{
	if (action->verdict == EM_PORT)
		em_ports_add(ports, action->port);
}

static void add_copies(void *context, const char *key, const struct em_copies *list)
{
	(void)key;
	for (uint8_t i = 0; i < list->n; i++)
		em_ports_add(context, list->ports[i]);
}

void em_ports_add_targets(struct em_ports *ports, const struct em_policy *policy)
{
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		add_action(ports, &listener->invalid);
		em_copies_each(listener, add_copies, ports);
		for (size_t j = 0; j < listener->n_formats; j++) {
			const struct em_format *format = &listener->formats[j];

			add_action(ports, &format->unknown);
			for (size_t k = 0; k < format->n_entities; k++)
				add_action(ports, &format->entities[k].action);
		}
	}
}

/* What is below is for those who may bind to it. */
uint16_t em_ports_next_free(const struct em_ports *ports, uint16_t after)
{
	for (uint32_t i = 0; i <= UINT16_MAX; i++) {
		after = after < FIRST_FREE || after == UINT16_MAX ? FIRST_FREE : after + 1;
		if (!em_ports_has(ports, after))
			return after;
	}
	return 0;
}

bool em_ports_range(const struct em_ports *ports, uint32_t from, uint16_t *first, uint16_t *last)
{
	while (from <= UINT16_MAX && !em_ports_has(ports, from))
		from++;
	if (from > UINT16_MAX)
		return false;
	*first = from;
	while (from < UINT16_MAX && em_ports_has(ports, from + 1))
		from++;
	*last = from;
	return true;
}
