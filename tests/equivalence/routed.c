/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * routed - random conversations over a router whose policy has `replies`, the same for every
 * backend, against a model.
 *
 *	routed [-va] [-s SEED] [-n PACKETS] [-p PER_POLICY] ENTITYMUX BACKEND...	(root)
 *
 * With -a the policies take turns with what else may be on a router, and conversations are among
 * them that connection tracking spoils where it does the replies: for kernels with chains at egress
 * (Linux 5.16).  The other options are those of equivalence.c, and so is the backend `none`, the
 *control: without any policy, every frame comes out routed and otherwise as it went in.  A
 *disagreement is printed with the policy and with the packets that it takes, in the words of
 *tests/lib/packet.h; ICMP errors in hex.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/header_limit.h"
#include "run.h"
#include "seen.h"
#include "talk.h"
#include "tests/lib/counts.h"
#include "trial.h"

#define SHRINK_TRIALS 200

struct run {
	struct router router;
	struct run_options options;
	uint64_t events[EVENT_ERROR + 1];
	uint64_t changed; /* answers and errors: a test without these would prove nothing */
};

/* The events of a talk, or some of them. */
struct part {
	struct event **events;
	size_t n;
};

static bool is_control(const char *backend)
{
	return strcmp(backend, TRIAL_CONTROL) == 0;
}

static void expect(const struct part *part, const struct trial *trial, bool control)
{
	struct conversations conversations = {0};

	for (size_t i = 0; i < part->n; i++) {
		struct event *event = part->events[i];

		conversation_expect(&conversations, control ? NULL : trial->policy, event);
		if (!control && event->kind == EVENT_REQUEST)
			em_stats_count(trial->expected, trial->policy, &event->class);
	}
	conversation_clear(&conversations);
}

static bool agrees(const struct event *event, int n, const struct stream_frame *seen)
{
	if (event->drop)
		return n == 0;
	return n == 1 && seen->length == event->expected.length &&
	       !memcmp(seen->bytes, event->expected.bytes, seen->length);
}

/* Rules of nf_tables read at fixed places: they follow no extension headers that an error quotes.
 */
static bool is_excepted(const struct event *event, const char *backend)
{
	return strcmp(backend, "nft") == 0 && event->kind == EVENT_ERROR &&
	       event->flow.source.family == AF_INET6 && event->flow.udp != event->icmp + 8 + 40U;
}

static void send_events(struct run *run, const struct part *part, const char *backend,
			struct trial_result *result)
{
	for (size_t i = 0; i < part->n; i++) {
		const struct event *event = part->events[i];

		result->n_seen = router_exchange(&run->router, event->from, event->to, &event->sent,
						 &result->seen);
		if (agrees(event, result->n_seen, &result->seen) ||
		    (is_excepted(event, backend) && result->n_seen == 1))
			continue;
		result->outcome = TRIAL_FRAMES;
		result->packet = i;
		return;
	}
}

/* No bridge takes native XDP. */
static enum router_arrangement arrangement_for(const struct run *run, const char *backend,
					       uint64_t seed)
{
	enum router_arrangement arrangement =
		run->options.arranged ? seed % ROUTER_ARRANGEMENTS : ROUTER_PLAIN;

	if (strncmp(backend, "xdp", 3) == 0 && arrangement >= ROUTER_BRIDGE)
		return ROUTER_PLAIN;
	return arrangement;
}

static void compare_seen(const struct run *run, const struct part *part,
			 struct trial_result *result)
{
	if (run->router.arrangement == ROUTER_TRACKED && result->outcome == TRIAL_AGREED &&
	    !seen_agrees(part->events, part->n, result->text, sizeof(result->text)))
		result->outcome = TRIAL_COUNTERS;
}

static void run_part(struct run *run, const struct model_policy *model, const struct part *part,
		     const char *backend, struct trial_result *result)
{
	bool control = is_control(backend);
	struct trial trial;

	*result = (struct trial_result){.outcome = TRIAL_AGREED};
	if (!trial_open(&trial, EM_HEADER_LIMIT_MAX, model, NULL, 0, NULL))
		return;
	expect(part, &trial, control);
	router_forget();
	if (run->router.arrangement == ROUTER_TRACKED)
		seen_begin();
	if (!control)
		trial_apply(run->options.entitymux, &trial, backend, result);
	if (result->outcome == TRIAL_AGREED) {
		send_events(run, part, backend, result);
		compare_seen(run, part, result);
		if (!control && result->outcome == TRIAL_AGREED)
			trial_compare_counters(run->options.entitymux, &trial, result);
		if (!control)
			trial_remove(run->options.entitymux, result);
	}
	trial_close(&trial);
}

/* What is left of the events without `n` of them still disagrees? */
static bool try_without(struct run *run, const struct model_policy *model, struct part *part,
			size_t at, size_t n, const char *backend, struct trial_result *result)
{
	struct part less = {calloc(part->n, sizeof(*less.events)), part->n - n};
	struct trial_result other;
	bool disagrees;

	if (!less.events)
		return false;
	memcpy(less.events, part->events, at * sizeof(*less.events));
	memcpy(less.events + at, part->events + at + n, (part->n - at - n) * sizeof(*less.events));
	run_part(run, model, &less, backend, &other);
	disagrees = other.outcome == result->outcome;
	if (disagrees) {
		memcpy(part->events, less.events, less.n * sizeof(*less.events));
		part->n = other.outcome == TRIAL_FRAMES ? other.packet + 1 : less.n;
		*result = other;
	}
	free(less.events);
	return disagrees;
}

