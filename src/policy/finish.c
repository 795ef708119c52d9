/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * policy_finish - the checks that concern more than one key of a configuration.
 *
 * It runs after mistakes, too, so that one run reports all of them. A listener or an entity that is
 * `unreadable` is compared with no other.
 */
#include "policy/finish.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *em_finish_path(const struct em_listener *listener, const struct em_format *format,
			   char text[EM_FINISH_PATH_MAX])
{
	text[0] = '\0';
	if (*format->name)
		snprintf(text, EM_FINISH_PATH_MAX, "formats[%zu].", format - listener->formats);
	return text;
}

const char *em_finish_where(const struct em_place *there, const struct em_place *here, char *text,
			    size_t size)
{
	if (!there->line)
		snprintf(text, size, "in force");
	else if (there->file == here->file || !there->file)
		snprintf(text, size, "line %u", there->line);
	else
		snprintf(text, size, "%s:%u", there->file, there->line);
	return text;
}

/* "formats[1].checks[0]" */
static void check_path(const struct em_listener *listener, const struct em_format *format, size_t i,
		       char text[EM_FINISH_PATH_MAX])
{
	size_t length;

	text[0] = '\0';
	if (i >= format->n_shared)
		em_finish_path(listener, format, text);
	length = strlen(text);
	snprintf(text + length, EM_FINISH_PATH_MAX - length, "checks[%zu]",
		 i - (i < format->n_shared ? 0 : format->n_shared));
}

static const char *value_key(const struct em_check *check)
{
	if (check->kind == EM_CHECK_BYTES)
		return "bytes";
	return check->n_values ? "values" : "min";
}

static void warn_of_checks(const struct em_listener *listener, const struct em_format *format,
			   struct em_diag *diag)
{
	/* Those of the listener are checks of each of its formats: the first one speaks for all. */
	size_t from = format == listener->formats ? 0 : format->n_shared;
	unsigned int need = em_format_need(format);
	char path[EM_FINISH_PATH_MAX];

	em_finish_path(listener, format, path);
	if (format->payload_max < need && format->payload_min <= format->payload_max)
		em_diag_warning(diag, &listener->place,
				"listener \"%s\": %spayload.max: no datagram can be valid, tag "
				"and checks need %u bytes and at most %u are let through",
				listener->name, path, need, format->payload_max);
	for (size_t i = from; i < format->n_checks; i++) {
		const struct em_check *check = &format->checks[i];

		check_path(listener, format, i, path);
		if (em_check_impossible(check))
			em_diag_warning(diag, &check->place,
					"%s.%s: can never %s, it has bits outside the mask", path,
					value_key(check), check->negated ? "fail" : "match");
		for (uint8_t k = 0; k < check->n_values && !em_check_impossible(check); k++)
			if (em_check_outside_mask(check, check->values[k]))
				em_diag_warning(diag, &check->place,
						"%s.values: no masked number is %" PRIu64
						", it has bits outside the mask",
						path, check->values[k]);
	}
}

/* What a listener answers for, sorted, so that two of them are compared in one pass. */
struct claim {
	const struct em_listener *listener;
	const char *interfaces[EM_INTERFACES_MAX];
	size_t n_interfaces;
	struct em_address *addresses;
};

static int order_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int order_addresses(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct em_address));
}

static int claim_init(struct claim *claim, const struct em_listener *listener)
{
	claim->listener = listener;
	for (size_t i = 0; i < listener->n_interfaces && i < EM_INTERFACES_MAX; i++)
		claim->interfaces[claim->n_interfaces++] = listener->interfaces[i].name;
	qsort(claim->interfaces, claim->n_interfaces, sizeof(claim->interfaces[0]), order_strings);
	claim->addresses = calloc(listener->n_addresses + 1, sizeof(*claim->addresses));
	if (!claim->addresses)
		return -ENOMEM;
	for (size_t i = 0; i < listener->n_addresses; i++)
		claim->addresses[i] = listener->addresses[i];
	qsort(claim->addresses, listener->n_addresses, sizeof(*claim->addresses), order_addresses);
	return 0;
}

