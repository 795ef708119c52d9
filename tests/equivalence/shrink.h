/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * shrink - a disagreement over many packets and a large policy, made as small as it goes.
 *
 * Half of the packets, then fewer, then one; then whatever the policy and the packet have that they
 * need not have is taken away, as long as the backend and the reference still disagree.
 */
#ifndef EQUIVALENCE_SHRINK_H
#define EQUIVALENCE_SHRINK_H

#include "trial.h"

struct shrink {
	struct model_policy policy;
	struct model_packet *packets; /* owned by the caller; the first n are left */
	size_t n_packets;
	const char *backend;
	struct trial_result result; /* of the last trial that failed */
};

/* The caller has filled in all but the result, which a trial of it all has failed. */
void shrink(struct trial_host *host, struct shrink *shrink);

#endif
