/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * policy - a whole configuration after it has been read and checked: the pivot of the tool.
 */
#include "policy/policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

const char *const em_backend_names[EM_BACKENDS + 1] = {
	[EM_BACKEND_AUTO] = "auto",
	[EM_BACKEND_XDP] = "xdp",
	[EM_BACKEND_XDP_GENERIC] = "xdp-generic",
	[EM_BACKEND_TC] = "tc",
	[EM_BACKEND_NFT] = "nft",
};

const char *const em_verdict_words[] = {
	[EM_PASS] = "pass",
	[EM_DROP] = "drop",
	[EM_PORT] = NULL,
};

static const char *const reason_names[EM_REASONS] = {
	[EM_REASON_SOURCE] = "source",
	[EM_REASON_LENGTH] = "length",
	[EM_REASON_CHECK] = "check",
};

int em_policy_new(struct em_policy **out)
{
	struct em_policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return -ENOMEM;
	*out = policy;
	return 0;
}

void em_format_clear(struct em_format *format)
{
	for (size_t i = 0; i < format->n_checks; i++) {
		free(format->checks[i].bytes);
		free(format->checks[i].mask);
	}
	for (size_t i = 0; i < format->n_entities; i++)
		em_entity_clear(&format->entities[i]);
	free(format->entities);
	free(format->by_tag);
	free(format->intervals);
}

static void listener_clear(struct em_listener *listener)
{
	for (size_t i = 0; i < listener->n_formats; i++)
		em_format_clear(&listener->formats[i]);
	free(listener->formats);
	free(listener->interfaces);
	free(listener->addresses);
	free(listener->sources);
	free(listener->copy_lists);
}

void em_policy_free(struct em_policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->n_listeners; i++)
		listener_clear(&policy->listeners[i]);
	for (size_t i = 0; i < policy->n_files; i++)
		free(policy->files[i]);
	free(policy->listeners);
	free(policy->files);
	free(policy);
}

void em_policy_freep(struct em_policy **policy)
{
	em_policy_free(*policy);
}

static void forget_format(struct em_format *format)
{
	format->place = (struct em_place){0};
	format->tag.place = (struct em_place){0};
	for (size_t i = 0; i < format->n_checks; i++)
		format->checks[i].place = (struct em_place){0};
	for (size_t i = 0; i < format->n_entities; i++)
		format->entities[i].place = (struct em_place){0};
}

static void forget_listener(struct em_listener *listener)
{
	listener->place = (struct em_place){0};
	listener->replies_place = (struct em_place){0};
	listener->copies.place = (struct em_place){0};
	listener->unknown_copies.place = (struct em_place){0};
	for (size_t i = 0; i < listener->n_copy_lists; i++)
		listener->copy_lists[i].place = (struct em_place){0};
	for (size_t i = 0; i < listener->n_interfaces; i++)
		listener->interfaces[i].place = (struct em_place){0};
	for (size_t i = 0; i < listener->n_formats; i++)
		forget_format(&listener->formats[i]);
}

void em_policy_forget_places(struct em_policy *policy)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		forget_listener(&policy->listeners[i]);
}

const char *em_policy_file(struct em_policy *policy, const char *name)
{
	char **files;

	for (size_t i = 0; i < policy->n_files; i++)
		if (strcmp(policy->files[i], name) == 0)
			return policy->files[i];
	files = reallocarray(policy->files, policy->n_files + 1, sizeof(*files));
	if (!files)
		return NULL;
	policy->files = files;
	files[policy->n_files] = strdup(name);
	return files[policy->n_files] ? files[policy->n_files++] : NULL;
}

const struct em_piece_field *em_piece_field(enum em_piece_source source)
{
	static const struct em_piece_field fields[EM_PIECE_SOURCES] = {
		[EM_PIECE_IP_SADDR] = {"ip saddr", AF_INET, 4},
		[EM_PIECE_IP6_SADDR] = {"ip6 saddr", AF_INET6, 16},
	};

	return fields[source].name ? &fields[source] : NULL;
}

const struct em_piece_field *em_tag_field(const struct em_tag *tag)
{
	return tag->n_pieces == 1 ? em_piece_field(tag->pieces[0].source) : NULL;
}

uint8_t em_format_family(const struct em_format *format)
{
	for (size_t i = 0; i < format->tag.n_pieces; i++) {
		const struct em_piece_field *field = em_piece_field(format->tag.pieces[i].source);

		if (field)
			return field->family;
	}
	return AF_UNSPEC;
}

uint8_t em_listener_family(const struct em_listener *listener)
{
	uint8_t family = em_format_family(listener->formats);

	for (size_t i = 1; i < listener->n_formats; i++)
		if (em_format_family(&listener->formats[i]) != family)
			return AF_UNSPEC;
	return family;
}

uint16_t em_format_need(const struct em_format *format)
{
	unsigned int need = 0;

	for (size_t i = 0; i < format->tag.n_pieces; i++) {
		const struct em_piece *piece = &format->tag.pieces[i];
		unsigned int end = (unsigned int)piece->offset + piece->length;

		if (piece->source == EM_PIECE_PAYLOAD && end > need)
			need = end;
	}
	for (size_t i = 0; i < format->n_checks; i++) {
		const struct em_check *check = &format->checks[i];
		unsigned int end = (unsigned int)check->offset + check->length;

		need = end > need ? end : need;
	}
	return (uint16_t)need;
}

