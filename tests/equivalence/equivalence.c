/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * equivalence - random policies and packets, the same for every backend, against the reference.
 *
 *	equivalence [-cv] [-s SEED] [-n PACKETS] [-p PER_POLICY] ENTITYMUX BACKEND...	(root)
 *
 * PACKETS frames or a few more go through each backend, PER_POLICY of them through each policy.
 * Policy k of seed s is policy 0 of seed s + k, which is how to get at one again.  A disagreement
 * is made small and printed as a case for tests/e2e/packets/cases.  The exit status is 1 when there
 *was any.
 *
 * With -c, policies have copies, which nft makes from Linux 5.16 on.
 *
 * The backend `none` is the control: without any policy, every frame comes out as it went in.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generate.h"
#include "run.h"
#include "shrink.h"
#include "tests/lib/outcome.h"

#define SHOWN 8U /* packets of a disagreement */

struct run {
	struct trial_host host;
	struct run_options options;
	/* What the packets of the reference came to: a test in which nothing is ours proves
	 * nothing. */
	uint64_t results[EM_INVALID + 1];
};

struct example {
	struct model_policy policy;
	struct model_packet *packets;
	size_t n_packets;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "equivalence: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void print_frames(const struct trial_result *result, const struct trial_packet *packet)
{
	bool dropped = packet->class.action.verdict == EM_DROP;

	printf("# this packet: expected %s, saw %d\n", dropped ? "none" : "one frame",
	       result->n_seen);
	run_print_frame("sent", &packet->sent, &packet->sent);
	if (!dropped)
		run_print_frame("expected", &packet->expected, &packet->sent);
	if (result->n_seen > 0)
		run_print_frame("seen", &result->seen, dropped ? &packet->sent : &packet->expected);
}

static void print_disagreement(const struct shrink *shrink, unsigned int ipv6_header_limit,
			       uint64_t seed)
{
	char outcome[OUTCOME_MAX];
	struct trial trial;

	if (!trial_open(&trial, ipv6_header_limit, &shrink->policy, shrink->packets,
			shrink->n_packets, stderr))
		return;
	printf("[disagreement: %s, seed %" PRIu64 "]\n%s\n", shrink->backend, seed, trial.config);
	if (trial.n_packets > SHOWN)
		printf("# %zu packets; the first %u are\n", trial.n_packets, SHOWN);
	for (size_t i = 0; i < trial.n_packets && i < SHOWN; i++) {
		outcome_describe(trial.policy, &trial.packets[i].class, outcome);
		model_print_packet(stdout, trial.packets[i].model);
		printf(" -> %s\n", outcome);
		if (shrink->result.outcome == TRIAL_FRAMES && i == shrink->result.packet)
			print_frames(&shrink->result, &trial.packets[i]);
	}
	if (shrink->result.outcome != TRIAL_FRAMES)
		printf("# %s\n", shrink->result.text);
	putchar('\n');
	trial_close(&trial);
}

static void explain(struct run *run, const struct tally *tally, const struct example *example,
		    const struct trial_result *result, uint64_t seed)
{
	struct shrink work = {
		.policy = example->policy,
		.packets = calloc(example->n_packets, sizeof(*work.packets)),
		.n_packets = example->n_packets,
		.backend = tally->backend,
		.result = *result,
	};

	if (!work.packets)
		die("memory");
	memcpy(work.packets, example->packets, example->n_packets * sizeof(*work.packets));
	printf("# %s disagrees, seed %" PRIu64 "; looking for a small example\n", tally->backend,
	       seed);
	printf("# %s\n", result->text);
	shrink(&run->host, &work);
	print_disagreement(&work, run->host.ipv6_header_limit, seed);
	free(work.packets);
}

static void generate(struct example *example, uint64_t seed, bool copies)
{
	struct random random = {seed};

	generate_policy(&random, &example->policy);
	for (size_t i = 0; i < example->n_packets; i++)
		generate_packet(&random, &example->policy, &example->packets[i]);
	if (copies)
		generate_copies(&random, &example->policy);
}

static void run_backend(struct run *run, struct tally *tally, const struct example *example,
			const struct trial *trial, uint64_t seed)
{
	struct trial_result result;
	double start = run_now();

	if (tally->disagreements >= RUN_DISAGREEMENTS_MAX)
		return;
	trial_run(&run->host, trial, tally->backend, &result);
	tally->seconds += run_now() - start;
	if (result.outcome == TRIAL_REFUSED) {
		tally->refused++;
		if (run->options.verbose)
			printf("# %s, seed %" PRIu64 ": %s", tally->backend, seed, result.text);
		return;
	}
	tally->policies++;
	tally->packets += trial->n_packets;
	if (result.outcome != TRIAL_AGREED) {
		tally->disagreements++;
		explain(run, tally, example, &result, seed);
	}
}

static void run_all(struct run *run)
{
	struct example example = {.n_packets = run->options.per_policy};

	example.packets = calloc(example.n_packets, sizeof(*example.packets));
	if (!example.packets)
		die("memory");
	for (uint64_t k = 0; !run_is_done(&run->options); k++) {
		struct trial trial;

		generate(&example, run->options.seed + k, run->options.copies);
		if (!trial_open(&trial, run->host.ipv6_header_limit, &example.policy,
				example.packets, example.n_packets, NULL)) {
			trial_open(&trial, run->host.ipv6_header_limit, &example.policy, NULL, 0,
				   stderr);
			fprintf(stderr, "equivalence: seed %" PRIu64 ": not a valid policy\n",
				run->options.seed + k);
			exit(EXIT_FAILURE);
		}
		for (size_t i = 0; i < trial.n_packets; i++)
			run->results[trial.packets[i].class.result]++;
		for (size_t i = 0; i < run->options.n_backends; i++)
			run_backend(run, &run->options.tallies[i], &example, &trial,
				    run->options.seed + k);
		trial_close(&trial);
	}
	free(example.packets);
}

/* Returns the exit status. */
static int report(const struct run *run)
{
	for (int result = EM_NOT_OURS; result <= EM_INVALID; result++)
		printf("%s%" PRIu64 " %s", result ? ", " : "generated: ", run->results[result],
		       em_result_name(result));
	putchar('\n');
	return run_report(&run->options);
}

int main(int argc, char **argv)
{
	struct run run = {0};

	if (!run_read_options(&run.options, "c", argc, argv))
		return 2;
	run.host.entitymux = run.options.entitymux;
	setvbuf(stdout, NULL, _IOLBF, 0);
	run_on_one_cpu();
	rig_open(&run.host.rig);
	run.host.ipv6_header_limit = outcome_header_limit();
	printf("seed %" PRIu64 ", %u IPv6 extension headers\n", run.options.seed,
	       run.host.ipv6_header_limit);
	run_all(&run);
	return report(&run);
}
