/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * generator - datagrams made in the kernel, each with a tag of its own.
 */
#include "generator.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "generate.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "tests/bench/generate.skel.h"
#pragma GCC diagnostic pop

#define IP4_HEADER 20
#define IP6_HEADER 40
#define PAYLOAD	   "hex:00000000 fill:5a*28"
/* Frames in flight at once; the ring of a veth has 256. */
#define BATCH 64

struct generator {
	struct em_generate *programs;
	struct packet frame;
	int behind;    /* the program in the slot; -1: none */
	int behind_tc; /* in the slot of TC */
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static size_t udp_offset(unsigned int family)
{
	return ETH_HLEN + (family == 4 ? IP4_HEADER : IP6_HEADER);
}

/* The checksum of the frame as it is, with tag 0, is the complement of what the others add up to.
 */
static uint16_t sum_of_others(const struct packet *frame, size_t udp)
{
	uint16_t check;

	memcpy(&check, frame->bytes + udp + offsetof(struct udphdr, check), sizeof(check));
	return ~check;
}

struct generator *generator_new(unsigned int family)
{
	struct generator *generator = calloc(1, sizeof(*generator));
	struct em_generate *programs = em_generate__open();

	if (!generator || !programs)
		die("generator");
	generator->programs = programs;
	generator->behind = generator->behind_tc = -1;
	packet_build(&generator->frame, family == 4 ? "ip4 udp " PAYLOAD : "ip6 udp " PAYLOAD);
	programs->rodata->udp_offset = udp_offset(family);
	programs->bss->state.sum = sum_of_others(&generator->frame, udp_offset(family));
	programs->bss->state.port = htons(BENCH_LISTENER_PORT);
	programs->bss->state.entities = 1;
	if (em_generate__load(programs))
		die("generator (needs root, and Linux 5.18 or later)");
	return generator;
}

void generator_free(struct generator *generator)
{
	em_generate__destroy(generator->programs);
	free(generator);
}

const struct packet *generator_frame(const struct generator *generator)
{
	return &generator->frame;
}

void generator_set_entities(struct generator *generator, uint32_t entities)
{
	generator->programs->bss->state.entities = entities ? entities : 1;
}

int generator_empty_xdp(const struct generator *generator)
{
	return bpf_program__fd(generator->programs->progs.pass);
}

int generator_empty_tc(const struct generator *generator)
{
	return bpf_program__fd(generator->programs->progs.next);
}

int generator_run_program(int program, const struct packet *frame, uint32_t n, uint32_t *verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = frame->length, .repeat = n);
	int rc = bpf_prog_test_run_opts(program, &options);

	*verdict = options.retval;
	return rc;
}

/* `now` is what is in the slot. */
static int fill_slot(const struct bpf_map *slot, int *now, int program)
{
	const uint32_t first = 0;
	int rc = 0;

	if (*now == program)
		return 0;
	rc = program < 0 ? bpf_map_delete_elem(bpf_map__fd(slot), &first)
			 : bpf_map_update_elem(bpf_map__fd(slot), &first, &program, BPF_ANY);
	if (!rc)
		*now = program;
	return rc;
}

int generator_run_behind(struct generator *generator, int program, bool tc, uint32_t n,
			 uint32_t *verdict)
{
	struct em_generate *programs = generator->programs;
	int rc = tc ? fill_slot(programs->maps.slot_tc, &generator->behind_tc, program)
		    : fill_slot(programs->maps.slot, &generator->behind, program);

	if (rc)
		return rc;
	return generator_run_program(
		bpf_program__fd(tc ? programs->progs.generate_tc : programs->progs.generate),
		&generator->frame, n, verdict);
}

int generator_send(struct generator *generator, unsigned int ifindex, uint32_t n, double *ns)
{
	struct xdp_md context = {
		.data_end = generator->frame.length,
		.ingress_ifindex = ifindex,
	};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = generator->frame.bytes,
		    .data_size_in = generator->frame.length, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = n, .batch_size = BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int rc = fill_slot(generator->programs->maps.slot, &generator->behind, -1);

	if (rc)
		return rc;
	rc = bpf_prog_test_run_opts(bpf_program__fd(generator->programs->progs.generate), &options);
	*ns = (double)options.duration * n;
	return rc;
}
