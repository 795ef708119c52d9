/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * choose - which hook each interface of a plan gets, and what rules one out.
 */
#ifndef EM_CHOOSE_H
#define EM_CHOOSE_H

#include "engine/backend.h"

/*
 * Fills in the hooks of the plan, as far as that shows without touching an interface.  Returns 0,
 * em_outcome_lacks(), or -errno, reported.
 */
int em_choose_hooks(struct em_plan *plan, struct em_outcome *outcome, struct em_diag *diag);

/* Gives the interface TC; `why` is the reason for a person. */
void em_choose_tc(struct em_plan *plan, size_t attachment, struct em_outcome *outcome,
		  const char *obstacle);

/* The checks that the verifier follows longest; NULL: there are none. */
const struct em_place *em_choose_largest(const struct em_policy *policy);

#endif
