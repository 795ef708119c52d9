/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * cpus - the program of XDP on one CPU, and on several at once: packets a second, and whether all
 * of them were counted.
 *
 * Each CPU has a thread that runs the program by BPF_PROG_TEST_RUN, all of them the same one. Their
 * rate is the sum of what each of them did in its time on its CPU.
 */
#include "bench.h"

#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/tally.h"
#include "generator.h"
#include "load.h"
#include "policy/stats.h"

#define TITLE	 "The program of XDP on several CPUs at once (BPF_PROG_TEST_RUN)"
#define PACKETS	 1000000
#define ROUNDS	 11
#define CPUS_MAX 64

static const struct row {
	const char *what;
	uint32_t entities;
	bool spread; /* over all tags; else all packets have the first */
} rows[] = {
	{"xdp", 1, false},
	{"xdp", 65536, false},
	{"xdp, tags at random", 65536, true},
};

struct worker {
	pthread_t thread;
	pthread_barrier_t *barrier;
	int cpu, program;
	bool spread;
	struct generator *generator;
	double per_second;
	int rc;
};

static void *work(void *data)
{
	struct worker *worker = data;
	uint32_t verdict = XDP_PASS;
	double start;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(worker->cpu, &set);
	worker->rc = sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
	pthread_barrier_wait(worker->barrier);
	start = measure_cpu_clock();
	if (!worker->rc && worker->spread)
		worker->rc = generator_run_behind(worker->generator, worker->program, false,
						  PACKETS, &verdict);
	else if (!worker->rc)
		worker->rc = generator_run_program(
			worker->program, generator_frame(worker->generator), PACKETS, &verdict);
	worker->per_second = PACKETS / (measure_cpu_clock() - start) * 1e9;
	if (!worker->rc && verdict != XDP_PASS)
		worker->rc = -EPROTO;
	return NULL;
}

/* All at once.  Returns the sum of their rates, or -errno. */
static double run_workers(struct worker *workers, unsigned int n, int program)
{
	pthread_barrier_t barrier;
	double sum = 0;
	int rc = -pthread_barrier_init(&barrier, NULL, n);
	unsigned int started = 0;

	if (rc)
		return rc;
	for (; started < n; started++) {
		workers[started].barrier = &barrier;
		workers[started].program = program;
		/* Those that wait for one that cannot be had would wait for ever. */
		if (pthread_create(&workers[started].thread, NULL, work, &workers[started]))
			exit(EXIT_FAILURE);
	}
	for (unsigned int i = 0; i < n; i++) {
		pthread_join(workers[i].thread, NULL);
		sum += workers[i].per_second;
		rc = rc ? rc : workers[i].rc;
	}
	pthread_barrier_destroy(&barrier);
	return rc ? rc : sum;
}

static int by_value(const void *one, const void *two)
{
	const double *a = one, *b = two;

	return (*a > *b) - (*a < *b);
}

