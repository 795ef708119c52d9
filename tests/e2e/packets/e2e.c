/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * e2e - the end-to-end test: policies applied by the tool as it ships, packets sent on a wire.
 *
 *	e2e [-q] [-c CASES]		compare the table with the reference classifier only
 *	e2e [-q] [-c CASES] ENTITYMUX [BACKEND...]
 *					(root) and with each backend in this kernel
 *
 * What a frame becomes is said three times: by hand in the table, by em_classify(), and by the
 * kernel; the frame is compared byte for byte, the counters at the end of each policy.  Where the
 * kernel stops at some number of IPv6 extension headers, the reference goes to the same depth; the
 * table does not know.  Prints what failed and, without -q, one line per policy; the exit status is
 * 1 when anything failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "host/release.h"
#include "policy/classify.h"
#include "policy/stats.h"
#include "table.h"
#include "tests/lib/counts.h"
#include "tests/lib/outcome.h"
#include "tests/lib/rig.h"

#define SEEN_MAX	   4
#define SECONDS_MAX	   1800 /* for everything, emulated on a busy host: not to hang the build */
#define EXIT_NOT_SUPPORTED 3

struct run {
	const char *cases; /* the file */
	bool quiet;
	unsigned int ipv6_header_limit; /* of this kernel, see engine/header_limit.h */
	unsigned int passed;
	unsigned int failed;
	unsigned int refused; /* policies, by a backend that may */
};

/* A policy of the table, read, with what the reference says of its cases. */
struct subject {
	const struct test_policy *test;
	const char *backend; /* NULL: the reference alone */
	struct em_policy *policy;
	struct em_stats *expected;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "e2e: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void __attribute__((format(printf, 4, 5)))
judge(struct run *run, const struct subject *subject, bool good, const char *format, ...)
{
	va_list arguments;

	if (good) {
		run->passed++;
		return;
	}
	run->failed++;
	printf("FAIL %s, [%s], %s:", subject->backend ? subject->backend : "reference",
	       subject->test->title, run->cases);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

static void print_frame(const char *title, const struct packet *frame, const struct packet *other)
{
	printf("  %s, %zu bytes:", title, frame->length);
	for (size_t i = 0; i < frame->length; i++) {
		bool differs = i >= other->length || frame->bytes[i] != other->bytes[i];

		if (i % 16 == 0)
			printf("\n    %04zx ", i);
		printf("%c%02x", differs ? '*' : ' ', frame->bytes[i]);
	}
	putchar('\n');
}

/* Reads the configuration as the tool does, from a file that has no name. */
static struct em_policy *read_policy(const struct test_policy *test)
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct em_policy *policy = NULL;
	char path[64], *messages = NULL;
	struct em_diag diag;
	size_t size;
	FILE *out = open_memstream(&messages, &size);
	int error;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || fchmod(fd, 0600) || !out || write(fd, test->config, strlen(test->config)) < 0)
		die("config");
	em_diag_init(&diag, out);
	error = em_config_read(&policy, path, &diag);
	fclose(out);
	if (error) {
		fprintf(stderr, "%se2e: [%s] (line %u) is not a valid policy\n", messages,
			test->title, test->line);
		exit(EXIT_FAILURE);
	}
	free(messages);
	close(fd);
	return policy;
}

static void write_config(const struct test_policy *test, const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs(test->config, file) < 0 || fclose(file))
		die(path);
}

/* The packet of a case, what the reference makes of it, and whether the table agrees. */
static void predict(struct run *run, const struct subject *subject, const struct test_case *test,
		    struct packet *frame, struct em_classification *class)
{
	char outcome[OUTCOME_MAX];

	packet_build(frame, test->packet);
	em_classify(subject->policy, test->interface ? "in1" : "in0", frame->bytes, frame->length,
		    class);
	outcome_describe(subject->policy, class, outcome);
	judge(run, subject, !strcmp(outcome, test->outcome),
	      "%u: %s\n  %s\n  the table says %s, the reference %s", test->line, test->why,
	      test->packet, test->outcome, outcome);
}

