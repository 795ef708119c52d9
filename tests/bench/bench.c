/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * bench - what a datagram costs.  README.md says what is measured, how, and how to read it.
 *
 *	bench [-j FILE] [-m] [-r ROUNDS] [-s SECTION] [-w WORD] ENTITYMUX OTHERS FOLDER
 *
 *	-j	also writes the tables to a file, as JSON
 *	-m	also with a million entities
 *	-r	samples of each of the two that are compared
 *	-s	programs, cpus, path, round-trips, copies or flood only
 *	-w	only programs, or ways, that have this in their names
 *
 * bench.sh starts it, in the sender's namespace.  The exit status is 1 where a row could not be
 * measured; a way that this host does not have is no failure, and no time is.
 */
#include "bench.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define ROUNDS	     101
#define ENTITIES_MAX 65536

static const struct section {
	const char *name;
	void (*run)(struct bench *bench);
} sections[] = {
	{"programs", bench_programs},	    {"cpus", bench_cpus},     {"path", bench_path},
	{"round-trips", bench_round_trips}, {"copies", bench_copies}, {"flood", bench_flood},
};

/* The tables once more: {machine, tables: [{title, …, rows: [{what, …}]}]}. */
static json_t *document;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static FILE *create(const char *folder, const char *name, char path[256])
{
	FILE *file;

	snprintf(path, 256, "%s/%s", folder, name);
	file = fopen(path, "we");
	if (!file)
		die(path);
	return file;
}

static void finish(FILE *file, const char *path)
{
	if (ferror(file) || fclose(file))
		die(path);
}

void bench_write_policy(const struct bench *bench, const struct bench_policy *policy,
			char path[256])
{
	FILE *file = create(bench->folder, "bench.entities", path);

	for (uint32_t i = 0; i < policy->entities; i++)
		fprintf(file, "0x%08x,%u\n", i, policy->port);
	finish(file, path);
	file = create(bench->folder, "bench.conf", path);
	fprintf(file, "listeners = (\n");
	for (uint32_t i = 0; i < policy->neighbours; i++)
		fprintf(file,
			"\t{ name = \"neighbour-%u\"; interfaces = [ \"%s\" ]; port = %u;\n"
			"\t  tag = { offset = 0; length = 4; }; entities = (); },\n",
			i, policy->interface, BENCH_LISTENER_PORT + 1 + i);
	fprintf(file,
		"\t{ name = \"bench\"; interfaces = [ \"%s\" ]; port = %u;\n"
		"\t  tag = { offset = 0; length = 4; }; unknown = %s; %s\n"
		"\t  entities_file = \"bench.entities\"; }\n);\n",
		policy->interface, BENCH_LISTENER_PORT, policy->unknown_too ? "5000" : "\"drop\"",
		policy->keys ? policy->keys : "");
	finish(file, path);
}

void bench_keep_table(const char *title, const char *baseline, const char *unit,
		      const struct measurement *how)
{
	json_array_append_new(json_object_get(document, "tables"),
			      json_pack("{ss ss ss si si s[]}", "title", title, "baseline",
					baseline, "unit", unit, "rounds", (int)how->rounds,
					"packets", (int)how->packets, "rows"));
}

void bench_keep_row(const struct bench_row *row, json_t *result)
{
	const json_t *tables = json_object_get(document, "tables");
	const json_t *table = json_array_get(tables, json_array_size(tables) - 1);
	json_t *kept = json_pack("{ss si si}", "what", row->what, "ip", (int)row->family,
				 "entities", (int)row->entities);

	json_object_update(kept, result);
	json_decref(result);
	json_array_append_new(json_object_get(table, "rows"), kept);
}

void bench_table(const char *title, const char *baseline, const char *unit,
		 const struct measurement *how)
{
	bench_keep_table(title, baseline, unit, how);
	printf("\n### %s\n\n%s; compared with %s; %u rounds of %u.\n\n", title, unit, baseline,
	       how->rounds, how->packets);
	printf("| %-30s | IP | entities |  median |   more | quartiles of it | ratio |   least | "
	       "more | discarded |\n",
	       "");
	printf("| %-30s | -: | -------: | ------: | -----: | --------------: | ----: | ------: | "
	       "---: | --------: |\n",
	       ":---");
}

