/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * generate_copies - ports that get copies.
 */
#include "generate.h"

/* A port is in one list of a datagram only: these are of listeners, and these of the others. */
#define OF_LISTENERS 20000
#define OF_OTHERS    20100
#define EACH	     6

static bool goes_to(const struct em_action *action, uint16_t port)
{
	return action->verdict == EM_PORT && action->port == port;
}

static bool is_used(const struct model_policy *policy, uint16_t port)
{
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct model_listener *listener = &policy->listeners[i];

		if (listener->port == port || goes_to(&listener->unknown, port))
			return true;
		for (uint8_t j = 0; j < listener->n_entities; j++)
			if (goes_to(&listener->entities[j].action, port))
				return true;
	}
	return false;
}

static void make_copies(struct random *random, const struct model_policy *policy, uint16_t first,
			struct model_copies *copies)
{
	unsigned int n = 1 + random_below(random, EM_COPIES_MAX);

	for (; n; n--) {
		uint16_t port = first + random_below(random, EACH);
		bool known = is_used(policy, port);

		for (uint8_t i = 0; i < copies->n; i++)
			known |= copies->ports[i] == port;
		if (!known)
			copies->ports[copies->n++] = port;
	}
}

void generate_copies(struct random *random, struct model_policy *policy)
{
	for (size_t i = 0; i < policy->n_listeners; i++) {
		struct model_listener *listener = &policy->listeners[i];

		if (random_chance(random, 40))
			make_copies(random, policy, OF_LISTENERS, &listener->copies);
		if (random_chance(random, 40))
			make_copies(random, policy, OF_OTHERS, &listener->unknown_copies);
		for (uint8_t j = 0; j < listener->n_entities; j++)
			if (random_chance(random, 40))
				make_copies(random, policy, OF_OTHERS,
					    &listener->entities[j].copies);
	}
}
