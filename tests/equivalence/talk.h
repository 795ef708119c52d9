/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * talk - random requests, answers and ICMP errors for a policy with `replies`.
 *
 * As with generate.h, most are nearly right: an answer in a conversation there is, or with one
 * thing about it that belongs to another one.
 */
#ifndef EQUIVALENCE_TALK_H
#define EQUIVALENCE_TALK_H

#include "conversation.h"
#include "generate.h"

struct talk {
	const struct model_policy *model;
	const struct em_policy *policy;
	bool all; /* also what connection tracking spoils where it does the replies */
	struct conversations conversations;
	struct event *events; /* owned */
	size_t n;
};

/*
 * A policy for the router: no VLANs, its hosts' addresses, and `replies` more often than not.  With
 * `all`, also several formats.
 */
void talk_make_policy(struct random *random, bool all, struct model_policy *policy);

/* That many events, or a few less. */
void talk_make(struct random *random, size_t events, struct talk *talk);
void talk_clear(struct talk *talk);

#endif