static void compare_frames(struct run *run, const struct subject *subject,
			   const struct test_case *test, const struct packet *expected,
			   const struct packet *seen, int n_seen)
{
	int n_expected = expected ? 1 : 0;
	bool same = n_seen == n_expected &&
		    (!expected || (expected->length == seen->length &&
				   !memcmp(expected->bytes, seen->bytes, seen->length)));

	judge(run, subject, same, "%u: %s\n  %s\n  expected %s, %d frame%s, saw %d", test->line,
	      test->why, test->packet, test->outcome, n_expected, n_expected == 1 ? "" : "s",
	      n_seen);
	if (same)
		return;
	if (expected)
		print_frame("expected", expected, n_seen > 0 ? seen : expected);
	for (int i = 0; i < n_seen && i < SEEN_MAX; i++)
		print_frame("seen", &seen[i], expected ? expected : &seen[i]);
}

static void run_case(struct run *run, const struct subject *subject, struct rig *rig,
		     const struct test_case *test)
{
	struct packet sent, expected, seen[SEEN_MAX];
	struct em_classification class;
	int n_seen;

	packet_build(&sent, test->packet);
	predict(run, subject, test, &expected, &class);
	expected = sent;
	em_classify_with_limit(subject->policy, test->interface ? "in1" : "in0", expected.bytes,
			       expected.length, run->ipv6_header_limit, &class);
	em_stats_count(subject->expected, subject->policy, &class);
	n_seen = rig_exchange(rig, test->interface, &sent, seen, SEEN_MAX);
	compare_frames(run, subject, test, class.action.verdict == EM_DROP ? NULL : &expected, seen,
		       n_seen);
}

static void compare_stats(struct run *run, const struct subject *subject, const char *entitymux)
{
	const char *const argv[] = {entitymux, "stats", "--json", NULL};
	struct rig_output output;
	char *differences;

	rig_run(&output, argv);
	judge(run, subject, output.status == 0, "%u: stats: exit status %d\n  %s",
	      subject->test->line, output.status, output.err);
	differences = counts_differences(output.out, subject->policy, subject->expected);
	judge(run, subject, !*differences, "%u: stats:\n%s", subject->test->line, differences);
	free(differences);
	rig_output_clear(&output);
}

/* E2E_MAY_REFUSE is set on kernels of which the table knows nothing. */
static bool may_refuse(const struct subject *subject)
{
	return strstr(subject->test->optional, subject->backend) || getenv("E2E_MAY_REFUSE");
}

/* Whether the policy is in force. */
static bool apply(struct run *run, const struct subject *subject, const char *entitymux)
{
	char option[32], config[256];
	const char *const argv[] = {entitymux, "apply", option, config, NULL};
	struct rig_output output;
	bool applied, refused;

	snprintf(option, sizeof(option), "--backend=%s", subject->backend);
	snprintf(config, sizeof(config), "%s/e2e.conf", rig_folder());
	write_config(subject->test, config);
	rig_run(&output, argv);
	applied = output.status == 0;
	refused = output.status == EXIT_NOT_SUPPORTED && may_refuse(subject);
	if (refused) {
		run->refused++;
		printf("skip %s, [%s]: %s", subject->backend, subject->test->title, output.err);
	} else {
		judge(run, subject, applied, "%u: apply: exit status %d\n  %s", subject->test->line,
		      output.status, output.err);
	}
	rig_output_clear(&output);
	return applied;
}

static void remove_policy(struct run *run, const struct subject *subject, const char *entitymux)
{
	const char *const argv[] = {entitymux, "remove", NULL};
	struct rig_output output;

	rig_run(&output, argv);
	judge(run, subject, output.status == 0, "%u: remove: exit status %d\n  %s",
	      subject->test->line, output.status, output.err);
	rig_output_clear(&output);
}

