/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * stats_print - the counters of a policy, for a person and for a program.
 */
#ifndef EM_STATS_PRINT_H
#define EM_STATS_PRINT_H

#include <stdio.h>

#include "host/hook.h"
#include "policy/stats.h"

/* What surrounds the counters in the printed document. */
struct em_stats_context {
	const char *backend;	/* "xdp", "tc", "nft" */
	const char *config;	/* path of the configuration that was applied */
	const char *applied_at; /* UTC, ISO 8601 */
	const struct em_attachment *attachments;
	size_t n_attachments;
};

/*
 * Both return 0 or -errno of the stream, or -ENOMEM.  A sum that is negative (an offset of a reset
 * has outlived the counters that it belonged to) is printed as 0.
 */
int em_stats_print_text(FILE *out, const struct em_policy *policy, const struct em_stats *stats,
			const struct em_stats_context *context);
int em_stats_print_json(FILE *out, const struct em_policy *policy, const struct em_stats *stats,
			const struct em_stats_context *context);

#endif
