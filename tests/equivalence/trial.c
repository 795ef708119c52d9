/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * trial - a policy and packets, what the reference says comes of them, and what a backend makes of
 * them.
 */
#include "trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "generate.h"
#include "tests/lib/counts.h"
#include "tests/lib/packet.h"

#define EXIT_NOT_SUPPORTED 3

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "equivalence: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static const char *const interface_names[] = {"in0", "in1"};

static char *print_config(const struct model_policy *policy)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		die("config");
	model_print_policy(out, policy);
	if (fclose(out))
		die("config");
	return text;
}

/* NULL where it is not valid. */
static struct em_policy *read_config(const char *text, FILE *messages)
{
	FILE *nowhere = messages ? NULL : fopen("/dev/null", "we");
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct em_policy *policy = NULL;
	struct em_diag diag;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || fchmod(fd, 0600) || (!messages && !nowhere) ||
	    write(fd, text, strlen(text)) < 0)
		die("config");
	em_diag_init(&diag, messages ? messages : nowhere);
	if (em_config_read(&policy, path, &diag))
		policy = NULL;
	if (nowhere)
		fclose(nowhere);
	close(fd);
	return policy;
}

bool trial_build(const struct model_packet *model, char text[TRIAL_TEXT_MAX],
		 struct stream_frame *frame, struct packet *scratch)
{
	FILE *out;

	if (!model_packet_fits(model))
		return false;
	out = fmemopen(text, TRIAL_TEXT_MAX, "w");
	if (!out)
		die("packet");
	model_print_packet(out, model);
	if (fclose(out))
		die("packet");
	packet_build(scratch, model->interface ? text + strlen("in1: ") : text);
	if (!generate_compared(scratch->bytes, scratch->length))
		return false;
	frame->length = (uint16_t)scratch->length;
	frame->paged = scratch->paged;
	memcpy(frame->bytes, scratch->bytes, scratch->length);
	return true;
}

static void classify(struct trial *trial, struct trial_packet *packet)
{
	packet->expected = packet->sent;
	em_classify_with_limit(trial->policy, interface_names[packet->model->interface],
			       packet->expected.bytes, packet->expected.length,
			       trial->ipv6_header_limit, &packet->class);
	em_stats_count(trial->expected, trial->policy, &packet->class);
}

bool trial_open(struct trial *trial, unsigned int ipv6_header_limit,
		const struct model_policy *policy, const struct model_packet *packets,
		size_t n_packets, FILE *messages)
{
	struct packet *scratch = malloc(sizeof(*scratch));
	char text[TRIAL_TEXT_MAX];

	*trial = (struct trial){.config = print_config(policy),
				.ipv6_header_limit = ipv6_header_limit};
	trial->policy = read_config(trial->config, messages);
	trial->packets = calloc(n_packets + 1, sizeof(*trial->packets));
	if (!trial->packets || !scratch)
		die("packets");
	if (trial->policy && em_stats_new(&trial->expected, trial->policy))
		die("stats");
	for (size_t i = 0; trial->policy && i < n_packets; i++) {
		struct trial_packet *packet = &trial->packets[trial->n_packets];

		packet->model = &packets[i];
		packet->index = i;
		if (!trial_build(packet->model, text, &packet->sent, scratch))
			continue;
		classify(trial, packet);
		trial->n_packets++;
	}
	free(scratch);
	if (trial->policy)
		return true;
	trial_close(trial);
	return false;
}

void trial_close(struct trial *trial)
{
	em_stats_free(trial->expected);
	em_policy_free(trial->policy);
	free(trial->packets);
	free(trial->config);
	*trial = (struct trial){0};
}

static void fail(struct trial_result *result, enum trial_outcome outcome, const char *what,
		 const struct rig_output *output)
{
	result->outcome = outcome;
	snprintf(result->text, sizeof(result->text), "%s: exit status %d: %s", what, output->status,
		 output->err);
}

void trial_apply(const char *entitymux, const struct trial *trial, const char *backend,
		 struct trial_result *result)
{
	char option[32], path[256];
	const char *const argv[] = {entitymux, "apply", option, path, NULL};
	struct rig_output output;
	FILE *file;

	snprintf(option, sizeof(option), "--backend=%s", backend);
	snprintf(path, sizeof(path), "%s/equivalence.conf", rig_folder());
	file = fopen(path, "we");
	if (!file || fputs(trial->config, file) < 0 || fclose(file))
		die(path);
	rig_run(&output, argv);
	if (output.status == EXIT_NOT_SUPPORTED)
		fail(result, TRIAL_REFUSED, "apply", &output);
	else if (output.status)
		fail(result, TRIAL_NOT_APPLIED, "apply", &output);
	rig_output_clear(&output);
}

