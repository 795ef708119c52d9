/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * flows - the table of conversations that the programs keep for listeners with replies, and how it
 * passes from one generation to the next.
 *
 * A generation goes on with the table of the one before.  Only where it is to have another size, a
 * new one is made and filled from the old.
 */
#ifndef EM_FLOWS_H
#define EM_FLOWS_H

#include "base/diag.h"
#include "policy/flow.h"
#include "policy/policy.h"

#define EM_FLOW_MAP "entitymux_flow"

struct em_flows {
	int table;  /* descriptor; -1: no listener has replies */
	int before; /* the table in force, where that is another one; -1: none */
};

/*
 * The table for the next generation, closed by em_flows_close().  Nothing is taken from the one in
 * force.  Returns 0 or -errno, reported.
 */
int em_flows_open(struct em_flows *out, const struct em_policy *policy, struct em_diag *diag);
void em_flows_close(struct em_flows *flows);

/*
 * Adds conversations of the old table that the new one does not have.  Returns 0 or -errno,
 * reported.
 */
int em_flows_take_over(const struct em_flows *flows, struct em_diag *diag);

/*
 * Ends the conversations that a policy does not have, the one of this generation, which nobody adds
 * to any more.  Returns 0 or -errno, reported.
 */
int em_flows_end(uint32_t generation, const struct em_policy *policy, struct em_diag *diag);

/*
 * Adds the conversations of the newest generation that is attached to the list.  Returns 0 or
 * -errno, reported.
 */
int em_flows_read(struct em_flow_list *list, struct em_diag *diag);

/*
 * Adds those of the list that the policy has and the table has not.  Returns 0 or -errno, reported.
 */
int em_flows_fill(const struct em_flows *flows, const struct em_policy *policy,
		  const struct em_flow_list *list, struct em_diag *diag);

#endif
