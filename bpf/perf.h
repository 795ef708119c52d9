/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * perf - the copies of packets that the programs of a generation make, read from perf buffers.
 *
 * A ring buffer would do as well from Linux 5.8 on, and this does on every kernel.
 */
#ifndef EM_PERF_H
#define EM_PERF_H

#include "engine/backend.h"

/* The operations of the backend. */
int em_perf_open(struct em_sampler **out, struct em_samples *samples, struct em_diag *diag);
int em_perf_begin(struct em_sampler *sampler, uint32_t generation, const struct em_policy *policy,
		  struct em_diag *diag);
int em_perf_read(struct em_sampler *sampler, int timeout_ms, em_sampled_fn *take, void *context,
		 uint64_t *lost, struct em_diag *diag);
void em_perf_close(struct em_sampler *sampler);

#endif
