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

/* The most reports of one kind: a file of entities or a mask may cause a million. */
#define SHOWN 20

/* Messages about the entities of one format. */
struct report {
	const struct em_listener *listener;
	const struct em_format *format;
	struct em_diag *diag;
	unsigned int duplicates; /* in entities files */
	unsigned int unmatched;
	bool mistaken;
};

static int by_tag(const void *a, const void *b, void *context)
{
	const struct em_format *format = context;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = memcmp(format->entities[x].tag, format->entities[y].tag, format->tag.length);

	return order ? order : (x > y) - (x < y);
}

static int by_name(const void *a, const void *b, void *context)
{
	const struct em_format *format = context;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = strcmp(format->entities[x].name, format->entities[y].name);

	return order ? order : (x > y) - (x < y);
}

const char *em_finish_path(const struct em_listener *listener, const struct em_format *format,
			   char text[EM_FINISH_PATH_MAX])
{
	text[0] = '\0';
	if (*format->name)
		snprintf(text, EM_FINISH_PATH_MAX, "formats[%zu].", format - listener->formats);
	return text;
}

/* "entities[5]." for an entity of the configuration itself; for one of a file, the line says it. */
static const char *element(const struct report *report, size_t i, char text[EM_FINISH_PATH_MAX])
{
	char *end;

	text[0] = '\0';
	if (i >= report->format->n_listed)
		return text;
	em_finish_path(report->listener, report->format, text);
	end = text + strlen(text);
	snprintf(end, EM_FINISH_PATH_MAX - (size_t)(end - text), "entities[%zu].", i);
	return text;
}

const char *em_finish_where(const struct em_place *there, const struct em_place *here, char *text,
			    size_t size)
{
	if (there->file == here->file || !there->file)
		snprintf(text, size, "line %u", there->line);
	else
		snprintf(text, size, "%s:%u", there->file, there->line);
	return text;
}

/*
 * Reports that entity i has the tag (or, with by_its_name, the name) of entity `first`, which
 * stands before it.
 */
static void report_duplicate(struct report *report, size_t i, size_t first, bool by_its_name)
{
	const struct em_format *format = report->format;
	const struct em_entity *entity = &format->entities[i], *other = &format->entities[first];
	char key[EM_FINISH_PATH_MAX], line[512], tag[EM_TAG_TEXT_MAX], name[EM_TAG_TEXT_MAX];

	report->mistaken = true;
	if (i >= format->n_listed && report->duplicates++ >= SHOWN)
		return;
	element(report, i, key);
	em_finish_where(&other->place, &entity->place, line, sizeof(line));
	if (by_its_name)
		em_diag_error(report->diag, -EM_EUSAGE, &entity->place,
			      "%sname: \"%s\" is the name of another entity already (%s)", key,
			      em_entity_name(format, entity, name), line);
	else
		em_diag_error(report->diag, -EM_EUSAGE, &entity->place,
			      "%stag: %s is the tag of \"%s\" already (%s)", key,
			      em_tag_format(format, entity->tag, tag),
			      em_entity_name(format, other, name), line);
}

/* first[i]: the entity whose tag entity i repeats, or UINT32_MAX. */
static void find_duplicate_tags(const struct em_format *format, uint32_t *first)
{
	const uint32_t *sorted = format->by_tag;
	uint32_t head = UINT32_MAX;

	for (size_t k = 0; k < format->n_entities; k++) {
		const struct em_entity *entity = &format->entities[sorted[k]];

		first[sorted[k]] = UINT32_MAX;
		if (entity->unreadable)
			continue;
		if (head != UINT32_MAX &&
		    memcmp(format->entities[head].tag, entity->tag, format->tag.length) == 0)
			first[sorted[k]] = head;
		else
			head = sorted[k];
	}
}

/*
 * The entity whose name is its tag in hex, if it is this text; NULL: none. Tags in hex sort as tags
 * do.
 */
