/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/link.h"

static bool is_named_twice(const struct em_listener *listener, const struct em_interface *interface,
			   const char *own)
{
	for (size_t i = 0; i < listener->n_interfaces; i++)
		if (&listener->interfaces[i] != interface &&
		    !strcmp(listener->interfaces[i].name, own))
			return true;
	return false;
}

/* Returns 1 if the name was replaced. */
static int resolve_one(const struct em_listener *listener, struct em_interface *interface,
		       bool used_here, struct em_diag *diag)
{
	char own[IF_NAMESIZE];
	int rc = em_link_find(own, interface->name);

	if (rc == -ENODEV && (!used_here || strlen(interface->name) < IF_NAMESIZE ||
			      listener->missing == EM_MISSING_WAIT))
		return 0;
	if (rc)
		return em_diag_errno(diag, rc, &interface->place, "interface %s", interface->name);
	if (!strcmp(own, interface->name))
		return 0;
	if (is_named_twice(listener, interface, own))
		return em_diag_error(
			diag, -EM_EUSAGE, &interface->place,
			"listener \"%s\": \"%s\" is another name of %s, which is there "
			"already, expected each interface once",
			listener->name, interface->name, own);
	memcpy(interface->alias, interface->name, sizeof(interface->alias));
	snprintf(interface->name, sizeof(interface->name), "%s", own);
	return 1;
}

int em_resolve(struct em_policy *policy, bool used_here, struct em_diag *diag)
{
	bool renamed = false;
	int first = 0;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		struct em_listener *listener = &policy->listeners[i];

		for (size_t j = 0; j < listener->n_interfaces; j++) {
			int rc = resolve_one(listener, &listener->interfaces[j], used_here, diag);

			renamed |= rc > 0;
			first = first || rc > 0 ? first : rc;
		}
	}
	if (first || !renamed)
		return first;
	first = em_policy_check_claims(policy, diag);
	return first == -ENOMEM ? em_diag_enomem(diag) : first;
}

/* "": the record has none. */
static const char *find_alias(const struct em_record *record, const char *own)
{
	for (size_t i = 0; i < record->n_attachments; i++)
		if (!strcmp(record->attachments[i].interface, own))
			return record->attachments[i].alias;
	return "";
}

/* What counts is the interface, whatever it is called now. */
static int use_alias(struct em_interface *interface, const struct em_record *record,
		     struct em_diag *diag)
{
	const char *alias = find_alias(record, interface->name);
	char own[IF_NAMESIZE];
	int rc = alias[0] ? em_link_find(own, interface->name) : 0;

	if (rc == -ENODEV)
		snprintf(interface->name, sizeof(interface->name), "%s", alias);
	else if (rc)
		return em_diag_errno(diag, rc, NULL, "interface %s", interface->name);
	return 0;
}

int em_resolve_again(struct em_policy *policy, const struct em_record *record, struct em_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; i < policy->n_listeners; i++)
		for (size_t j = 0; !rc && j < policy->listeners[i].n_interfaces; j++)
			rc = use_alias(&policy->listeners[i].interfaces[j], record, diag);
	return rc ? rc : em_resolve(policy, true, diag);
}
