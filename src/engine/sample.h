/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * sample - a policy to try things with: one listener with one entity, on lo.
 *
 * That is enough to have each feature used.  A datagram without payload is invalid, and dropped.
 */
#ifndef EM_SAMPLE_H
#define EM_SAMPLE_H

#include "policy/policy.h"

#define EM_SAMPLE_PORT 5000

/* The caller's in *out, which stays as it is on failure.  Returns 0 or -errno, reported. */
int em_sample_new(struct em_policy **out, struct em_diag *diag);

#endif
