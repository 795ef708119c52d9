/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * finish_copies - what ports of copies may not be: a port that gets the datagram already, and one
 * of a listener on the same interface.
 */
#include <stdio.h>

#include "policy/copies.h"
#include "policy/finish.h"

static bool has(const struct em_copies *list, uint16_t port)
{
	for (uint8_t i = 0; list && i < list->n; i++)
		if (list->ports[i] == port)
			return true;
	return false;
}

/* Two lists of which a datagram gets both; whose is the second one, or "". */
static int check_pair(const struct em_listener *listener, const struct em_copies *list,
		      const char *whose, const struct em_place *place, struct em_diag *diag)
{
	for (uint8_t i = 0; list && i < list->n; i++)
		if (has(&listener->copies, list->ports[i]))
			return em_diag_error(diag, -EM_EUSAGE, place,
					     "listener \"%s\": %scopies: %u is in copies of the "
					     "listener already, expected another port",
					     listener->name, whose, list->ports[i]);
	return 0;
}

/* Where the datagram itself goes: to no port of the lists. */
static int check_own(const struct em_listener *listener, const struct em_action *action,
		     const struct em_copies *list, const char *key, const struct em_place *place,
		     struct em_diag *diag)
{
	if (action->verdict != EM_PORT ||
	    (!has(list, action->port) && !has(&listener->copies, action->port)))
		return 0;
	return em_diag_error(diag, -EM_EUSAGE, place,
			     "listener \"%s\": %s: %u is one of the copies, expected a port that "
			     "gets none",
			     listener->name, key, action->port);
}

static int check_entity(const struct em_listener *listener, const struct em_format *format,
			const struct em_entity *entity, struct em_diag *diag)
{
	const struct em_copies *own = em_copies_own(listener, entity);
	char text[EM_COVER_TEXT_MAX], key[EM_ENTITY_NAME_MAX + EM_COVER_TEXT_MAX + 16];
	const char *name = em_entity_name(format, entity, text);
	int result;

	snprintf(key, sizeof(key), "entity \"%s\": port", name);
	result = check_own(listener, &entity->action, own, key, &entity->place, diag);
	snprintf(key, sizeof(key), "entity \"%s\": ", name);
	return check_pair(listener, own, key, &entity->place, diag) ? -EM_EUSAGE : result;
}

int em_finish_copies(const struct em_listener *listener, const struct em_format *format,
		     struct em_diag *diag)
{
	const struct em_copies *unknown = &listener->unknown_copies;
	int result = check_own(listener, &format->unknown, unknown, "unknown",
			       unknown->n ? &unknown->place : &listener->copies.place, diag);

	if (!listener->copies.n && !listener->n_copy_lists)
		return result;
	for (size_t i = 0; i < format->n_entities; i++)
		if (!format->entities[i].unreadable &&
		    check_entity(listener, format, &format->entities[i], diag))
			result = -EM_EUSAGE;
	return result;
}

/* The list of one listener, and the other one. */
struct loop {
	const struct em_listener *from, *to;
	struct em_diag *diag;
	int result;
};

static const char *share_interface(const struct em_listener *a, const struct em_listener *b)
{
	for (size_t i = 0; i < a->n_interfaces; i++)
		if (em_listener_on(b, a->interfaces[i].name))
			return a->interfaces[i].name;
	return NULL;
}

static void check_loop(void *context, const char *key, const struct em_copies *list)
{
	struct loop *loop = context;
	const char *interface = NULL;
	char line[512];

	if (has(list, loop->to->port))
		interface = share_interface(loop->from, loop->to);
	if (!interface)
		return;
	loop->result =
		em_diag_error(loop->diag, -EM_EUSAGE, &list->place,
			      "listener \"%s\": %s: %u is the port of listener \"%s\" on %s (%s), "
			      "expected a port "
			      "of no listener",
			      loop->from->name, key, loop->to->port, loop->to->name, interface,
			      em_finish_where(&loop->to->place, &list->place, line, sizeof(line)));
}

int em_finish_loops(const struct em_policy *policy, struct em_diag *diag)
{
	struct loop loop = {.diag = diag};

	for (size_t i = 0; i < policy->n_listeners; i++) {
		loop.from = &policy->listeners[i];
		for (size_t j = 0; em_copies_any(loop.from) && j < policy->n_listeners; j++) {
			loop.to = &policy->listeners[j];
			if (!loop.to->unreadable)
				em_copies_each(loop.from, check_loop, &loop);
		}
		if (check_pair(loop.from, &loop.from->unknown_copies, "unknown_",
			       &loop.from->unknown_copies.place, diag))
			loop.result = -EM_EUSAGE;
	}
	return loop.result;
}