static void subject_open(struct subject *subject, const struct test_policy *test,
			 const char *backend)
{
	*subject = (struct subject){.test = test, .backend = backend, .policy = read_policy(test)};
	if (em_stats_new(&subject->expected, subject->policy))
		die("stats");
}

static void subject_close(struct subject *subject)
{
	em_stats_free(subject->expected);
	em_policy_free(subject->policy);
}

/* Before Linux 5.6 the programs may be those without loops, which walk less; see entitymux(8). */
static bool is_beyond(const struct test_policy *test, const char *backend)
{
	return !strncmp(test->title, "many headers", 12) && strcmp(backend, "nft") != 0 &&
	       em_release_is_before(5, 6);
}

static void run_policy(struct run *run, const struct test_policy *test, struct rig *rig,
		       const char *entitymux, const char *backend, const char *before)
{
	struct subject subject;
	unsigned int failed = run->failed;
	char *after;

	if (is_beyond(test, backend)) {
		run->refused++;
		printf("skip %s, [%s]: the programs without loops walk 16 headers\n", backend,
		       test->title);
		return;
	}
	subject_open(&subject, test, backend);
	if (apply(run, &subject, entitymux)) {
		for (size_t i = 0; i < test->n_cases; i++)
			run_case(run, &subject, rig, &test->cases[i]);
		compare_stats(run, &subject, entitymux);
	}
	remove_policy(run, &subject, entitymux);
	after = rig_snapshot();
	judge(run, &subject, !strcmp(before, after),
	      "%u: remove left something\nbefore apply:\n%s\nnow:\n%s", test->line, before, after);
	if (!run->quiet && run->failed == failed)
		printf("ok   %s, [%s]\n", backend, test->title);
	free(after);
	subject_close(&subject);
}

static void run_reference(struct run *run, const struct table *table)
{
	struct packet frame;

	for (size_t i = 0; i < table->n_policies; i++) {
		const struct test_policy *test = &table->policies[i];
		struct em_classification class;
		struct subject subject;

		subject_open(&subject, test, NULL);
		for (size_t j = 0; j < test->n_cases; j++)
			predict(run, &subject, &test->cases[j], &frame, &class);
		subject_close(&subject);
	}
}

static void run_backends(struct run *run, const struct table *table, const char *entitymux,
			 const char *const *backends)
{
	struct rig rig;
	char *before;

	rig_open(&rig);
	run->ipv6_header_limit = outcome_header_limit();
	before = rig_snapshot();
	for (; *backends; backends++) {
		for (size_t i = 0; i < table->n_policies; i++)
			run_policy(run, &table->policies[i], &rig, entitymux, *backends, before);
	}
	free(before);
}

/* The table in the source tree; `make check` says where that is. */
static const char *default_cases(char *path, size_t size)
{
	const char *srcdir = getenv("srcdir");

	snprintf(path, size, "%s/tests/e2e/packets/cases", srcdir ? srcdir : ".");
	return path;
}

int main(int argc, char **argv)
{
	static const char *const default_backends[] = {"xdp", "xdp-generic", "nft", NULL};
	const char *const *arguments = (const char *const *)(uintptr_t)argv;
	struct run run = {0};
	struct table table;
	char path[4096];
	int option;

	run.cases = default_cases(path, sizeof(path));
	while ((option = getopt(argc, argv, "+qc:")) != -1) {
		if (option == 'q') {
			run.quiet = true;
		} else if (option == 'c') {
			run.cases = optarg;
		} else {
			fprintf(stderr, "usage: e2e [-q] [-c CASES] [ENTITYMUX [BACKEND...]]\n");
			return 2;
		}
	}
	arguments += optind;
	alarm(SECONDS_MAX);
	setvbuf(stdout, NULL, _IOLBF, 0);
	table_read(&table, run.cases);
	run_reference(&run, &table);
	if (arguments[0])
		run_backends(&run, &table, arguments[0],
			     arguments[1] ? arguments + 1 : default_backends);
	table_clear(&table);
	printf("%u passed, %u failed, %u policies refused\n", run.passed, run.failed, run.refused);
	return run.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