static void print_row(const struct bench_row *row)
{
	printf("| %-30s | %2u | ", row->what, row->family);
	if (row->entities)
		printf("%8u |", row->entities);
	else
		printf("%8s |", "");
}

void bench_measured(const struct bench_row *row, const struct measure_result *result)
{
	print_row(row);
	printf(" %7.1f | %6.1f | %6.1f - %6.1f | %5.2f | %7.1f | %4.0f | %9u |\n", result->median,
	       result->more, result->more_low, result->more_high, result->ratio, result->least,
	       result->least_more, result->discarded);
	bench_keep_row(row, json_pack("{sf sf sf sf sf sf sf si}", "median", result->median, "more",
				      result->more, "more_low", result->more_low, "more_high",
				      result->more_high, "ratio", result->ratio, "least",
				      result->least, "least_more", result->least_more, "discarded",
				      (int)result->discarded));
}

void bench_absent(const struct bench_row *row, const char *why)
{
	print_row(row);
	printf(" not supported: %s |\n", why);
	bench_keep_row(row, json_pack("{ss}", "not_supported", why));
}

void bench_failed(struct bench *bench, const struct bench_row *row, const char *why)
{
	print_row(row);
	printf(" FAILED: %s |\n", why);
	bench_keep_row(row, json_pack("{ss}", "failed", why));
	bench->failed = true;
}

/* What the first line in /proc/cpuinfo that names the processor says; "": there is none. */
static void find_processor(char *to, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	*to = '\0';
	while (file && !*to && fgets(line, sizeof(line), file)) {
		const char *name = strchr(line, ':');

		if (!strncmp(line, "model name", 10) && name)
			snprintf(to, size, ",%.*s", (int)strcspn(name + 1, "\n"), name + 1);
	}
	if (file)
		fclose(file);
}

static void print_machine(void)
{
	struct utsname name = {0};
	char processor[128], text[512];
	double load = 0;

	uname(&name);
	getloadavg(&load, 1);
	find_processor(processor, sizeof(processor));
	snprintf(text, sizeof(text), "Linux %s %s%s, %ld CPUs, load %.1f", name.release,
		 name.machine, processor, sysconf(_SC_NPROCESSORS_ONLN), load);
	printf("%s\n", text);
	document = json_pack("{ss s[]}", "machine", text, "tables");
}

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr,
		"usage: bench [-j FILE] [-m] [-r ROUNDS] [-s SECTION] [-w WORD] ENTITYMUX OTHERS "
		"FOLDER\n");
	exit(2);
}

int main(int argc, char **argv)
{
	struct bench bench = {.rounds = ROUNDS, .entities_max = ENTITIES_MAX};
	const char *only = NULL, *json = NULL;
	int option;

	while ((option = getopt(argc, argv, "j:mr:s:w:")) != -1) {
		if (option == 'j')
			json = optarg;
		else if (option == 'm')
			bench.entities_max = BENCH_MILLION;
		else if (option == 'r')
			bench.rounds = strtoul(optarg, NULL, 10);
		else if (option == 's')
			only = optarg;
		else if (option == 'w')
			bench.word = optarg;
		else
			usage();
	}
	if (argc - optind != 3 || !bench.rounds)
		usage();
	bench.entitymux = argv[optind];
	bench.others = argv[optind + 1];
	bench.folder = argv[optind + 2];
	setvbuf(stdout, NULL, _IOLBF, 0);
	libbpf_set_print(NULL);
	print_machine();
	measure_prepare();
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (!only || !strcmp(only, sections[i].name))
			sections[i].run(&bench);
	if (json && json_dump_file(document, json, JSON_INDENT(1) | JSON_REAL_PRECISION(6)))
		die(json);
	json_decref(document);
	return bench.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
