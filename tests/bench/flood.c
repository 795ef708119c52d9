/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * flood - what of a known entity's datagrams still arrives on a host that is flooded.
 *
 * One CPU sends as fast as it can, and another one receives (receive packet steering), so that what
 * it cannot take is lost, as on a server.  One in 16 datagrams is the known entity's.  On the host
 * without entitymux it goes to the entity's own port, as if the source could address it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/filter.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "flood.h"
#include "generator.h"
#include "host.h"
#include "measure.h"
#include "ways.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "tests/bench/flood.skel.h"
#pragma GCC diagnostic pop

#define BATCH	   64
#define PACKETS	   262144 /* in a round */
#define ROUNDS_MAX 101
#define MARK	   0x6b6e6f77 /* behind the tag, in what is the known entity's */
#define MARKED	   "hex:00000000 hex:6b6e6f77 fill:00*24"
#define ROOM	   (64 << 20) /* bytes; what arrives in a round waits in the socket */
#define SETTLE_US  50000

static const struct kind {
	const char *what;
	const char *frame;
	enum flood_varied varied;
	const char *keys; /* of the listener */
} kinds[] = {
	{"unknown tags", "ip4 udp 4000>5000 sum=0 hex:80000000 fill:00*28", FLOOD_TAGS, ""},
	{"fragments", "ip4 frag=64 mf fill:00*64", FLOOD_IDS, ""},
	{"20 extension headers",
	 "ip6 dopt dopt dopt dopt dopt dopt dopt dopt dopt dopt dopt dopt dopt dopt dopt dopt dopt "
	 "dopt dopt dopt udp 4000>5000 hex:80000000 fill:00*28",
	 FLOOD_NOTHING, ""},
	{"frames that are cut", "ip4 udp 4000>5000 hex:80000000 fill:00*28 cut=40", FLOOD_NOTHING,
	 ""},
	{"false senders", "ip4 udp 4000>5000 sum=0 hex:00000000 fill:00*28", FLOOD_SENDERS, ""},
	{"false senders, with replies", "ip4 udp 4000>5000 sum=0 hex:00000000 fill:00*28",
	 FLOOD_SENDERS, "replies = true;"},
};

static const struct way backends[] = {
	{.what = "xdp", .backend = "xdp", .entities_max = 1},
	{.what = "tc", .backend = "tc", .entities_max = 1},
	{.what = "nft", .backend = "nft", .entities_max = 1},
};

/* One of the two that are compared. */
struct lane {
	struct em_flood *program;
	unsigned int ifindex; /* our end of the wire */
	int known;	      /* the known entity's socket */
	int rest;	      /* takes what the flood is for */
	double shares[ROUNDS_MAX];
	double rates[ROUNDS_MAX]; /* packets a second */
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "bench: flood: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* To a CPU that is not the one that sends. */
static void steer(const struct host *host)
{
	char command[80];
	const char *const argv[] = {"sh", "-c", command, NULL};
	struct rig_output output;

	snprintf(command, sizeof(command), "echo %d >/sys/class/net/in0/queues/rx-0/rps_cpus",
		 sched_getcpu() ? 1 : 2);
	host_run(host, &output, argv);
	if (output.status)
		die("receive packet steering");
	rig_output_clear(&output);
}

/* Keeps what has the mark, and drops the rest at once; a socket's filter begins at UDP. */
static int open_known(const struct host *host)
{
	struct sock_filter marked[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MARK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = 4, .filter = marked};
	int fd = host_server(host, BENCH_ENTITY_PORT), room = ROOM;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		die("socket");
	return fd;
}

static void build(struct flood_frame *frame, const char *description)
{
	static struct packet packet;

	packet_build(&packet, description);
	if (packet.length > sizeof(frame->bytes))
		die(description);
	memcpy(frame->bytes, packet.bytes, packet.length);
	frame->length = packet.length;
}

static struct em_flood *load(const struct kind *kind, bool sorted)
{
	struct em_flood *program = em_flood__open();

