/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * seen - which UDP ports the chains of others on the router see.
 */
#include "seen.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/rig.h"
#include "tests/lib/rig_parts.h"

struct pair {
	unsigned int from, to;
	int left; /* times that it is still to be seen */
};

struct pairs {
	struct pair *all; /* owned */
	size_t n;
};

void seen_begin(void)
{
	rig_shell("nft list sets inet | sed -n 's/.*set \\(.*\\) {/flush set inet theirs \\1/p' |"
		  " nft -f -\n");
}

static unsigned int get16(const uint8_t *at)
{
	return (unsigned int)(at[0] << 8 | at[1]);
}

static struct pair *find(const struct pairs *pairs, unsigned int from, unsigned int to)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (pairs->all[i].from == from && pairs->all[i].to == to)
			return &pairs->all[i];
	return NULL;
}

static void expect(struct pairs *pairs, struct event *const *events, size_t n)
{
	pairs->all = calloc(n + 1, sizeof(*pairs->all));
	if (!pairs->all)
		abort();
	for (size_t i = 0; i < n; i++) {
		const struct event *event = events[i];
		const struct stream_frame *frame =
			event->kind == EVENT_REQUEST ? &event->expected : &event->sent;
		const uint8_t *udp = frame->bytes + event->flow.udp;
		struct pair *pair;

		if (event->drop || event->kind == EVENT_ERROR)
			continue;
		pair = find(pairs, get16(udp), get16(udp + 2));
		if (!pair) {
			pair = &pairs->all[pairs->n++];
			*pair = (struct pair){get16(udp), get16(udp + 2), 0};
		}
		pair->left++;
	}
}

/* "FROM . TO counter packets N bytes …" */
static bool take(const struct pairs *pairs, const char *at, const char *name, char *text,
		 size_t size)
{
	unsigned int from, to;
	struct pair *pair;
	int n;

	if (sscanf(at, "%u . %u counter packets %d", &from, &to, &n) != 3)
		return true;
	pair = find(pairs, from, to);
	if (pair && n <= pair->left) {
		pair->left -= n;
		return true;
	}
	snprintf(text, size, "chain %s has seen %u > %u %d times, not %d", name, from, to, n,
		 pair ? pair->left : 0);
	return false;
}

/* What is listed of one set, up to `end`. */
static bool set_agrees(const struct pairs *expected, const char *at, const char *end,
		       const char *name, char *text, size_t size)
{
	struct pairs pairs = {calloc(expected->n + 1, sizeof(*pairs.all)), expected->n};
	bool agrees = true;

	if (!pairs.all)
		abort();
	memcpy(pairs.all, expected->all, expected->n * sizeof(*pairs.all));
	for (; agrees && at < end; at++)
		if (isdigit(at[0]) && isspace(at[-1]))
			agrees = take(&pairs, at, name, text, size);
	for (size_t i = 0; agrees && i < pairs.n; i++) {
		agrees = pairs.all[i].left == 0;
		if (!agrees)
			snprintf(text, size, "chain %s has not seen %u > %u %d times", name,
				 pairs.all[i].from, pairs.all[i].to, pairs.all[i].left);
	}
	free(pairs.all);
	return agrees;
}

bool seen_agrees(struct event *const *events, size_t n, char *text, size_t size)
{
	const char *const argv[] = {"nft", "list", "sets", "inet", NULL};
	struct rig_output output;
	struct pairs expected = {0};
	unsigned int sets = 0;
	bool agrees = true;

	rig_run(&output, argv);
	expect(&expected, events, n);
	for (const char *at = output.out; agrees && (at = strstr(at, "\tset ")); sets++) {
		const char *end = strstr(at, "\n\t}");
		char name[64] = "";

		sscanf(at, " set %63s", name);
		end = end ? end : at + strlen(at);
		agrees = set_agrees(&expected, at, end, name, text, size);
		at = end;
	}
	if (!sets) {
		snprintf(text, size, "no chain has seen anything: %s", output.err);
		agrees = false;
	}
	free(expected.all);
	rig_output_clear(&output);
	return agrees;
}
