/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * log - the copies of packets that rules send to a group of the kernel's log (nfnetlink_log).
 */
#ifndef EM_NFT_LOG_H
#define EM_NFT_LOG_H

#include "engine/backend.h"

/* The operations of the backend. */
int em_log_open(struct em_sampler **out, struct em_samples *samples, struct em_diag *diag);
int em_log_begin(struct em_sampler *sampler, uint32_t generation, const struct em_policy *policy,
		 struct em_diag *diag);
int em_log_read(struct em_sampler *sampler, int timeout_ms, em_sampled_fn *take, void *context,
		uint64_t *lost, struct em_diag *diag);
void em_log_close(struct em_sampler *sampler);

#endif
