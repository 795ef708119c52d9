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
#include "policy/copies.h"
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

/* RFC 1624, equation 3, as anybody would write it down. */
static void set_port(uint8_t *udp, uint16_t port)
{
	uint16_t before = (uint16_t)(udp[2] << 8 | udp[3]),
		 check = (uint16_t)(udp[6] << 8 | udp[7]);
	uint32_t sum = (uint16_t)~check + (uint16_t)~before + port;

	udp[2] = port >> 8;
	udp[3] = port & 0xff;
	if (!check)
		return;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
	sum = sum ? sum : 0xffff;
	udp[6] = sum >> 8;
	udp[7] = sum & 0xff;
}

/* How often, and after how long, it is looked for copies that are late: a second in all. */
#define LATE_TRIES	  200
#define LATE_MICROSECONDS 5000

/* The original and its copies. Returns their number. */
static unsigned int add_wanted(const struct trial_packet *packet, bool control,
			       struct stream_frame *to)
{
	const struct stream_frame *want = wanted(packet, control);
	unsigned int n = 0;

	if (want)
		to[n++] = *want;
	for (size_t i = 0; !control && i < packet->class.n_copies; i++) {
		to[n] = packet->sent;
		set_port(to[n++].bytes + (packet->class.payload - packet->expected.bytes) - 8,
			 packet->class.copies[i]);
	}
	return n;
}

/*
 * Copies come behind the sentinel, and before the next one; but for those of nft, which wait in a
 * device that others pass by.  One more sentinel shows what is too many.
 */
static int exchange(struct rig *rig, unsigned int interface,
		    const struct stream_frame *const *frames, unsigned int n, bool copies,
		    unsigned int n_wanted, struct stream_frame seen[2 * STREAM_WINDOW])
{
	int all = stream_exchange(rig, interface, frames, n, seen), more;

	for (int tries = 0; copies && all >= 0 && all <= STREAM_WINDOW && tries < LATE_TRIES;
	     tries++) {
		if (tries)
			usleep(LATE_MICROSECONDS);
		more = stream_exchange(rig, interface, NULL, 0, seen + all);
		all = more < 0 ? more : all + more;
		if (all < 0 || (unsigned int)all >= n_wanted)
			break;
	}
	return all;
}

/* Copies come in their own order, among and behind the others. */
static bool take_wanted(struct stream_frame *want, unsigned int n, const struct stream_frame *seen,
			bool any_order)
{
	for (unsigned int i = 0; i < n; i++)
		if (same(&want[i], seen)) {
			/* No frame is empty. */
			want[i].length = 0;
			return true;
		} else if (want[i].length && !any_order) {
			return false;
		}
	return false;
}

/* What came of a window, for a disagreement that does not come again. */
static void describe_window(struct trial_result *result, unsigned int n_wanted, int n_seen,
			    const char *what, const struct stream_frame *frame)
{
	size_t at = snprintf(result->text, sizeof(result->text),
			     "%d of %u frames came; %s:", n_seen, n_wanted, what);

	for (unsigned int i = 0; i < frame->length && at + 3 < sizeof(result->text); i++)
		at += snprintf(result->text + at, sizeof(result->text) - at, " %02x",
			       frame->bytes[i]);
}

/*
 * A window of packets of one interface: does what came out agree, frame by frame and, without
 * copies, in order?
 */
static bool window_agrees(struct rig *rig, const struct trial_packet *const *window, unsigned int n,
			  bool control, struct trial_result *result)
{
	static struct stream_frame want[STREAM_WINDOW], seen[2 * STREAM_WINDOW];
	const struct stream_frame *frames[STREAM_WINDOW] = {NULL};
	unsigned int n_wanted = 0;
	bool copies = false;
	int n_seen;

	for (unsigned int i = 0; i < n; i++) {
		frames[i] = &window[i]->sent;
		copies |= !control && window[i]->class.n_copies;
		n_wanted += add_wanted(window[i], control, want + n_wanted);
	}
	n_seen = exchange(rig, window[0]->model->interface, frames, n, copies, n_wanted, seen);
	result->n_seen = n_seen;
	result->seen = seen[0];
	for (int i = 0; i < n_seen && i < STREAM_WINDOW; i++)
		if (!take_wanted(want, n_wanted, &seen[i], copies)) {
			result->seen = seen[i];
			describe_window(result, n_wanted, n_seen, "not expected", &seen[i]);
			return false;
		}
	for (unsigned int i = 0; i < n_wanted; i++)
		if (want[i].length) {
			describe_window(result, n_wanted, n_seen, "missing", &want[i]);
			return false;
		}
	return n_seen >= 0 && (unsigned int)n_seen == n_wanted;
}

/* One after the other, to find the first that differs. */
static void find_packet(struct rig *rig, const struct trial_packet *const *window, unsigned int n,
			bool control, struct trial_result *result)
{
	result->outcome = TRIAL_FRAMES;
	for (unsigned int i = 0; i < n; i++) {
		result->packet = window[i]->index;
		if (!window_agrees(rig, &window[i], 1, control, result))
			return;
	}
	/* Together they differ, by themselves they do not: the window begins here. */
	result->packet = window[0]->index;
}

static void send_packets(struct rig *rig, const struct trial *trial, unsigned int interface,
			 bool control, struct trial_result *result)
{
	/* What comes out fits into one, copies included. */
	const unsigned int most = em_copies_first(trial->policy)
					  ? STREAM_WINDOW / (1 + EM_COPIES_EACH)
					  : STREAM_WINDOW;
	const struct trial_packet *window[STREAM_WINDOW];
	unsigned int n = 0;

	for (size_t i = 0; i < trial->n_packets && result->outcome == TRIAL_AGREED; i++) {
		bool last = i + 1 == trial->n_packets;

		if (trial->packets[i].model->interface == interface)
			window[n++] = &trial->packets[i];
		if (n == 0 || (n < most && !last))
			continue;
		if (!window_agrees(rig, window, n, control, result))
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
