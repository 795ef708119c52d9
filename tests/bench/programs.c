/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * programs - the eBPF programs by themselves, under BPF_PROG_TEST_RUN, beside empty ones.
 *
 * The frame is the same each time, and the program's rewriting stays: the
 * entities have the port of their listener, so that the next run finds what the first one did.
 */
#include "bench.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generator.h"
#include "load.h"
#include "peers.h"

#define PACKETS 50000

struct row {
	const char *what;
	enum em_program_kind kind;
	unsigned int family;
	uint32_t entities;
	bool spread; /* over all tags; else all packets have the first */
	uint32_t neighbours;
	const char *keys;
	const char *packet; /* instead of the generator's */
	uint32_t tags;	    /* more than there are entities: all others are unknown */
	const char *peer;   /* of peers.h, instead of the program of the kind */
	unsigned int sampled;
};

#define REPLIES	   "replies = true;"
#define DATA	   " hex:00000000 fill:5a*28"
#define STRANGER   "ip4 udp hex:ffffffff fill:5a*28"
#define SAMPLED	   (1u << EM_REASON_CHECK | 1u << EM_SAMPLE_UNKNOWN)
#define OTHER_PORT "ip4 udp 40000>4999" DATA
#define TCP4	   "ip4 proto=6 udp 40000>5000" DATA
#define TCP6	   "ip6 proto=6 udp 40000>5000" DATA
#define OTHER_VLAN "vlan=7 ip4 udp 40000>5000" DATA
#define NO_ANSWER  "ip4 udp 4999>40000" DATA

static const struct row rows[] = {
	{"xdp, other port", EM_PROGRAM_XDP, 4, 1, .packet = OTHER_PORT},
	{"xdp, TCP", EM_PROGRAM_XDP, 4, 1, .packet = TCP4},
	{"xdp, TCP", EM_PROGRAM_XDP, 6, 1, .packet = TCP6},
	{"xdp, other VLAN", EM_PROGRAM_XDP, 4, 1, .packet = OTHER_VLAN},
	{"by hand, bare", EM_PROGRAM_XDP, 4, 1, .peer = "bare"},
	{"by hand, hash map", EM_PROGRAM_XDP, 4, 1, .peer = "hash"},
	{"xdp", EM_PROGRAM_XDP, 4, 1},
	{"xdp", EM_PROGRAM_XDP, 4, 100},
	{"xdp", EM_PROGRAM_XDP, 4, 65536},
	{"xdp", EM_PROGRAM_XDP, 4, BENCH_MILLION},
	{"xdp, tags at random", EM_PROGRAM_XDP, 4, 1, true},
	{"xdp, tags at random", EM_PROGRAM_XDP, 4, 100, true},
	{"xdp, tags at random", EM_PROGRAM_XDP, 4, 65536, true},
	{"xdp, tags at random", EM_PROGRAM_XDP, 4, BENCH_MILLION, true},
	{"by hand, bare, tags at random", EM_PROGRAM_XDP, 4, 65536, true, .peer = "bare"},
	{"by hand, bare, tags at random", EM_PROGRAM_XDP, 4, BENCH_MILLION, true, .peer = "bare"},
	{"by hand, hash, tags at random", EM_PROGRAM_XDP, 4, 65536, true, .peer = "hash"},
	{"by hand, hash, tags at random", EM_PROGRAM_XDP, 4, BENCH_MILLION, true, .peer = "hash"},
	{"xdp", EM_PROGRAM_XDP, 6, 1},
	{"xdp, replies", EM_PROGRAM_XDP, 4, 1, .keys = REPLIES},
	{"xdp, 16 listeners", EM_PROGRAM_XDP, 4, 1, .neighbours = 15},
	{"xdp, addresses", EM_PROGRAM_XDP, 4, 1, .keys = "addresses = [ \"192.0.2.1\" ];"},
	{"xdp, sources", EM_PROGRAM_XDP, 4, 1, .keys = "sources = [ \"192.0.2.0/24\" ];"},
	{"xdp, 2 checks", EM_PROGRAM_XDP, 4, 1,
	 .keys = "checks = ( { offset = 4; bytes = \"0x5a5a\"; },"
		 " { offset = 6; length = 2; min = 1; max = 0x7000; } );"},
	{"xdp, unknown tag", EM_PROGRAM_XDP, 4, 1, .packet = STRANGER, .tags = 2},
	{"xdp, new unknown tags", EM_PROGRAM_XDP, 4, 1, true, .tags = UINT32_MAX},
	{"xdp, while sample runs", EM_PROGRAM_XDP, 4, 1, .sampled = SAMPLED},
	{"xdp, unknown tag, while sample runs", EM_PROGRAM_XDP, 4, 1, .packet = STRANGER, .tags = 2,
	 .sampled = SAMPLED},
	{"xdp on veth", EM_PROGRAM_XDP_LOCAL, 4, 1},
	{"xdp on veth", EM_PROGRAM_XDP_LOCAL, 6, 1},
	{"tc", EM_PROGRAM_TC, 4, 1},
	{"tc", EM_PROGRAM_TC, 4, 100},
	{"tc", EM_PROGRAM_TC, 4, 65536},
	{"tc", EM_PROGRAM_TC, 4, BENCH_MILLION},
	{"tc, other port", EM_PROGRAM_TC, 4, 1, .packet = OTHER_PORT},
	{"tc, tags at random", EM_PROGRAM_TC, 4, 65536, true},
	{"tc, tags at random", EM_PROGRAM_TC, 4, BENCH_MILLION, true},
	{"tc", EM_PROGRAM_TC, 6, 1},
	{"tc, replies", EM_PROGRAM_TC, 4, 1, .keys = REPLIES},
	{"egress, from another port", EM_PROGRAM_REPLY, 4, 1, .keys = REPLIES, .packet = NO_ANSWER},
	{"egress, TCP", EM_PROGRAM_REPLY, 4, 1, .keys = REPLIES, .packet = TCP4},
	{"tc, unknown tag", EM_PROGRAM_TC, 4, 1, .packet = STRANGER, .tags = 2},
};

