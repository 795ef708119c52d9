/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * tally - what the programs of a generation have counted, in maps that all of them share.
 */
#ifndef EM_TALLY_H
#define EM_TALLY_H

#include "engine/backend.h"

/* The operations of the backend; program is one of the generation's. */
int em_tally_open(struct em_counters **out, int program, struct em_diag *diag);
int em_tally_read(struct em_counters *counters, const struct em_policy *policy,
		  struct em_stats *stats, struct em_diag *diag);
int em_tally_read_unknown(struct em_counters *counters, const struct em_policy *policy,
			  struct em_unknown_list *list, struct em_diag *diag);
void em_tally_close(struct em_counters *counters);

#endif