	if (!program)
		die("program");
	program->bss->state.varied = kind->varied;
	build(&program->bss->state.flood, kind->frame);
	build(&program->bss->state.known,
	      sorted ? "ip4 udp 4000>5000 " MARKED : "ip4 udp 4000>6001 " MARKED);
	if (em_flood__load(program))
		die("program (needs root, and Linux 5.18 or later)");
	return program;
}

static void send_all(const struct lane *lane)
{
	uint8_t bytes[FLOOD_FRAME_MAX] = {0};
	struct xdp_md context = {.data_end = sizeof(bytes), .ingress_ifindex = lane->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = bytes, .data_size_in = sizeof(bytes),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = PACKETS,
		    .batch_size = BATCH, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	if (bpf_prog_test_run_opts(bpf_program__fd(lane->program->progs.send), &options))
		die("send");
}

static uint32_t count_known(int known)
{
	uint32_t n = 0;
	char byte;

	while (recv(known, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) > 0)
		n++;
	return n;
}

static void run_round(struct lane *lane, uint32_t round)
{
	double start = measure_clock(), end;

	send_all(lane);
	end = measure_clock();
	usleep(SETTLE_US);
	lane->shares[round] = 100.0 * FLOOD_KNOWN_EACH * count_known(lane->known) / PACKETS;
	lane->rates[round] = PACKETS / (end - start) * 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, uint32_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

static void open_lane(struct lane *lane, const struct host *host, const struct kind *kind,
		      bool sorted)
{
	*lane = (struct lane){.program = load(kind, sorted),
			      .ifindex = host->ifindex,
			      .known = open_known(host),
			      .rest = host_sink(host, 4, BENCH_LISTENER_PORT)};
}

static void close_lane(const struct lane *lane)
{
	em_flood__destroy(lane->program);
	close(lane->known);
	close(lane->rest);
}

static void compare_lanes(const struct bench_row *row, const char *backend, uint32_t rounds,
			  struct lane *bare, struct lane *sorted)
{
	double without, with, rate;

	for (uint32_t i = 0; i < rounds; i++) {
		run_round(i % 2 ? sorted : bare, i);
		run_round(i % 2 ? bare : sorted, i);
	}
	without = median(bare->shares, rounds);
	with = median(sorted->shares, rounds);
	rate = median(sorted->rates, rounds);
	printf("| %-30s | %-7s | %9.1f %% | %6.1f %% | %14.0f |\n", row->what, backend, without,
	       with, rate);
	bench_keep_row(row, json_pack("{ss sf sf sf}", "backend", backend, "without", without,
				      "share", with, "rate", rate));
}

static void bench_way(struct bench *bench, const struct host *hosts, struct generator *generator,
		      const struct kind *kind, struct way way)
{
	static struct lane bare, sorted;
	const struct bench_row row = {kind->what, 4, 1};
	uint32_t rounds = bench->rounds < ROUNDS_MAX ? bench->rounds : ROUNDS_MAX;
	char message[WAY_MESSAGE];
	int rc;

	way.keys = kind->keys;
	open_lane(&bare, &hosts[0], kind, false);
	open_lane(&sorted, &hosts[1], kind, true);
	rc = way_put(&way, bench, &hosts[1], generator, 1, message);
	if (rc == WAY_ABSENT) {
		bench_absent(&row, message);
	} else if (rc) {
		bench_failed(bench, &row, message);
	} else {
		compare_lanes(&row, way.what, rounds / 10 + 1, &bare, &sorted);
		if (way_take(&way, bench, &hosts[1], message))
			bench_failed(bench, &row, message);
	}
	close_lane(&bare);
	close_lane(&sorted);
}

void bench_flood(struct bench *bench)
{
	const struct measurement how = {PACKETS, bench->rounds / 10 + 1};
	struct generator *generator;
	struct host hosts[2];

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		printf("\nFloods: left out, this machine has one CPU.\n");
		return;
	}
	bench_keep_table("Floods", "a host without entitymux", "percent", &how);
	printf("\n### Floods\n\nThe share of a known entity's datagrams that arrives, one in %d of "
	       "all; %u rounds of %u.\n\n",
	       FLOOD_KNOWN_EACH, how.rounds, how.packets);
	printf("| %-30s | %-7s | %11s | %8s | %14s |\n", "flood of", "backend", "without it",
	       "with it", "packets/s sent");
	printf("| %-30s | %-7s | %11s | %8s | %14s |\n", ":---", ":---", "---:", "---:", "---:");
	generator = generator_new(4);
	host_open(&hosts[0], "bare");
	host_open(&hosts[1], "host");
	steer(&hosts[0]);
	steer(&hosts[1]);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (size_t j = 0; j < sizeof(backends) / sizeof(backends[0]); j++)
			if (way_is_asked_for(&backends[j], bench))
				bench_way(bench, hosts, generator, &kinds[i], backends[j]);
	host_close(&hosts[0]);
	host_close(&hosts[1]);
	generator_free(generator);
}