static bool same(const struct stream_frame *a, const struct stream_frame *b)
{
	return a->length == b->length && !memcmp(a->bytes, b->bytes, a->length);
}

/* What has to come of a packet; NULL: nothing. */
static const struct stream_frame *wanted(const struct trial_packet *packet, bool control)
{
	if (control)
		return &packet->sent;
	return packet->class.action.verdict == EM_DROP ? NULL : &packet->expected;
}

/* A window of packets of one interface: does what came out agree, frame by frame and in order? */
static bool window_agrees(struct rig *rig, const struct trial_packet *const *window, unsigned int n,
			  bool control)
{
	const struct stream_frame *frames[STREAM_WINDOW] = {NULL};
	struct stream_frame seen[STREAM_WINDOW];
	int n_seen, next = 0;

	for (unsigned int i = 0; i < n; i++)
		frames[i] = &window[i]->sent;
	n_seen = stream_exchange(rig, window[0]->model->interface, frames, n, seen);
	for (unsigned int i = 0; i < n; i++) {
		const struct stream_frame *want = wanted(window[i], control);

		if (!want)
			continue;
		if (next >= n_seen || !same(want, &seen[next]))
			return false;
		next++;
	}
	return next == n_seen;
}

/* Sends one packet by itself, as the result tells it. */
static bool packet_agrees(struct rig *rig, const struct trial_packet *packet, bool control,
			  struct trial_result *result)
{
	const struct stream_frame *frames[] = {&packet->sent}, *want = wanted(packet, control);
	struct stream_frame seen[STREAM_WINDOW] = {0};
	int n = stream_exchange(rig, packet->model->interface, frames, 1, seen);

	result->n_seen = n;
	result->seen = seen[0];
	return want ? n == 1 && same(want, &seen[0]) : n == 0;
}

/* One after the other, to find the first that differs. */
static void find_packet(struct rig *rig, const struct trial_packet *const *window, unsigned int n,
			bool control, struct trial_result *result)
{
	result->outcome = TRIAL_FRAMES;
	for (unsigned int i = 0; i < n; i++) {
		result->packet = window[i]->index;
		if (!packet_agrees(rig, window[i], control, result))
			return;
	}
	/* Together they differ, by themselves they do not: the window begins here. */
	result->packet = window[0]->index;
}

static void send_packets(struct rig *rig, const struct trial *trial, unsigned int interface,
			 bool control, struct trial_result *result)
{
	const struct trial_packet *window[STREAM_WINDOW];
	unsigned int n = 0;

	for (size_t i = 0; i < trial->n_packets && result->outcome == TRIAL_AGREED; i++) {
		bool last = i + 1 == trial->n_packets;

		if (trial->packets[i].model->interface == interface)
			window[n++] = &trial->packets[i];
		if (n == 0 || (n < STREAM_WINDOW && !last))
			continue;
		if (!window_agrees(rig, window, n, control))
			find_packet(rig, window, n, control, result);
		n = 0;
	}
}

void trial_compare_counters(const char *entitymux, const struct trial *trial,
			    struct trial_result *result)
{
	const char *const argv[] = {entitymux, "stats", "--json", NULL};
	struct rig_output output;
	char *differences;

	rig_run(&output, argv);
	differences = counts_differences(output.out, trial->policy, trial->expected);
	if (output.status) {
		fail(result, TRIAL_COUNTERS, "stats", &output);
	} else if (*differences) {
		result->outcome = TRIAL_COUNTERS;
		snprintf(result->text, sizeof(result->text), "%s", differences);
	}
	free(differences);
	rig_output_clear(&output);
}

void trial_remove(const char *entitymux, struct trial_result *result)
{
	const char *const argv[] = {entitymux, "remove", NULL};
	struct rig_output output;

	rig_run(&output, argv);
	if (output.status)
		fail(result, TRIAL_NOT_APPLIED, "remove", &output);
	rig_output_clear(&output);
}

void trial_run(struct trial_host *host, const struct trial *trial, const char *backend,
	       struct trial_result *result)
{
	bool control = strcmp(backend, TRIAL_CONTROL) == 0;

	*result = (struct trial_result){.outcome = TRIAL_AGREED};
	if (!control)
		trial_apply(host->entitymux, trial, backend, result);
	if (result->outcome != TRIAL_AGREED)
		return;
	for (unsigned int interface = 0; interface < RIG_INTERFACES; interface++)
		send_packets(&host->rig, trial, interface, control, result);
	if (control)
		return;
	if (result->outcome == TRIAL_AGREED)
		trial_compare_counters(host->entitymux, trial, result);
	trial_remove(host->entitymux, result);
}
