/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * snapshot - what is applied at one moment: the record, the policy and its counters.
 */
#ifndef EM_SNAPSHOT_H
#define EM_SNAPSHOT_H

#include "policy/stats.h"
#include "state/record.h"
#include "state/state.h"

struct em_snapshot {
	struct em_record record;
	struct em_policy *policy; /* owned */
	struct em_stats *stats;	  /* owned; NULL: nothing is applied, and the rest is empty */
	bool whole;		  /* after em_snapshot_check(): `status` would find nothing wrong */
};

/*
 * Reads what is in force and its counters.  That nothing is applied is no error, and reported by
 * the caller.  Returns 0 or -errno, reported.  *out is cleared with em_snapshot_clear() in any
 * case.
 */
int em_snapshot_read(struct em_snapshot *out, struct em_state *state, struct em_diag *diag);
/* Finds out whether what is in force is whole.  Returns 0 or -errno, reported. */
int em_snapshot_check(struct em_snapshot *snapshot, struct em_state *state, struct em_diag *diag);
void em_snapshot_clear(struct em_snapshot *snapshot);

#endif
