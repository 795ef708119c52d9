/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * faults - lets the system calls of entitymux fail one by one, and looks at what that leaves.
 *
 *	faults [-n COUNT|all] [-s SEED] [-S SCENARIO] [-e ERROR] [-p CALL:NTH:ERROR[:remove]]
 *	       ENTITYMUX BACKEND...
 *
 * A point is a system call of a command, with an errno or a SIGKILL in its place.  COUNT of them
 * are drawn from those of all scenarios (see scenario.h), or of those that begin with SCENARIO,
 * with any error, or with ERROR (KILL: the signal).  Exit status 1: there are bad points, each
 * printed with the command that tries it again.  Runs as root, in namespaces of its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "host.h"
#include "inject.h"
#include "scenario.h"
#include "table.h"
#include "tests/lib/rig_parts.h"

#define COUNT 250 /* some two minutes */

struct options {
	size_t count;
	uint64_t seed;
	const char *scenario, *entitymux;
	int error; /* 0: any */
	const char *const *backends;
	struct scenario_point point; /* at.nth 0: none is given */
};

struct points {
	struct scenario_point *of;
	size_t n;
};

/* splitmix64: the same on every host. */
static uint64_t draw(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void add(struct points *points, const struct scenario *scenario, struct inject_call at,
		int error, bool removes)
{
	if ((points->n & (points->n - 1)) == 0)
		points->of = reallocarray(points->of, points->n ? 2 * points->n : 1,
					  sizeof(*points->of));
	if (!points->of)
		rig_die("memory");
	points->of[points->n++] = (struct scenario_point){
		.scenario = scenario, .at = at, .error = error, .removes = removes};
}

static void add_call(struct points *points, const struct scenario *scenario, struct inject_call at,
		     int only)
{
	const struct table_call *call = table_find(at.number);

	if (!call)
		return;
	if (!only || only == INJECT_KILL)
		add(points, scenario, at, INJECT_KILL, false);
	if ((!only || only == INJECT_KILL) && command_is_change(scenario))
		add(points, scenario, at, INJECT_KILL, true);
	for (size_t i = 0; call->errors[i]; i++)
		if (!only || only == call->errors[i])
			add(points, scenario, at, call->errors[i], false);
}

static void add_scenario(struct points *points, const struct options *options,
			 const struct scenario *scenario)
{
	const struct inject *reference = scenario_begin(options->entitymux, scenario);

	if (!reference)
		printf("%s: not on this kernel\n", scenario->name);
	for (size_t i = 0; reference && i < reference->n_calls; i++)
		add_call(points, scenario, reference->calls[i], options->error);
}

static int by_scenario(const void *one, const void *two)
{
	const struct scenario_point *a = one, *b = two;

	return a->scenario < b->scenario ? -1 : a->scenario > b->scenario;
}

/* Leaves some of them, those of one scenario together. */
static void choose(struct points *points, size_t count, uint64_t seed)
{
	if (count > points->n)
		count = points->n;
	for (size_t i = 0; i < count && count < points->n; i++) {
		size_t j = i + draw(&seed) % (points->n - i);
		struct scenario_point swapped = points->of[i];

		points->of[i] = points->of[j];
		points->of[j] = swapped;
	}
	points->n = count;
	qsort(points->of, points->n, sizeof(*points->of), by_scenario);
}

/* False: the point is bad. */
static bool try_point(const struct options *options, const struct scenario_point *point,
		      size_t *unreached)
{
	bool reached;
	const char *text = scenario_try(point, &reached);

	*unreached += !reached;
	if (!text)
		return true;
	printf("bad: %.*s\n  tests/faults/faults -S %s -p %s:%u:%s%s %s", (int)strcspn(text, "\n"),
	       text, point->scenario->name, table_find(point->at.number)->name, point->at.nth,
	       table_error_name(point->error), point->removes ? ":remove" : "", options->entitymux);
	for (const char *const *backend = options->backends; *backend; backend++)
		printf(" %s", *backend);
	printf("\n");
	fflush(stdout);
	return false;
}

static int try_points(const struct options *options, const struct points *points)
{
	const struct scenario *begun = NULL;
	size_t bad = 0, unreached = 0;

	for (size_t i = 0; i < points->n; i++) {
		const struct scenario_point *point = &points->of[i];

		if (point->scenario != begun)
			scenario_begin(options->entitymux, point->scenario);
		begun = point->scenario;
		bad += !try_point(options, point, &unreached);
	}
	printf("%zu points, %zu bad", points->n, bad);
	if (unreached)
		printf(", %zu not reached", unreached);
	printf("\n");
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(const struct options *options)
{
	struct points points = {0};
	size_t n, total;
	struct scenario *list = scenario_list(options->backends, &n);
	int status;

	for (size_t i = 0; i < n; i++) {
		if (strncmp(list[i].name, options->scenario, strlen(options->scenario)))
			continue;
		if (options->point.at.nth)
			add(&points, &list[i], options->point.at, options->point.error,
			    options->point.removes);
		else
			add_scenario(&points, options, &list[i]);
	}
	total = points.n;
	choose(&points, options->count, options->seed);
	if (points.n < total)
		printf("%zu of %zu points, seed %" PRIu64 "\n", points.n, total, options->seed);
	fflush(stdout);
	status = try_points(options, &points);
	free(points.of);
	free(list);
	return status;
}

/* "bpf:34:ENOMEM", perhaps with ":remove" */
static bool read_point(struct scenario_point *point, const char *text)
{
	char call[32], error[32], rest[16] = "";
	const struct table_call *found;

	if (sscanf(text, "%31[^:]:%u:%31[^:]:%15s", call, &point->at.nth, error, rest) < 3)
		return false;
	found = table_find_name(call);
	point->error = table_error_parse(error);
	point->removes = !strcmp(rest, "remove");
	if (found)
		point->at.number = found->number;
	return found && point->error && point->at.nth;
}

static bool read_options(struct options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "n:s:S:e:p:")) >= 0) {
		if (option == 'n')
			options->count =
				strcmp(optarg, "all") ? strtoul(optarg, NULL, 0) : SIZE_MAX;
		else if (option == 's')
			options->seed = strtoull(optarg, NULL, 0);
		else if (option == 'S')
			options->scenario = optarg;
		else if (option == 'e' && table_error_parse(optarg))
			options->error = table_error_parse(optarg);
		else if (option != 'p' || !read_point(&options->point, optarg))
			return false;
	}
	if (argc - optind < 2)
		return false;
	options->entitymux = argv[optind];
	options->backends = (const char *const *)argv + optind + 1;
	return true;
}

int main(int argc, char **argv)
{
	struct options options = {.count = COUNT, .seed = 1, .scenario = ""};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!read_options(&options, argc, argv)) {
		fprintf(stderr, "usage: faults [-n COUNT|all] [-s SEED] [-S SCENARIO] "
				"[-e ERROR] [-p CALL:NTH:ERROR[:remove]] ENTITYMUX "
				"BACKEND...\n");
		return 2;
	}
	if (geteuid()) {
		printf("makes network namespaces: run as root\n");
		return 77;
	}
	setenv("LC_ALL", "C", 1);
	host_open();
	return run(&options);
}
