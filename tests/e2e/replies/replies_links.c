/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * replies_links - the client and the other sender with one link-local address and one port, each on
 * its own wire: the interface alone tells them apart.
 */
#include <stdlib.h>
#include <string.h>

#include "replies.h"

/* links.conf: both listeners sort tag 1 to the same port, and tag 9 to one where nobody listens. */
enum { FIRST = 5000, SECOND = 5001, TARGET = 6001, OTHER = 6002 };

static struct replies_bench open_link(const struct replies_bench *bench, const char *interface)
{
	struct replies_bench link = *bench;

	link.link = interface;
	replies_open(&link);
	return link;
}

static void answer_both(struct replies_bench *a, const struct replies_peer *peer_a,
			struct replies_bench *b, const struct replies_peer *peer_b)
{
	replies_answer(b, TARGET, peer_b, SECOND);
	replies_answer(a, TARGET, peer_a, FIRST);
	replies_answer(b, TARGET, peer_b, SECOND);
}

/* The other backend, if there is one. */
static void change_backend(struct replies_bench *bench)
{
	const char *other = strcmp(bench->backend, "nft") == 0 ? "tc" : "nft";
	const char *backends = getenv("E2E_BACKENDS");
	struct replies_bench changed = *bench;

	changed.backend = backends && strstr(backends, other) ? other : bench->backend;
	replies_apply(&changed, "links");
}

static void ask_and_answer(struct replies_bench *a, struct replies_bench *b)
{
	struct replies_peer peer_a = replies_peer(a, REPLIES_CLIENT, 0);
	struct replies_peer peer_b = replies_peer(b, REPLIES_OTHER, 0);

	replies_ask(a, &peer_a, FIRST, 1, TARGET);
	replies_answer(b, TARGET, &peer_b, TARGET);
	replies_answer(a, TARGET, &peer_a, FIRST);
	replies_ask(b, &peer_b, SECOND, 1, TARGET);
	answer_both(a, &peer_a, b, &peer_b);
	change_backend(a);
	answer_both(a, &peer_a, b, &peer_b);
	replies_apply(a, "links");
	answer_both(a, &peer_a, b, &peer_b);
	replies_answer(b, OTHER, &peer_b, OTHER);
	replies_connect(a, &peer_a, FIRST);
	replies_refused(a, &peer_a, FIRST, 9);
	replies_connect(b, &peer_b, SECOND);
	replies_refused(b, &peer_b, SECOND, 9);
}

static void ask_group(struct replies_bench *a, struct replies_bench *b)
{
	struct replies_peer peer_a = replies_peer(a, REPLIES_CLIENT, 0);
	struct replies_peer peer_b = replies_peer(b, REPLIES_OTHER, 0);

	replies_ask_group(a, &peer_a, "ff12::1", FIRST, 1, TARGET);
	replies_answer(b, TARGET, &peer_b, TARGET);
	replies_answer(a, TARGET, &peer_a, FIRST);
}

void replies_links(struct replies_bench *bench)
{
	struct replies_bench a, b;

	if (bench->family != AF_INET6)
		return;
	a = open_link(bench, "in0");
	b = open_link(bench, "in1");
	ask_and_answer(&a, &b);
	ask_group(&a, &b);
	bench->failures += a.failures + b.failures;
}
