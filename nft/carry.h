/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * carry - whether this host can carry a policy.
 */
#ifndef EM_NFT_CARRY_H
#define EM_NFT_CARRY_H

#include "datapath.h"
#include "netlink.h"

/* The operations `review` and `carry` of the backend. */
void em_carry_review(const struct em_policy *policy, em_review_fn *found, void *context);
int em_carry_policy(const struct em_policy *policy, struct em_plan *plan, struct em_diag *diag);

/*
 * The same as `carry` for the form with named counters of entities, which it leaves open.  The
 * batch is empty.
 */
int em_carry_objects(struct em_netlink *netlink, struct em_batch *batch,
		     const struct em_policy *policy, struct em_plan *plan, struct em_diag *diag);

#endif
