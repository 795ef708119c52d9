/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * unknown_view - the unknown tags that the policy in force has met lately.
 */
#ifndef EM_UNKNOWN_VIEW_H
#define EM_UNKNOWN_VIEW_H

#include "policy/ports.h"
#include "policy/unknown.h"
#include "state/state.h"

struct em_unknown_view {
	struct em_policy *policy;    /* owned; NULL: nothing is applied */
	struct em_unknown_list list; /* arranged; points into the policy */
};

/*
 * Reads them from the kernel.  That nothing is applied is no error, and reported by the caller.
 * Returns 0 or -errno, reported.  *out is cleared with em_unknown_view_clear() in any case.
 */
int em_unknown_view_read(struct em_unknown_view *out, struct em_state *state, struct em_diag *diag);
void em_unknown_view_clear(struct em_unknown_view *view);

/*
 * The ports that new entities should not get: those that the policy sorts to, those of listeners,
 * and those of UDP sockets of this network namespace, as far as the kernel tells.  Returns 0 or
 * -errno, reported; the caller frees *out.
 */
int em_unknown_view_ports(struct em_ports **out, const struct em_policy *policy,
			  struct em_diag *diag);

#endif
