/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * front - the place at TC where packets meet our program before any program of others.
 *
 * A filter or a tcx program may end the classification of a packet, and programs behind it never
 * see the packet. We take a priority below all others, because filters change in one step together
 * with all other hooks. Only where there is none, before priority 1 or before tcx programs, ours
 * becomes a tcx program.
 */
#ifndef EM_FRONT_H
#define EM_FRONT_H

#include "engine/backend.h"

struct em_front {
	bool tcx;	   /* a tcx program before all others; else a filter with this priority: */
	uint16_t priority; /* 0: the kernel chooses one */
};

/*
 * Finds it at ingress or egress of an interface.  Returns 0, -ENOSPC where there is none, or
 * -errno; unreported.
 */
int em_front_find(struct em_front *out, unsigned int ifindex, bool egress);

/*
 * Whether each interface of the plan whose hook needs programs at TC has such a place: 0,
 * em_outcome_lacks(), or -errno, reported.
 */
int em_front_check(const struct em_plan *plan, struct em_outcome *outcome, struct em_diag *diag);

#endif