/* The first interface that both are on, or NULL. */
static const char *share_interface(const struct claim *a, const struct claim *b)
{
	for (size_t i = 0, j = 0; i < a->n_interfaces && j < b->n_interfaces;) {
		int order = strcmp(a->interfaces[i], b->interfaces[j]);

		if (order == 0)
			return a->interfaces[i];
		i += order < 0;
		j += order > 0;
	}
	return NULL;
}

/* A listener with addresses and one without share no packet: the one with addresses wins. */
static bool share_address(const struct claim *a, const struct claim *b)
{
	size_t n = a->listener->n_addresses, m = b->listener->n_addresses;

	for (size_t i = 0, j = 0; i < n && j < m;) {
		int order = order_addresses(&a->addresses[i], &b->addresses[j]);

		if (order == 0)
			return true;
		i += order < 0;
		j += order > 0;
	}
	return n == 0 && m == 0;
}

static bool report_clash(const struct claim *first, const struct claim *second,
			 struct em_diag *diag)
{
	const struct em_listener *a = first->listener, *b = second->listener;
	const char *interface;
	char line[512];

	if (a->unreadable || b->unreadable || a->port != b->port || a->vlan != b->vlan ||
	    !share_address(first, second))
		return false;
	interface = share_interface(first, second);
	if (!interface)
		return false;
	em_diag_error(diag, -EM_EUSAGE, &b->place,
		      "listener \"%s\": port %u on %s is claimed by listener \"%s\" already (%s), "
		      "expected another port, interface, vlan or address",
		      b->name, b->port, interface, a->name,
		      em_finish_where(&a->place, &b->place, line, sizeof(line)));
	return true;
}

/* Compares each listener with those before it, up to the first that claims a packet of its. */
int em_policy_check_claims(const struct em_policy *policy, struct em_diag *diag)
{
	struct claim *claims = calloc(policy->n_listeners + 1, sizeof(*claims));
	int result = claims ? 0 : -ENOMEM;

	for (size_t i = 0; i < policy->n_listeners && result != -ENOMEM; i++) {
		bool clash = false;

		if (claim_init(&claims[i], &policy->listeners[i]))
			result = -ENOMEM;
		for (size_t j = 0; j < i && !clash && result != -ENOMEM; j++)
			clash = report_clash(&claims[j], &claims[i], diag);
		if (clash)
			result = -EM_EUSAGE;
	}
	for (size_t i = 0; claims && i < policy->n_listeners; i++)
		free(claims[i].addresses);
	free(claims);
	return result == -ENOMEM || !em_finish_loops(policy, diag) ? result : -EM_EUSAGE;
}

static int finish_names(const struct em_policy *policy, struct em_diag *diag)
{
	int result = 0;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];
		size_t j = 0;

		while (j < i && strcmp(policy->listeners[j].name, listener->name) != 0)
			j++;
		if (j < i && *listener->name) {
			char line[512];

			result = em_diag_error(diag, -EM_EUSAGE, &listener->place,
					       "listeners[%zu].name: \"%s\" is the name of another "
					       "listener already (%s)",
					       i, listener->name,
					       em_finish_where(&policy->listeners[j].place,
							       &listener->place, line,
							       sizeof(line)));
		}
	}
	return result;
}

static int finish_format(const struct em_listener *listener, struct em_format *format,
			 struct em_diag *diag)
{
	/* Without the tag's length there is nothing to sort by. */
	if (!format->tag.length)
		return 0;
	warn_of_checks(listener, format, diag);
	return em_finish_entities(listener, format, diag);
}

int em_policy_finish(struct em_policy *policy, struct em_diag *diag)
{
	int result = finish_names(policy, diag);
	int error = em_policy_check_claims(policy, diag);

	if (error)
		result = error;
	for (size_t i = 0; i < policy->n_listeners && result != -ENOMEM; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		error = em_finish_formats(listener, diag);
		if (error)
			result = error;
		for (size_t j = 0; j < listener->n_formats && result != -ENOMEM; j++) {
			error = finish_format(listener, &listener->formats[j], diag);
			if (error)
				result = error;
		}
	}
	return result;
}
