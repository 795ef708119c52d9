/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * conversation - the conversations of a policy: the pairs of ports that listeners with `replies`
 * translate.
 *
 * A sender knows the port of the listener; the server knows that of the entity, or the port for
 * unknown or invalid datagrams. The two ports tell a conversation that a policy has from one that
 * it no longer has; only the kernel remembers the senders. Where both ports are the same there is
 * nothing to remember. Pure, no I/O.
 */
#ifndef EM_CONVERSATION_H
#define EM_CONVERSATION_H

#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

struct em_conversation {
	uint16_t known;	  /* the listener's port */
	uint16_t target;  /* the port that datagrams are sorted to; never the same as `known` */
	uint32_t timeout; /* seconds; the longest of the listeners that have it */
};

struct em_conversations {
	struct em_conversation *all; /* owned; each once, by target, then by known */
	size_t n;
};

/* The first listener of the policy that has replies, or NULL. */
const struct em_listener *em_conversation_first(const struct em_policy *policy);

/* The first one that is on this interface, or NULL. */
const struct em_listener *em_conversation_on(const struct em_policy *policy, const char *interface);

/*
 * The conversations of a policy, none for NULL; freed by em_conversations_clear(). Returns 0 or
 * -ENOMEM.
 */
int em_conversations_init(struct em_conversations *out, const struct em_policy *policy);
void em_conversations_clear(struct em_conversations *conversations);

/* The one with these ports, or NULL. */
const struct em_conversation *em_conversations_find(const struct em_conversations *conversations,
						    uint16_t known, uint16_t target);

#endif
