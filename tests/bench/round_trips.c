/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * round_trips - a question to the listener's port and its answer, which has to come from there:
 * what `replies` costs a conversation, in both directions.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "generator.h"
#include "host.h"
#include "ways.h"

#define TRIPS 250

/* Both ends of a conversation are this thread: each send() delivers before it returns. */
struct ends {
	int client;
	int server;
};

static int trip(const struct ends *ends)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	char datagram[64] = {0}; /* the first tag */
	ssize_t size;

	if (send(ends->client, datagram, 32, 0) < 0)
		return -errno;
	size = recvfrom(ends->server, datagram, sizeof(datagram), 0, (struct sockaddr *)&peer,
			&length);
	if (size < 0 ||
	    sendto(ends->server, datagram, size, 0, (struct sockaddr *)&peer, length) < 0)
		return -errno;
	return recv(ends->client, datagram, sizeof(datagram), 0) < 0 ? -errno : 0;
}

/* What is left of one that went wrong would answer the next. */
static void drain(int fd)
{
	char datagram[64];

	while (recv(fd, datagram, sizeof(datagram), MSG_DONTWAIT) >= 0)
		continue;
}

static int run(void *context, uint32_t n, double *ns)
{
	const struct ends *ends = context;
	long preemptions = measure_preemptions();
	double start = measure_clock();
	int rc = 0;

	for (uint32_t i = 0; !rc && i < n; i++)
		rc = trip(ends);
	if (rc) {
		drain(ends->client);
		drain(ends->server);
	}
	*ns = measure_clock() - start;
	if (!rc && measure_preemptions() != preemptions)
		return -EAGAIN;
	return rc == -EAGAIN ? -ETIMEDOUT : rc;
}

static int measure_way(const struct way *way, const struct measurement *how,
		       const struct host *bare, const struct host *host,
		       struct measure_result *result)
{
	struct ends plain = {host_client(bare), host_server(bare, BENCH_LISTENER_PORT)};
	struct ends sorted = {host_client(host), host_server(host, way_port(way))};
	int rc = measure(result, how, &(struct measured){run, &sorted},
			 &(struct measured){run, &plain});

	close(plain.client);
	close(plain.server);
	close(sorted.client);
	close(sorted.server);
	return rc;
}

static void bench_way(struct bench *bench, const struct way *way, const struct measurement *how,
		      const struct generator *generator)
{
	const struct bench_row row = {way->what, 4, way->entities_max ? 1 : 0};
	struct measure_result result;
	struct host bare, host;
	char message[WAY_MESSAGE];
	int rc;

	host_open(&bare, "bare");
	host_open(&host, "host");
	rc = way_put(way, bench, &host, generator, row.entities, message);
	if (rc == WAY_ABSENT) {
		bench_absent(&row, message);
	} else if (rc) {
		bench_failed(bench, &row, message);
	} else {
		rc = measure_way(way, how, &bare, &host, &result);
		if (rc)
			bench_failed(bench, &row, strerror(-rc));
		else
			bench_measured(&row, &result);
		if (way_take(way, bench, &host, message))
			bench_failed(bench, &row, message);
	}
	host_close(&bare);
	host_close(&host);
}

void bench_round_trips(struct bench *bench)
{
	const struct measurement how = {TRIPS, bench->rounds};
	struct generator *generator = generator_new(4);

	bench_table("A question and its answer", "a host without any of these", "ns per round trip",
		    &how);
	for (size_t i = 0; i < n_ways; i++)
		if ((ways[i].answers || !ways[i].entities_max) && way_is_asked_for(&ways[i], bench))
			bench_way(bench, &ways[i], &how, generator);
	generator_free(generator);
}
