/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * check_host - whether this host can carry a policy.
 */
#ifndef EM_NFT_CHECK_HOST_H
#define EM_NFT_CHECK_HOST_H

#include "engine/backend.h"
#include "nft/netlink.h"

/* The operations `review` and `check_host` of the backend. */
void em_nft_review(const struct em_policy *policy, em_review_fn *found, void *context);
int em_nft_check_host(const struct em_policy *policy, struct em_plan *plan, struct em_diag *diag);

/*
 * The same as `check_host` for the form with named counters of entities, which it leaves open.  The
 * batch is empty.
 */
int em_nft_check_host_objects(struct em_netlink *netlink, struct em_batch *batch,
			      const struct em_policy *policy, struct em_plan *plan,
			      struct em_diag *diag);

#endif
