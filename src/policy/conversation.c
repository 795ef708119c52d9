/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "policy/conversation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_target(const void *a, const void *b)
{
	const struct em_conversation *x = a, *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return (x->known > y->known) - (x->known < y->known);
}

const struct em_listener *em_conversation_first(const struct em_policy *policy)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		if (policy->listeners[i].replies)
			return &policy->listeners[i];
	return NULL;
}

const struct em_listener *em_conversation_on(const struct em_policy *policy, const char *interface)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		if (policy->listeners[i].replies &&
		    em_listener_on(&policy->listeners[i], interface))
			return &policy->listeners[i];
	return NULL;
}

/*
 * Allocates room for one per entity, one for the unknown datagrams of each format, and one for
 * invalid ones.
 */
static size_t count_most(const struct em_policy *policy)
{
	size_t n = 0;

	for (size_t i = 0; policy && i < policy->n_listeners; i++)
		if (policy->listeners[i].replies)
			n += em_listener_entities(&policy->listeners[i]) +
			     policy->listeners[i].n_formats + 1;
	return n;
}

static void add(struct em_conversations *conversations, const struct em_listener *listener,
		const struct em_action *action)
{
	if (action->verdict != EM_PORT || action->port == listener->port)
		return;
	conversations->all[conversations->n++] = (struct em_conversation){
		.known = listener->port, .target = action->port, .timeout = listener->flow_timeout};
}

static void add_listener(struct em_conversations *conversations, const struct em_listener *listener)
{
	for (size_t i = 0; i < listener->n_formats; i++) {
		const struct em_format *format = &listener->formats[i];

		for (size_t j = 0; j < format->n_entities; j++)
			add(conversations, listener, &format->entities[j].action);
		add(conversations, listener, &format->unknown);
	}
	add(conversations, listener, &listener->invalid);
}

static void keep_each_once(struct em_conversations *conversations)
{
	struct em_conversation *all = conversations->all;
	size_t n = 0;

	qsort(all, conversations->n, sizeof(*all), by_target);
	for (size_t i = 0; i < conversations->n; i++)
		if (!n || by_target(&all[n - 1], &all[i]))
			all[n++] = all[i];
		else if (all[i].timeout > all[n - 1].timeout)
			all[n - 1].timeout = all[i].timeout;
	conversations->n = n;
}

int em_conversations_init(struct em_conversations *out, const struct em_policy *policy)
{
	size_t most = count_most(policy);

	*out = (struct em_conversations){0};
	if (!most)
		return 0;
	out->all = calloc(most, sizeof(*out->all));
	if (!out->all)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_listeners; i++)
		if (policy->listeners[i].replies)
			add_listener(out, &policy->listeners[i]);
	keep_each_once(out);
	return 0;
}

void em_conversations_clear(struct em_conversations *conversations)
{
	free(conversations->all);
	memset(conversations, 0, sizeof(*conversations));
}

const struct em_conversation *em_conversations_find(const struct em_conversations *conversations,
						    uint16_t known, uint16_t target)
{
	const struct em_conversation sought = {.known = known, .target = target};

	if (!conversations->n)
		return NULL;
	return bsearch(&sought, conversations->all, conversations->n, sizeof(sought), by_target);
}
