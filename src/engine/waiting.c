/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/link.h"

static bool has(const struct em_waiting *waiting, const char *name)
{
	for (size_t i = 0; i < waiting->n; i++)
		if (!strcmp(waiting->names[i], name))
			return true;
	return false;
}

/* A listener for which it is an error decides. */
static bool may_wait(const struct em_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		if (policy->listeners[i].missing != EM_MISSING_WAIT &&
		    em_listener_on(&policy->listeners[i], name))
			return false;
	return true;
}

/* Returns 0 or -errno, reported. */
static int look(struct em_waiting *out, const struct em_policy *policy,
		const struct em_interface *interface, struct em_diag *diag)
{
	char own[IF_NAMESIZE];
	void *grown;
	bool up;
	int rc;

	if (has(out, interface->name) || !may_wait(policy, interface->name))
		return 0;
	rc = em_link_find_up(own, interface->name, &up);
	if (rc && rc != -ENODEV)
		return em_diag_errno(diag, rc, &interface->place, "interface %s", interface->name);
	if (!rc && up)
		return 0;
	grown = reallocarray(out->names, out->n + 1, sizeof(*out->names));
	if (!grown)
		return em_diag_enomem(diag);
	out->names = grown;
	memcpy(out->names[out->n++], interface->name, sizeof(*out->names));
	return 0;
}

/*
 * The copies of the listeners share all but their interfaces.  One without any has no conversations
 * either, for which a kernel would have to be able to do something.
 */
static int leave_out(struct em_listener *listener, const struct em_waiting *waiting)
{
	const struct em_interface *all = listener->interfaces;
	size_t n = listener->n_interfaces;

	listener->interfaces = calloc(n + 1, sizeof(*all));
	listener->n_interfaces = 0;
	if (!listener->interfaces)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (!has(waiting, all[i].name))
			listener->interfaces[listener->n_interfaces++] = all[i];
	listener->replies = listener->replies && listener->n_interfaces;
	return 0;
}

static int make_part(struct em_waiting *out, const struct em_policy *policy)
{
	size_t n = policy->n_listeners;
	int rc = 0;

	out->part = *policy;
	out->part.n_listeners = 0;
	out->part.listeners = calloc(n + 1, sizeof(*policy->listeners));
	if (!out->part.listeners)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < n; i++) {
		out->part.listeners[i] = policy->listeners[i];
		rc = leave_out(&out->part.listeners[out->part.n_listeners++], out);
	}
	return rc;
}

int em_waiting_find(struct em_waiting *out, const struct em_policy *policy, struct em_diag *diag)
{
	int rc = 0;

	*out = (struct em_waiting){0};
	for (size_t i = 0; !rc && i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		if (listener->missing != EM_MISSING_WAIT)
			continue;
		for (size_t j = 0; !rc && j < listener->n_interfaces; j++)
			rc = look(out, policy, &listener->interfaces[j], diag);
	}
	if (rc || !out->n)
		return rc;
	return make_part(out, policy) ? em_diag_enomem(diag) : 0;
}

void em_waiting_clear(struct em_waiting *waiting)
{
	for (size_t i = 0; i < waiting->part.n_listeners; i++)
		free(waiting->part.listeners[i].interfaces);
	free(waiting->part.listeners);
	free(waiting->names);
	*waiting = (struct em_waiting){0};
}
