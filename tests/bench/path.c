/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * path - what a datagram costs from the wire to a socket: the bare host beside one that sorts.
 *
 * The sender's transmission, the wire and the receiver all run on one CPU and on behalf of one
 * system call, so that the time that passes is the CPU time of all of it; the sender's share is the
 * same for both hosts.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "generator.h"
#include "host.h"
#include "ways.h"

#define PACKETS	  4096
#define SETTLE_US 2000

static const uint32_t entities[] = {1, 100, 65536, BENCH_MILLION};

struct lane {
	struct generator *generator;
	unsigned int ifindex;
	int sink;
};

struct section {
	struct bench *bench;
	struct generator *generator;
	unsigned int family;
	struct measurement how;
	struct host bare, host;
	int bare_sink;	   /* on the listener's port */
	int host_sinks[2]; /* on that, and on the entities' */
};

/* What arrives late, or not at all, or elsewhere, makes this sample and perhaps the next invalid.
 */
static int run(void *context, uint32_t n, double *ns)
{
	const struct lane *lane = context;
	uint32_t before = host_sink_count(lane->sink);
	int rc = generator_send(lane->generator, lane->ifindex, n, ns);

	if (rc || host_sink_count(lane->sink) - before == n)
		return rc;
	usleep(SETTLE_US);
	return -EAGAIN;
}

static int measure_way(const struct section *section, const struct way *way,
		       struct measure_result *result)
{
	struct lane bare = {section->generator, section->bare.ifindex, section->bare_sink};
	struct lane host = {section->generator, section->host.ifindex,
			    section->host_sinks[way_port(way) == BENCH_ENTITY_PORT]};

	return measure(result, &section->how, &(struct measured){run, &host},
		       &(struct measured){run, &bare});
}

static void bench_way(const struct section *section, const struct way *way, uint32_t n)
{
	const struct bench_row row = {way->what, section->family, n};
	struct measure_result result;
	char message[WAY_MESSAGE];
	int rc;

	rc = way_put(way, section->bench, &section->host, section->generator, n, message);
	if (rc == WAY_ABSENT)
		return bench_absent(&row, message);
	if (rc)
		return bench_failed(section->bench, &row, message);
	generator_set_entities(section->generator, n);
	rc = measure_way(section, way, &result);
	if (rc)
		bench_failed(section->bench, &row,
			     rc == -EAGAIN ? "datagrams go astray" : strerror(-rc));
	else
		bench_measured(&row, &result);
	if (way_take(way, section->bench, &section->host, message))
		bench_failed(section->bench, &row, message);
}

static void bench_family(struct section *section)
{
	for (size_t i = 0; i < n_ways; i++) {
		if ((section->family == 6 && ways[i].only_ip4) ||
		    !way_is_asked_for(&ways[i], section->bench))
			continue;
		if (!ways[i].entities_max)
			bench_way(section, &ways[i], 0);
		for (size_t j = 0; j < sizeof(entities) / sizeof(entities[0]); j++)
			if (entities[j] <= ways[i].entities_max &&
			    entities[j] <= section->bench->entities_max)
				bench_way(section, &ways[i], entities[j]);
	}
}

static void open_section(struct section *section)
{
	section->generator = generator_new(section->family);
	host_open(&section->bare, "bare");
	host_open(&section->host, "host");
	section->bare_sink = host_sink(&section->bare, section->family, BENCH_LISTENER_PORT);
	section->host_sinks[0] = host_sink(&section->host, section->family, BENCH_LISTENER_PORT);
	section->host_sinks[1] = host_sink(&section->host, section->family, BENCH_ENTITY_PORT);
}

static void close_section(struct section *section)
{
	close(section->bare_sink);
	close(section->host_sinks[0]);
	close(section->host_sinks[1]);
	host_close(&section->bare);
	host_close(&section->host);
	generator_free(section->generator);
}

void bench_path(struct bench *bench)
{
	struct section section = {.bench = bench, .how = {PACKETS, bench->rounds}};

	bench_table("From the wire to a socket", "a host without any of these",
		    "ns per datagram, sender included", &section.how);
	for (section.family = 4; section.family <= 6; section.family += 2) {
		open_section(&section);
		bench_family(&section);
		close_section(&section);
	}
}
