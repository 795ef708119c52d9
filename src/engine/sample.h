/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * sample - a policy for trials: one listener with one entity, on lo.
 *
 * It uses each feature of a backend.  A datagram without payload is invalid, and dropped.
 */
#ifndef EM_SAMPLE_H
#define EM_SAMPLE_H

#include "policy/policy.h"

#define EM_SAMPLE_PORT 5000

/*
 * Makes the policy; the caller frees *out, which is unchanged on failure.  Returns 0 or -errno,
 * reported.
 */
int em_sample_new(struct em_policy **out, struct em_diag *diag);

#endif
