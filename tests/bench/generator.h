/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * generator - datagrams made in the kernel, each with a tag of its own.
 *
 * One frame is handed to BPF_PROG_TEST_RUN, and a program writes the next tag into it each time.
 */
#ifndef BENCH_GENERATOR_H
#define BENCH_GENERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/packet.h"

struct generator;

/* For IP version 4 or 6.  What cannot be loaded is printed, and ends the program. */
struct generator *generator_new(unsigned int family);
void generator_free(struct generator *generator);

/* A datagram to the listener's port, with tag 0, as the generator's are. */
const struct packet *generator_frame(const struct generator *generator);

/* Tags are 0 to entities - 1 from now on. */
void generator_set_entities(struct generator *generator, uint32_t entities);

/* Programs that do nothing, to compare with. */
int generator_empty_xdp(const struct generator *generator);
int generator_empty_tc(const struct generator *generator);

/* Runs a program, of XDP or TC as it may be, n times on a copy of the frame.  0 or -errno. */
int generator_run_program(int program, const struct packet *frame, uint32_t n, uint32_t *verdict);

/*
 * Runs a program of XDP or TC on n datagrams with one tag after the other; XDP_TX, or TC_ACT_SHOT:
 * it has not been run, or it says so.  0 or -errno.
 */
int generator_run_behind(struct generator *generator, int program, bool tc, uint32_t n,
			 uint32_t *verdict);

/*
 * Sends n datagrams out of an interface of this namespace that has an XDP program, and says how
 * long that took, without the kernel's preparations.  0 or -errno.
 */
int generator_send(struct generator *generator, unsigned int ifindex, uint32_t n, double *ns);

#endif
