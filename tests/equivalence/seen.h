/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * seen - which UDP ports the chains of others on the router see, at each priority.
 *
 * Requests have been sorted by then, and answers have not been changed yet, whatever the backend.
 * In ROUTER_TRACKED each chain counts the pairs of ports.
 */
#ifndef EQUIVALENCE_SEEN_H
#define EQUIVALENCE_SEEN_H

#include "conversation.h"

/* Forgets what the chains have seen. */
void seen_begin(void);

/*
 * Whether each chain has seen the ports of these events, which conversation_expect() has been asked
 * about, and as often; otherwise what is wrong is in `text`.
 */
bool seen_agrees(struct event *const *events, size_t n, char *text, size_t size);

#endif
