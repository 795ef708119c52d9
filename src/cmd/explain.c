/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "cmd/cmd.h"
#include "engine/explain.h"
#include "engine/resolve.h"
#include "policy/stats.h"
#include "print/print.h"

#define FRAME_MAX 65549 /* bytes: the longest IPv4 packet, and an Ethernet header */

struct options {
	const char *interface;
	const char *capture;
	const char *frame;
	const char *payload;
};

static const struct em_option options[] = {
	{"interface", 'i', "NAME", NULL, offsetof(struct options, interface),
	 "the interface on which the packets were received"},
	{"read", 'r', "FILE", NULL, offsetof(struct options, capture),
	 "a capture (pcap, pcapng); - is standard input"},
	{"frame", 0, "HEX", NULL, offsetof(struct options, frame), "an Ethernet frame"},
	{"payload", 0, "HEX", NULL, offsetof(struct options, payload),
	 "the UDP payload of a datagram, for each listener"},
	{0},
};

struct job {
	const struct em_policy *policy;
	const struct options *options;
	const char *interface; /* its own name; NULL: any */
	struct em_stats *stats;
	uint64_t packets;
	struct em_document *out;
	struct em_diag *diag;
};

/* Of a frame that was received on this interface; NULL: on any. */
static void explain(struct job *job, const char *interface, struct em_frame *frame)
{
	struct em_explanation explanation;

	em_explain_frame(job->policy, interface, frame, &explanation);
	em_stats_count(job->stats, job->policy, &explanation.class);
	em_print_explanation(job->out, &explanation);
	job->packets++;
}

static int explain_capture(struct job *job)
{
	struct em_capture *capture __attribute__((cleanup(em_capture_closep))) = NULL;
	const char *path = job->options->capture;
	struct em_frame frame;
	int rc = em_capture_open(&capture, path, job->diag);

	if (rc)
		return rc;
	while ((rc = em_capture_next(capture, &frame, job->diag)) == 1) {
		explain(job, job->interface, &frame);
		/* A pipe may be live: what is known is shown at once. */
		if (!strcmp(path, "-"))
			fflush(job->out->out);
	}
	return rc;
}

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/*
 * Reads pairs of hexadecimal digits, with or without 0x in front and blanks or colons between them,
 * as other tools print them.
 */
static int read_hex(uint8_t **out, size_t *length, const char *option, const char *text,
		    struct em_diag *diag)
{
	uint8_t *bytes = malloc(strlen(text) / 2 + 1);
	size_t n = 0;

	if (!bytes)
		return em_diag_enomem(diag);
	text += strncmp(text, "0x", 2) ? 0 : 2;
	for (text += strspn(text, " :\t\n"); *text; text += strspn(text, " :\t\n")) {
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
		    n == FRAME_MAX) {
			free(bytes);
			return em_diag_error(diag, -EM_EUSAGE, NULL,
					     "explain: --%s: expected at most %u bytes, each two "
					     "hexadecimal digits",
					     option, FRAME_MAX);
		}
		bytes[n++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
		text += 2;
	}
	*out = bytes;
	*length = n;
	return 0;
}

static int explain_one(struct job *job)
{
	struct em_frame frame = {.number = 1};
	int rc = read_hex(&frame.bytes, &frame.length, "frame", job->options->frame, job->diag);

	if (rc)
		return rc;
	frame.captured = frame.length;
	explain(job, job->interface, &frame);
	free(frame.bytes);
	return 0;
}

/* As a datagram for each listener, on its first interface. */
static int explain_payload(struct job *job)
{
	const struct em_policy *policy = job->policy;
	uint8_t *payload;
	size_t length;
	int rc = read_hex(&payload, &length, "payload", job->options->payload, job->diag);

	if (!rc && length > EM_PAYLOAD_MAX) {
		free(payload);
		rc = em_diag_error(job->diag, -EM_EUSAGE, NULL,
				   "explain: --payload: expected at most %u bytes", EM_PAYLOAD_MAX);
	}
	if (rc)
		return rc;
	for (size_t i = 0; i < policy->n_listeners && !rc; i++) {
		const struct em_listener *listener = &policy->listeners[i];
		const char *interface =
			job->interface ? job->interface : listener->interfaces[0].name;
		struct em_frame frame = {.number = job->packets + 1};

		if (job->interface && !em_listener_on(listener, job->interface))
			continue;
		rc = em_explain_build(policy, interface, listener, payload, length, &frame.bytes);
		if (rc < 0)
			break;
		frame.length = frame.captured = (size_t)rc;
		rc = 0;
		explain(job, interface, &frame);
		free(frame.bytes);
	}
	free(payload);
	return rc ? em_diag_enomem(job->diag) : 0;
}

/* The own name of an interface that the configuration has, by any name; NULL: it has none. */
static const char *find_interface(const struct em_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		for (size_t j = 0; j < listener->n_interfaces; j++) {
			const struct em_interface *interface = &listener->interfaces[j];

			if (!strcmp(interface->name, name) || !strcmp(interface->alias, name))
				return interface->name;
		}
	}
	return NULL;
}

static int check_options(struct job *job)
{
	const struct options *wanted = job->options;

	if (!!wanted->capture + !!wanted->frame + !!wanted->payload != 1)
		return em_diag_error(job->diag, -EM_EUSAGE, NULL,
				     "explain: expected one of -r, --frame and --payload; see "
				     "entitymux explain --help");
	if (!wanted->interface)
		return 0;
	job->interface = find_interface(job->policy, wanted->interface);
	if (!job->interface)
		return em_diag_error(job->diag, -EM_EUSAGE, NULL,
				     "explain: --interface=%s: no listener is on it",
				     wanted->interface);
	return 0;
}

static int run(const void *given, char *const *words, struct em_document *out, struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	struct em_stats *stats __attribute__((cleanup(em_stats_freep))) = NULL;
	const struct options *wanted = given;
	struct job job = {.options = wanted, .out = out, .diag = diag};
	int rc = em_cmd_read_config(&policy, words[0] ? words[0] : EM_DEFAULT_CONFIG, diag);

	out->lines = true;
	/* The configuration and the capture may be from another host. */
	if (!rc)
		rc = em_resolve(policy, false, diag);
	job.policy = policy;
	if (!rc)
		rc = check_options(&job);
	if (rc)
		return rc;
	if (em_stats_new(&stats, policy))
		return em_diag_enomem(diag);
	job.stats = stats;
	rc = wanted->capture ? explain_capture(&job)
	     : wanted->frame ? explain_one(&job)
			     : explain_payload(&job);
	if (!rc && em_print_explained(out, policy, stats, job.packets))
		rc = em_diag_enomem(diag);
	return rc;
}

const struct em_command em_cmd_explain = {
	.name = "explain",
	.help = "Say what the policy does with packets of a capture, and why.",
	.words = "[CONFIG]",
	.words_help = EM_CONFIG_HELP,
	.n_words = 1,
	.json = true,
	.options = options,
	.size = sizeof(struct options),
	.run = run,
};