static const struct em_entity *find_nameless(const struct em_format *format, const char *name)
{
	size_t low = 0, high = format->n_entities;

	while (low < high && strncmp(name, "0x", 2) == 0) {
		size_t middle = low + (high - low) / 2;
		const struct em_entity *entity = &format->entities[format->by_tag[middle]];
		char text[EM_TAG_TEXT_MAX];
		int order = strcmp(name, em_tag_format(format, entity->tag, text));

		if (order == 0)
			return entity->name || entity->unreadable ? NULL : entity;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* The same for names: of two that clash, the later one is reported. */
static int find_duplicate_names(struct em_format *format, uint32_t *first)
{
	uint32_t *named = calloc(format->n_entities + 1, sizeof(*named));
	size_t n = 0;

	if (!named)
		return -ENOMEM;
	for (size_t i = 0; i < format->n_entities; i++) {
		first[i] = UINT32_MAX;
		if (format->entities[i].name)
			named[n++] = (uint32_t)i;
	}
	qsort_r(named, n, sizeof(*named), by_name, format);
	for (size_t k = 0, head = 0; k < n; k++) {
		const char *name = format->entities[named[k]].name;
		const struct em_entity *nameless = find_nameless(format, name);

		if (k && strcmp(format->entities[named[head]].name, name) == 0)
			first[named[k]] = named[head];
		else
			head = k;
		if (nameless && head == k) {
			uint32_t i = (uint32_t)(nameless - format->entities);

			first[i > named[k] ? i : named[k]] = i > named[k] ? named[k] : i;
		}
	}
	free(named);
	return 0;
}

static void warn_of_unmatched(struct report *report, size_t i)
{
	const struct em_format *format = report->format;
	const struct em_entity *entity = &format->entities[i];
	char key[EM_FINISH_PATH_MAX], tag[EM_TAG_TEXT_MAX], mask[EM_TAG_TEXT_MAX];
	uint8_t outside = 0;

	for (size_t k = 0; k < format->tag.length; k++)
		outside |= entity->tag[k] & (uint8_t)~format->tag.mask[k];
	if (!outside || entity->unreadable || report->unmatched++ >= SHOWN)
		return;
	em_diag_warning(report->diag, &entity->place,
			"%stag: %s can never match, it has bits outside the mask %s",
			element(report, i, key), em_tag_format(format, entity->tag, tag),
			em_tag_format(format, format->tag.mask, mask));
}

static void report_rest(const struct report *report)
{
	const struct em_listener *listener = report->listener;

	if (report->duplicates > SHOWN)
		em_diag_error(report->diag, -EM_EUSAGE, &listener->place,
			      "listener \"%s\": … and %u more duplicates in its entities file",
			      listener->name, report->duplicates - SHOWN);
	if (report->unmatched > SHOWN)
		em_diag_warning(report->diag, &listener->place,
				"listener \"%s\": … and %u more tags that can never match",
				listener->name, report->unmatched - SHOWN);
}

static int finish_entities(const struct em_listener *listener, struct em_format *format,
			   struct em_diag *diag)
{
	struct report report = {.listener = listener, .format = format, .diag = diag};
	size_t n = format->n_entities;
	uint32_t *first = calloc(2 * n + 1, sizeof(*first));
	int error;

	free(format->by_tag);
	format->by_tag = calloc(n + 1, sizeof(*format->by_tag));
	if (!first || !format->by_tag) {
		free(first);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		format->by_tag[i] = (uint32_t)i;
	qsort_r(format->by_tag, n, sizeof(*format->by_tag), by_tag, format);
	find_duplicate_tags(format, first);
	error = find_duplicate_names(format, first + n);
	for (size_t i = 0; !error && i < n; i++) {
		if (first[i] != UINT32_MAX)
			report_duplicate(&report, i, first[i], false);
		if (first[n + i] != UINT32_MAX)
			report_duplicate(&report, i, first[n + i], true);
		warn_of_unmatched(&report, i);
	}
	report_rest(&report);
	free(first);
	return error ? error : report.mistaken ? -EM_EUSAGE : 0;
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
	unsigned int need = em_format_need(format);
	char path[EM_FINISH_PATH_MAX];

	em_finish_path(listener, format, path);
	if (format->payload_max < need && format->payload_min <= format->payload_max)
		em_diag_warning(diag, &listener->place,
				"listener \"%s\": %spayload.max: no datagram can be valid, tag "
				"and checks need %u bytes and at most %u are let through",
				listener->name, path, need, format->payload_max);
	for (size_t i = 0; i < format->n_checks; i++) {
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
	return result;
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
	return finish_entities(listener, format, diag);
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
