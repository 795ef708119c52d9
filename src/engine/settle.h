/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * settle - keeps the generation in force and removes all older ones.
 *
 * Used after each switch, and after a run that died between the switch and its last step.  All
 * functions return 0 or -errno, reported.  They undo nothing on failure.
 */
#ifndef EM_SETTLE_H
#define EM_SETTLE_H

#include "engine/counts.h"
#include "engine/inspect.h"

/*
 * Stops all backends other than ops, and waits until no packet adds to their counters or to those
 * of `before`, the generation that was in force.
 */
int em_settle_detach(const struct em_backend_ops *ops, const struct em_counts *before,
		     struct em_diag *diag);

/*
 * Adds the final counts of `before` to the baseline of the generation in force, whose policy is
 * given, and removes everything that is not of that generation; but the files of `before` stay, for
 * a rollback.  For `restores` see em_counts_pass_on().
 */
int em_settle_clean(const struct em_backend_ops *ops, uint32_t generation,
		    const struct em_policy *policy, const struct em_counts *before,
		    uint32_t restores, struct em_state *state, struct em_diag *diag);

/*
 * Like em_inspect(), but removes older generations first.  The caller calls em_inspect_clear() on
 * *view in any case.
 */
int em_settle_inspect(struct em_view *view, struct em_state *state, struct em_diag *diag);

#endif