static void shrink_part(struct run *run, const struct model_policy *model, struct part *part,
			const char *backend, struct trial_result *result)
{
	unsigned int trials = 0;

	if (result->outcome == TRIAL_FRAMES)
		part->n = result->packet + 1;
	for (size_t chunk = part->n / 2; chunk; chunk /= 2)
		for (size_t at = 0; at + chunk <= part->n && trials < SHRINK_TRIALS; trials++)
			if (!try_without(run, model, part, at, chunk, backend, result))
				at += chunk;
}

static void print_part(const struct part *part, const struct model_policy *model,
		       const char *backend, enum router_arrangement arrangement, uint64_t seed,
		       const struct trial_result *result)
{
	static const char *const wires[] = {"in0", "in1", "out"};
	struct trial trial;

	if (!trial_open(&trial, EM_HEADER_LIMIT_MAX, model, NULL, 0, NULL))
		return;
	expect(part, &trial, is_control(backend));
	printf("[disagreement: %s, %s, seed %" PRIu64 "]\n%s\n", backend,
	       router_arrangement_name(arrangement), seed, trial.config);
	for (size_t i = 0; i < part->n; i++) {
		const struct event *event = part->events[i];

		printf("%s to %s: %s\n", wires[event->from], wires[event->to], event->text);
		if (result->outcome != TRIAL_FRAMES || i != result->packet)
			continue;
		printf("# this packet: expected %s, saw %d\n", event->drop ? "none" : "one frame",
		       result->n_seen);
		run_print_frame("sent", &event->sent, &event->sent);
		if (!event->drop)
			run_print_frame("expected", &event->expected, &event->sent);
		if (result->n_seen > 0)
			run_print_frame("seen", &result->seen, &event->expected);
	}
	if (result->outcome != TRIAL_FRAMES)
		printf("# %s\n", result->text);
	putchar('\n');
	trial_close(&trial);
}

static struct part whole(const struct talk *talk)
{
	struct part part = {calloc(talk->n + 1, sizeof(*part.events)), talk->n};

	if (!part.events) {
		perror("equivalence");
		exit(EXIT_FAILURE);
	}
	for (size_t i = 0; i < talk->n; i++)
		part.events[i] = &talk->events[i];
	return part;
}

static void run_backend(struct run *run, struct tally *tally, const struct talk *talk,
			uint64_t seed)
{
	struct part part = whole(talk);
	struct trial_result result;
	double start = run_now();

	router_arrange(&run->router, arrangement_for(run, tally->backend, seed));
	run_part(run, talk->model, &part, tally->backend, &result);
	tally->seconds += run_now() - start;
	if (result.outcome == TRIAL_REFUSED) {
		tally->refused++;
		if (run->options.verbose)
			printf("# %s, seed %" PRIu64 ": %s", tally->backend, seed, result.text);
	} else {
		tally->policies++;
		tally->packets += part.n;
	}
	if (result.outcome != TRIAL_REFUSED && result.outcome != TRIAL_AGREED) {
		tally->disagreements++;
		printf("# %s disagrees, seed %" PRIu64 "; looking for a small example\n",
		       tally->backend, seed);
		shrink_part(run, talk->model, &part, tally->backend, &result);
		print_part(&part, talk->model, tally->backend, run->router.arrangement, seed,
			   &result);
	}
	free(part.events);
}

static void count(struct run *run, const struct talk *talk)
{
	for (size_t i = 0; i < talk->n; i++) {
		const struct event *event = &talk->events[i];
		const uint8_t *sent = event->sent.bytes + event->flow.udp;

		run->events[event->kind]++;
		run->changed += event->kind != EVENT_REQUEST &&
				memcmp(sent, event->expected.bytes + event->flow.udp, 4) != 0;
	}
}

static void run_policy(struct run *run, uint64_t seed)
{
	struct random random = {seed};
	struct model_policy model;
	struct talk talk = {.model = &model, .all = run->options.arranged};
	struct trial trial;

	talk_make_policy(&random, run->options.arranged, &model);
	if (!trial_open(&trial, EM_HEADER_LIMIT_MAX, &model, NULL, 0, NULL)) {
		trial_open(&trial, EM_HEADER_LIMIT_MAX, &model, NULL, 0, stderr);
		fprintf(stderr, "equivalence: seed %" PRIu64 ": not a valid policy\n", seed);
		exit(EXIT_FAILURE);
	}
	talk.policy = trial.policy;
	talk_make(&random, run->options.per_policy, &talk);
	count(run, &talk);
	for (size_t i = 0; i < run->options.n_backends; i++)
		if (run->options.tallies[i].disagreements < RUN_DISAGREEMENTS_MAX)
			run_backend(run, &run->options.tallies[i], &talk, seed);
	talk_clear(&talk);
	trial_close(&trial);
}

int main(int argc, char **argv)
{
	struct run run = {0};

	if (!run_read_options(&run.options, "a", argc, argv))
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	run_on_one_cpu();
	router_open(&run.router);
	printf("conversations, seed %" PRIu64 "\n", run.options.seed);
	for (uint64_t k = 0; !run_is_done(&run.options); k++)
		run_policy(&run, run.options.seed + k);
	printf("generated: %" PRIu64 " requests, %" PRIu64 " answers, %" PRIu64 " errors; %" PRIu64
	       " of these two to be changed\n",
	       run.events[EVENT_REQUEST], run.events[EVENT_ANSWER], run.events[EVENT_ERROR],
	       run.changed);
	return run_report(&run.options);
}