static double median(double *values, uint32_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

/* The program takes turns with an empty one.  Returns 0 or -errno. */
static int compare(struct worker *workers, unsigned int n, int program, uint32_t rounds,
		   double *rate, double *empty)
{
	double rates[ROUNDS], empties[ROUNDS];

	if (rounds > ROUNDS)
		rounds = ROUNDS;
	for (uint32_t i = 0; i < rounds; i++) {
		rates[i] = run_workers(workers, n, program);
		empties[i] = run_workers(workers, n, generator_empty_xdp(workers[0].generator));
		if (rates[i] < 0 || empties[i] < 0)
			return (int)(rates[i] < 0 ? rates[i] : empties[i]);
	}
	*rate = median(rates, rounds);
	*empty = median(empties, rounds);
	return 0;
}

/* What the program has counted.  Returns 0 or -errno. */
static int read_packets(int program, const struct em_policy *policy, uint64_t *packets)
{
	struct em_stats *stats __attribute__((cleanup(em_stats_freep))) = NULL;
	struct em_counters *counters = NULL;
	struct em_diag diag;
	int rc = em_stats_new(&stats, policy);

	em_diag_init(&diag, stderr);
	if (!rc)
		rc = em_tally_open(&counters, program, &diag);
	if (!rc)
		rc = em_tally_read(counters, policy, stats, &diag);
	if (!rc)
		*packets = stats->listeners[0].rewritten;
	em_tally_close(counters);
	return rc;
}

static void report(const struct row *row, unsigned int n, const char *text, json_t *result)
{
	const struct bench_row kept = {row->what, 4, row->entities};

	printf("| %-20s | %8u | %4u | %s |\n", row->what, row->entities, n, text);
	json_object_set_new(result, "cpus", json_integer(n));
	bench_keep_row(&kept, result);
}

static void report_failure(const struct row *row, unsigned int n, int rc, const char *why)
{
	report(row, n, why,
	       json_pack("{ss}", rc == -EM_EUNSUPPORTED ? "not_supported" : "failed", why));
}

/* Whether all were counted goes to *counted.  Returns 0 or -errno. */
static int bench_number(const struct row *row, struct worker *workers, unsigned int n, int program,
			const struct em_policy *policy, uint32_t rounds, double *single,
			bool *counted)
{
	uint64_t before, after = 0, sent;
	double rate = 0, empty = 0;
	char text[128];
	int rc = read_packets(program, policy, &before);

	if (!rc)
		rc = compare(workers, n, program, rounds, &rate, &empty);
	if (!rc)
		rc = read_packets(program, policy, &after);
	if (rc)
		return rc;
	if (n == 1)
		*single = rate;
	sent = (uint64_t)n * PACKETS * (rounds > ROUNDS ? ROUNDS : rounds);
	*counted = after - before == sent;
	snprintf(text, sizeof(text), "%10.1f | %7.1f | %5.2f | %s", empty / 1e6, rate / 1e6,
		 rate / *single, *counted ? "all" : "NOT ALL");
	report(row, n, text,
	       json_pack("{sf sf sf sb}", "empty", empty, "rate", rate, "ratio", rate / *single,
			 "counted", *counted));
	return 0;
}

/* Those that this process may use. */
static unsigned int find_cpus(int numbers[CPUS_MAX])
{
	long configured = sysconf(_SC_NPROCESSORS_CONF);
	cpu_set_t before, set;
	unsigned int n = 0;

	sched_getaffinity(0, sizeof(before), &before);
	for (int cpu = 0; cpu < configured && cpu < CPU_SETSIZE && n < CPUS_MAX; cpu++) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (!sched_setaffinity(0, sizeof(set), &set))
			numbers[n++] = cpu;
	}
	sched_setaffinity(0, sizeof(before), &before);
	return n;
}

static void bench_row(struct bench *bench, const struct row *row, const int *numbers,
		      unsigned int cpus)
{
	const struct bench_policy of = {"lo", row->entities, BENCH_LISTENER_PORT, 0, NULL, false};
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	struct worker workers[CPUS_MAX] = {0};
	struct em_programs *programs = NULL;
	char message[LOAD_MESSAGE];
	bool counted = true;
	double single = 0;
	int rc = load_programs(bench, &of, EM_PROGRAM_XDP, &programs, &policy, message);

	if (rc)
		report_failure(row, 1, rc, message);
	for (unsigned int i = 0; !rc && i < cpus; i++) {
		workers[i].cpu = numbers[i];
		workers[i].spread = row->spread;
		workers[i].generator = generator_new(4);
		generator_set_entities(workers[i].generator, row->entities);
	}
	for (unsigned int n = 1; !rc && counted && n <= cpus;
	     n = n < cpus && 2 * n > cpus ? cpus : 2 * n) {
		rc = bench_number(row, workers, n, em_programs_fd(programs, EM_PROGRAM_XDP), policy,
				  bench->rounds, &single, &counted);
		if (rc)
			report_failure(row, n, rc, strerror(-rc));
	}
	for (unsigned int i = 0; i < cpus && workers[i].generator; i++)
		generator_free(workers[i].generator);
	em_programs_free(programs);
	bench->failed |= !counted || (rc && rc != -EM_EUNSUPPORTED);
}

void bench_cpus(struct bench *bench)
{
	const struct measurement how = {PACKETS, bench->rounds > ROUNDS ? ROUNDS : bench->rounds};
	int numbers[CPUS_MAX];
	unsigned int cpus = find_cpus(numbers);

	bench_keep_table(TITLE, "an empty program", "packets per second", &how);
	printf("\n### " TITLE "\n\n"
	       "Millions of packets a second, medians of %u rounds of %u on each CPU.\n\n",
	       how.rounds, how.packets);
	printf("| %-20s | entities | CPUs | an empty one | xdp | of one CPU's | counted |\n"
	       "| %-20s | -------: | ---: | -----------: | --: | -----------: | ------- |\n",
	       "", ":---");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!bench->word || strstr(rows[i].what, bench->word))
			bench_row(bench, &rows[i], numbers, cpus);
}
