/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * changes - what to change on the interfaces so that exactly a plan's programs are on them, and the
 * way back.
 *
 * The order is: first come the new programs at TC, each replacing that of ours before it in one
 * step, those at egress before those at ingress; then goes what is in the way of XDP (the kernel
 * does not take native and generic on one interface), then comes XDP, then goes what is left.
 *
 * With stubs, which are attached before (see hold.h), XDP comes in two parts: the free slots of all
 * of them are filled or emptied, and one update brings these slots into force.
 */
#ifndef EM_CHANGES_H
#define EM_CHANGES_H

#include "bpf/attached.h"
#include "bpf/program.h"
#include "bpf/rtnl.h"

struct em_changes {
	struct em_rtnl_change *steps; /* in the order of their execution */
	struct em_attached *present;  /* what is there now; descriptors owned */
	struct em_attached *before;   /* of each step, what was there; fd -1: nothing */
	size_t n_steps;
	size_t n_present;
	/*
	 * Asked for: where XDP comes to an interface that another hook of ours serves, TC is given
	 * the whole decision first, so that no packet is missed in between.
	 */
	bool overlap;
	bool stubs;   /* XDP programs are in the slots of stubs, see stub.h */
	bool bridged; /* Result: that was necessary somewhere, and a second pass without it follows.
		       */
};

/* Adds a step; before: what is there now, NULL: nothing. */
void em_changes_add(struct em_changes *changes, const struct em_rtnl_change *step,
		    const struct em_attached *before);

/* Whether the plan has an interface for which overlap is necessary; or -errno, reported. */
int em_changes_need_bridge(const struct em_plan *plan, struct em_diag *diag);

/*
 * From what is there to the programs of a plan; programs and plan may be NULL: to nothing, but for
 * what carries generation keep (0: nothing).  overlap may be NULL; else it is that of em_changes
 * before and `bridged` afterwards.  On failure everything is as before.  Returns 0 or -errno,
 * reported.
 */
int em_changes_make(const struct em_programs *programs, const struct em_plan *plan, uint32_t keep,
		    bool *overlap, struct em_diag *diag);

#endif
