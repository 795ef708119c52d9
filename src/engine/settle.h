/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * settle - what is in force stays, and nothing older: after each switch, and after a run that died
 * between the switch and its last step.
 *
 * All functions return 0 or -errno, reported; what fails undoes nothing.
 */
#ifndef EM_SETTLE_H
#define EM_SETTLE_H

#include "engine/counts.h"
#include "engine/inspect.h"

/*
 * No packet adds any more to the counters of other backends than ops, and to those of `before`,
 * which was in force.
 */
int em_settle_detach(const struct em_backend_ops *ops, const struct em_counts *before,
		     struct em_diag *diag);

/*
 * `before` is read for the last time, into the baseline of the generation in force and its policy,
 * and all that is not of that generation is taken away.
 */
int em_settle_clean(const struct em_backend_ops *ops, uint32_t generation,
		    const struct em_policy *policy, const struct em_counts *before,
		    struct em_state *state, struct em_diag *diag);

/*
 * em_inspect(), with nothing older beside what is in force afterwards; *view is cleared with
 * em_inspect_clear() in any case.
 */
int em_settle_inspect(struct em_view *view, struct em_state *state, struct em_diag *diag);

#endif
