/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * load - the programs of a policy, as `apply` loads them, on lo, which is the interface that
 * BPF_PROG_TEST_RUN tells a program.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench.h"
#include "bpf/program.h"

#define LOAD_MESSAGE 256

/*
 * Loads them; the caller frees them, and the policy unless `policy` is NULL.  Returns 0,
 * -EM_EUNSUPPORTED, or -errno; message says what is wrong.
 */
int load_programs(const struct bench *bench, const struct bench_policy *of,
		  enum em_program_kind kind, struct em_programs **programs,
		  struct em_policy **policy, char message[LOAD_MESSAGE]);

#endif