struct subject {
	struct generator *generator;
	const struct packet *frame;
	int program;
	uint32_t pass; /* the verdict that lets a packet pass */
	bool spread;
	bool tc;
};

static int run_program(const struct subject *subject, uint32_t n)
{
	uint32_t verdict;
	int rc;

	if (subject->spread)
		rc = generator_run_behind(subject->generator, subject->program, subject->tc, n,
					  &verdict);
	else
		rc = generator_run_program(subject->program, subject->frame, n, &verdict);
	return rc ? rc : verdict == subject->pass ? 0 : -EPROTO;
}

/*
 * What the kernel says that it took is rounded to nanoseconds per packet.  The time of this thread
 * is not, and does not contain that the kernel waits, before and after, until the program is known
 * to all CPUs.
 */
static int run(void *context, uint32_t n, double *ns)
{
	double start = measure_cpu_clock();
	int rc = run_program(context, n);

	*ns = measure_cpu_clock() - start;
	return rc;
}

static int load(const struct bench *bench, const struct row *row, struct em_programs **programs,
		char message[LOAD_MESSAGE])
{
	const struct bench_policy policy = {
		"lo",	   row->entities, BENCH_LISTENER_PORT, row->neighbours,
		row->keys, row->tags > 0, row->sampled};

	return load_programs(bench, &policy, row->kind, programs, NULL, message);
}

/* That a datagram without a tag is dropped proves that the program takes the frame for its own. */
static int prove(const struct subject *subject, const struct row *row)
{
	struct packet invalid;
	uint32_t verdict;
	int rc;

	/* There, nothing is ever dropped. */
	if (em_programs_at_egress(row->kind))
		return 0;
	packet_build(&invalid, row->family == 4 ? "ip4 udp hex:ffff" : "ip6 udp hex:ffff");
	rc = generator_run_program(subject->program, &invalid, 1, &verdict);
	if (rc)
		return rc;
	return verdict == (em_programs_at_tc(row->kind) ? TC_ACT_SHOT : XDP_DROP) ? 0 : -EPROTO;
}

static int measure_program(const struct row *row, const struct measurement *how, int program,
			   struct measure_result *result)
{
	bool tc = em_programs_at_tc(row->kind);
	struct generator *generator = generator_new(row->family);
	struct packet packet;
	struct subject subject = {generator,   generator_frame(generator),
				  program,     tc ? (uint32_t)TC_ACT_UNSPEC : XDP_PASS,
				  row->spread, tc};
	struct subject baseline = subject;
	int rc;

	baseline.program = tc ? generator_empty_tc(generator) : generator_empty_xdp(generator);
	generator_set_entities(generator, row->tags ? row->tags : row->entities);
	if (row->packet) {
		packet_build(&packet, row->packet);
		subject.frame = &packet;
	}
	rc = prove(&subject, row);
	if (!rc)
		rc = measure(result, how, &(struct measured){run, &subject},
			     &(struct measured){run, &baseline});
	generator_free(generator);
	return rc;
}

/* A sample looks at each entity more than once, on average. */
static uint32_t packets_of(const struct row *row)
{
	return row->spread && row->entities > PACKETS / 4 ? 4 * row->entities : PACKETS;
}

static void bench_program(struct bench *bench, const struct row *row)
{
	const struct bench_row title = {row->what, row->family, row->entities};
	const struct measurement how = {packets_of(row), bench->rounds};
	struct em_programs *programs = NULL;
	struct peers *peers = NULL;
	struct measure_result result;
	char message[LOAD_MESSAGE];
	int rc =
		row->peer ? peers_new(&peers, row->entities) : load(bench, row, &programs, message);

	if (rc == -EM_EUNSUPPORTED)
		return bench_absent(&title, message);
	if (rc)
		return bench_failed(bench, &title, row->peer ? strerror(-rc) : message);
	rc = measure_program(row, &how,
			     peers ? peers_program(peers, row->peer)
				   : em_programs_fd(programs, row->kind),
			     &result);
	em_programs_free(programs);
	peers_free(peers);
	if (rc)
		bench_failed(bench, &title, strerror(-rc));
	else
		bench_measured(&title, &result);
}

void bench_programs(struct bench *bench)
{
	const struct measurement how = {PACKETS, bench->rounds};

	bench_table("The programs by themselves (BPF_PROG_TEST_RUN)",
		    "an empty program of the same kind", "ns per packet", &how);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].entities <= bench->entities_max &&
		    (!bench->word || strstr(rows[i].what, bench->word)))
			bench_program(bench, &rows[i]);
}
