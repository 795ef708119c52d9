/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * waiting - interfaces that are missing or down, and that the policy does without until they come.
 */
#ifndef EM_WAITING_H
#define EM_WAITING_H

#include "engine/plan.h"

/*
 * Finds the interfaces that wait: all listeners on them have missing = "wait".  The caller calls
 * em_waiting_clear() in any case.  Returns 0 or -errno, reported.
 */
int em_waiting_find(struct em_waiting *out, const struct em_policy *policy, struct em_diag *diag);
void em_waiting_clear(struct em_waiting *waiting);

#endif
