/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * install - a whole generation into the kernel, where nothing leads to it yet.
 */
#ifndef EM_NFT_INSTALL_H
#define EM_NFT_INSTALL_H

#include "nft/netlink.h"
#include "nft/ruleset.h"

/*
 * Whether the elements of maps count on this kernel; 1 where the policy has no entities. It takes a
 * look at what the kernel made of a map, so that a map of this generation is added and deleted
 * again; the table stays. The batch is empty. Returns 1, 0, or -errno and *refusal filled in;
 * nothing is reported. -EOPNOTSUPP: the kernel is so old that it does not do what the policy needs.
 */
int em_install_can_count(struct em_netlink *netlink, struct em_batch *batch,
			 const struct em_policy *policy, uint32_t generation, struct em_form form,
			 struct em_refusal *refusal);

/*
 * Adds the ruleset of a policy without its base chains and entities, and reads it back. Only for a
 * network namespace of its own (scratch.h), as it stays. The batch is empty. Returns 0 or -errno
 * and *refusal filled in, -ERANGE as em_readback_compare(); nothing is reported.
 */
int em_install_trial(struct em_netlink *netlink, struct em_batch *batch,
		     const struct em_policy *policy, uint32_t generation, struct em_form form,
		     struct em_refusal *refusal);

/*
 * Adds everything but the rules of the base chains of table netdev, in as many transactions as it
 * takes; nothing of its generation is there yet.  Base chains that are there stay as they are; new
 * ones pass all packets on.  The batch is empty.  *id becomes the number of the ruleset after it,
 * for em_readback_compare().  Returns 0 or -errno, reported.
 */
int em_install_ruleset(struct em_netlink *netlink, struct em_batch *batch,
		       const struct em_ruleset *ruleset, uint32_t *id, struct em_diag *diag);

#endif
