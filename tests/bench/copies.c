/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * copies - what it costs to have further ports get each datagram, beside a program that receives it
 * and sends it on to each of them, as samplicator does.
 *
 * As in path.c all runs on one CPU.  A sample is sent in parts, so that what is under way finds
 * room in every queue.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "generator.h"
#include "host.h"
#include "measure.h"
#include "ways.h"

#define PACKETS	   2048
#define PART	   512
#define ROOM	   (PART * 8192) /* for a part in a socket: each datagram takes a page */
#define BYTES	   256		 /* more than the generator's payload */
#define COPIES_MAX 4
#define COPY_PORT  7001
#define SETTLE_US  2000
#define RELAY_NAME "a relay in user space"
#define KEYS_1	   "copies = [ 7001 ];"
#define KEYS_2	   "copies = [ 7001, 7002 ];"
#define KEYS_4	   "copies = [ 7001, 7002, 7003, 7004 ];"
#define COPIES(b, n)                                                                               \
	{                                                                                          \
		{"entitymux " b ", " #n, b, .keys = KEYS_##n, .entities_max = 1}, n                \
	}

static const struct {
	struct way way; /* without a backend: the relay */
	unsigned int copies;
} rows[] = {
	{{"entitymux xdp, none", "xdp", .entities_max = 1}, 0},
	COPIES("xdp", 1),
	COPIES("xdp", 2),
	COPIES("xdp", 4),
	{{"entitymux tc, none", "tc", .entities_max = 1}, 0},
	COPIES("tc", 1),
	COPIES("tc", 2),
	COPIES("tc", 4),
	{{"entitymux nft, none", "nft", .entities_max = 1}, 0},
	COPIES("nft", 1),
	COPIES("nft", 2),
	COPIES("nft", 4),
	{{RELAY_NAME ", none", .entities_max = 1}, 0},
	{{RELAY_NAME ", 1", .entities_max = 1}, 1},
	{{RELAY_NAME ", 2", .entities_max = 1}, 2},
	{{RELAY_NAME ", 4", .entities_max = 1}, 4},
};

struct lane {
	struct generator *generator;
	unsigned int ifindex;
	int relay; /* socket on the listener's port; -1: what arrives is sorted, or left there */
	int sinks[1 + COPIES_MAX]; /* where each datagram arrives */
	size_t n_sinks;
};

static int relay_part(int fd, size_t n_ports)
{
	static char bytes[PART][BYTES];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("192.0.2.1")};
	struct mmsghdr messages[PART] = {0};
	struct iovec parts[PART];
	int n;

	for (size_t i = 0; i < PART; i++) {
		parts[i] = (struct iovec){bytes[i], BYTES};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	}
	n = recvmmsg(fd, messages, PART, MSG_DONTWAIT, NULL);
	if (n != PART)
		return -EAGAIN;
	for (int i = 0; i < n; i++) {
		parts[i].iov_len = messages[i].msg_len;
		messages[i].msg_hdr.msg_name = &to;
		messages[i].msg_hdr.msg_namelen = sizeof(to);
	}
	for (size_t i = 0; i < n_ports; i++) {
		to.sin_port = htons(i ? COPY_PORT + i - 1 : BENCH_ENTITY_PORT);
		if (sendmmsg(fd, messages, n, 0) != n)
			return -errno;
	}
	return 0;
}

static int run_part(const struct lane *lane, double *ns)
{
	double start;
	int rc = generator_send(lane->generator, lane->ifindex, PART, ns);

	if (rc || lane->relay < 0)
		return rc;
	start = measure_clock();
	rc = relay_part(lane->relay, lane->n_sinks);
	*ns += measure_clock() - start;
	return rc;
}

/* What does not arrive everywhere makes this sample and perhaps the next invalid. */
static int run(void *context, uint32_t n, double *ns)
{
	const struct lane *lane = context;
	uint32_t before[1 + COPIES_MAX];
	double part;
	int rc = 0;

	for (size_t i = 0; i < lane->n_sinks; i++)
		before[i] = host_sink_count(lane->sinks[i]);
	*ns = 0;
	for (uint32_t sent = 0; !rc && sent < n; sent += PART) {
		rc = run_part(lane, &part);
		*ns += part;
	}
	for (size_t i = 0; !rc && i < lane->n_sinks; i++)
		if (host_sink_count(lane->sinks[i]) - before[i] != n)
			rc = -EAGAIN;
	if (rc == -EAGAIN)
		usleep(SETTLE_US);
	return rc;
}

static void bench_way(struct bench *bench, const struct measurement *how,
		      struct generator *generator, const struct way *way, unsigned int copies)
{
	const struct bench_row row = {way->what, 4, 1};
	struct host bare, host;
	struct lane plain = {generator, .relay = -1, .n_sinks = 1};
	struct lane sorted = {generator, .relay = -1, .n_sinks = 1 + copies};
	struct measure_result result;
	char message[WAY_MESSAGE];
	int rc, room = ROOM;

	host_open(&bare, "bare");
	host_open(&host, "host");
	plain.ifindex = bare.ifindex;
	plain.sinks[0] = host_sink(&bare, 4, BENCH_LISTENER_PORT);
	sorted.ifindex = host.ifindex;
	for (size_t i = 0; i <= copies; i++)
		sorted.sinks[i] = host_sink(&host, 4, i ? COPY_PORT + i - 1 : BENCH_ENTITY_PORT);
	if (!way->backend) {
		sorted.relay = host_server(&host, BENCH_LISTENER_PORT);
		setsockopt(sorted.relay, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	}
	rc = way_put(way, bench, &host, generator, 1, message);
	if (rc == WAY_ABSENT) {
		bench_absent(&row, message);
	} else if (rc) {
		bench_failed(bench, &row, message);
	} else {
		generator_set_entities(generator, 1);
		rc = measure(&result, how, &(struct measured){run, &sorted},
			     &(struct measured){run, &plain});
		if (rc)
			bench_failed(bench, &row,
				     rc == -EAGAIN ? "datagrams go astray" : strerror(-rc));
		else
			bench_measured(&row, &result);
		if (way_take(way, bench, &host, message))
			bench_failed(bench, &row, message);
	}
	close(plain.sinks[0]);
	for (size_t i = 0; i <= copies; i++)
		close(sorted.sinks[i]);
	if (sorted.relay >= 0)
		close(sorted.relay);
	host_close(&bare);
	host_close(&host);
}

void bench_copies(struct bench *bench)
{
	const struct measurement how = {PACKETS, bench->rounds};
	struct generator *generator = generator_new(4);

	bench_table("Copies to further ports", "a host without any of these",
		    "ns per datagram, sender included", &how);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (way_is_asked_for(&rows[i].way, bench))
			bench_way(bench, &how, generator, &rows[i].way, rows[i].copies);
	generator_free(generator);
}