size_t em_format_count(const struct em_format *format, enum em_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < format->n_entities; i++)
		n += !format->entities[i].last && format->entities[i].action.verdict == verdict;
	return n;
}

const struct em_format *em_listener_format(const struct em_listener *listener, const char *name)
{
	for (size_t i = 0; i < listener->n_formats; i++)
		if (strcmp(listener->formats[i].name, name) == 0)
			return &listener->formats[i];
	return NULL;
}

size_t em_listener_entities(const struct em_listener *listener)
{
	return em_listener_entities_before(listener, listener->formats + listener->n_formats);
}

size_t em_listener_entities_before(const struct em_listener *listener,
				   const struct em_format *format)
{
	size_t n = 0;

	for (const struct em_format *other = listener->formats; other < format; other++)
		n += other->n_entities;
	return n;
}

bool em_listener_on(const struct em_listener *listener, const char *interface)
{
	for (size_t i = 0; i < listener->n_interfaces; i++)
		if (strcmp(listener->interfaces[i].name, interface) == 0)
			return true;
	return false;
}

bool em_prefix_holds(const struct em_prefix *prefix, const struct em_address *address)
{
	unsigned int bytes = prefix->length / 8;
	unsigned int mask = 0xff00U >> prefix->length % 8 & 0xff;

	if (prefix->address.family != address->family ||
	    memcmp(prefix->address.bytes, address->bytes, bytes) != 0)
		return false;
	return !mask || ((prefix->address.bytes[bytes] ^ address->bytes[bytes]) & mask) == 0;
}

const char *em_backend_name(enum em_backend backend)
{
	return em_backend_names[backend];
}

int em_backend_parse(const char *name)
{
	for (int i = 0; i < EM_BACKENDS; i++)
		if (strcmp(name, em_backend_names[i]) == 0)
			return i;
	return -1;
}

const char *em_verdict_name(enum em_verdict verdict)
{
	return verdict == EM_PORT ? "port" : em_verdict_words[verdict];
}

const char *em_action_format(const struct em_action *action, char text[EM_ACTION_TEXT_MAX])
{
	return action->verdict == EM_PORT ? em_decimal(action->port, text)
					  : em_verdict_name(action->verdict);
}

bool em_action_parse(struct em_action *out, const char *text)
{
	unsigned long port;

	for (int i = 0; em_verdict_words[i]; i++) {
		if (strcmp(em_verdict_words[i], text) == 0) {
			out->verdict = i;
			return true;
		}
	}
	if (!*text || text[strspn(text, "0123456789")])
		return false;
	port = strtoul(text, NULL, 10);
	if (port < 1 || port > 65535)
		return false;
	*out = (struct em_action){EM_PORT, (uint16_t)port};
	return true;
}

const char *em_family_name(uint8_t family)
{
	return family == AF_INET ? "IPv4" : "IPv6";
}

const char *em_reason_name(enum em_reason reason)
{
	return reason_names[reason];
}

struct occurrence {
	const char *name;
	size_t position;
};

static int by_name(const void *a, const void *b)
{
	const struct occurrence *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->position > y->position) - (x->position < y->position);
}

static int by_position(const void *a, const void *b)
{
	const struct occurrence *x = a, *y = b;

	return (x->position > y->position) - (x->position < y->position);
}

/*
 * Keeps each of the n names once, in the order of their first occurrence; returns how many are
 * left.
 */
static size_t distinct(struct occurrence *all, size_t n)
{
	size_t kept = 0;

	qsort(all, n, sizeof(*all), by_name);
	for (size_t i = 0; i < n; i++)
		if (!kept || strcmp(all[kept - 1].name, all[i].name) != 0)
			all[kept++] = all[i];
	qsort(all, kept, sizeof(*all), by_position);
	return kept;
}

const struct em_interface *em_policy_find_interface(const struct em_policy *policy,
						    const char *name)
{
	const struct em_interface *found = NULL;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		for (size_t j = 0; j < listener->n_interfaces; j++) {
			const struct em_interface *interface = &listener->interfaces[j];

			if (!strcmp(interface->name, name) &&
			    (!found || (interface->alias[0] && !found->alias[0])))
				found = interface;
		}
	}
	return found;
}

int em_policy_interfaces(const struct em_policy *policy, char (**out)[IF_NAMESIZE])
{
	struct occurrence *all;
	size_t n = 0, kept;

	for (size_t i = 0; i < policy->n_listeners; i++)
		n += policy->listeners[i].n_interfaces;
	all = calloc(n + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < policy->n_listeners; i++)
		for (size_t j = 0; j < policy->listeners[i].n_interfaces; j++)
			if (strlen(policy->listeners[i].interfaces[j].name) < IF_NAMESIZE) {
				all[n] = (struct occurrence){
					policy->listeners[i].interfaces[j].name, n};
				n++;
			}
	kept = distinct(all, n);
	*out = calloc(kept + 1, sizeof(**out));
	for (size_t i = 0; *out && i < kept; i++)
		strncpy((*out)[i], all[i].name, IF_NAMESIZE - 1);
	free(all);
	return *out ? (int)kept : -ENOMEM;
}
