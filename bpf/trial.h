/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * trial - whether interfaces take a native XDP program, found out without touching them.
 *
 * What the kernel says of a driver (see netdev.h) leaves settings such as the MTU open, and before
 * Linux 6.3 everything.  A virtual interface can be made a second time, in a namespace that nobody
 * else sees, and tried there; the hardware under any other cannot.
 */
#ifndef EM_TRIAL_H
#define EM_TRIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/rtnl.h"
#include "engine/backend.h"
#include "host/link.h"

/*
 * Finds out about all of them at once and writes it to them; what cannot be tried stays unknown.
 * Returns 0 or -errno, reported.
 */
int em_trial_foresee(struct em_link *links, size_t n, struct em_diag *diag);

/*
 * Whether this kernel takes a program at TC egress.  Returns 0, also where nothing may be tried,
 * em_outcome_lacks() with the place, or -errno, reported.
 */
int em_trial_egress(int program, struct em_outcome *outcome, const struct em_place *place,
		    struct em_diag *diag);

/*
 * Whether the kernel replaces an XDP program by another one in one step, and only where it is the
 * one that is expected (Linux 5.7).  Returns 1, 0 or -errno, unreported.
 */
int em_trial_replaces(void);

/*
 * Whether the kernel has XDP programs that take frames in several buffers (Linux 5.18).  Returns 1,
 * 0 or -errno, unreported.
 */
int em_trial_has_fragments(void);

/*
 * Whether the error means that the interface cannot have a native XDP program, rather than that an
 * attempt failed.
 */
bool em_trial_is_lacking(const struct em_rtnl_change *change);
/* What was refused and why, for a person. */
void em_trial_describe(const struct em_rtnl_change *change, char *text, size_t size);

#endif
