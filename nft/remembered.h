/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * remembered - the conversations in the sets of table netdev, see ruleset.h.
 */
#ifndef EM_NFT_REMEMBERED_H
#define EM_NFT_REMEMBERED_H

#include "nft/netlink.h"
#include "nft/ruleset.h"
#include "policy/flow.h"
#include "policy/policy.h"

/* Adds all of them to the list, also those that wait for an answer. Returns 0 or -errno, reported.
 */
int em_remembered_read(struct em_netlink *netlink, struct em_flow_list *list, struct em_diag *diag);

/*
 * Adds those of the list that the policy has to the sets, which are there.  What is in a set stays
 * as it is; a set that is full takes no more.  Returns 0 or -errno, reported.
 */
int em_remembered_fill(struct em_netlink *netlink, struct em_batch *batch,
		       const struct em_policy *policy, const struct em_flow_list *list,
		       struct em_diag *diag);

/* Ends those that the policy does not have.  Returns 0 or -errno, reported. */
int em_remembered_end(struct em_netlink *netlink, struct em_batch *batch,
		      const struct em_policy *policy, struct em_diag *diag);

/* Warns of sets that the kernel has kept at another size.  Returns 0 or -errno, reported. */
int em_remembered_check_sizes(struct em_netlink *netlink, const struct em_ruleset *ruleset,
			      struct em_diag *diag);

#endif
