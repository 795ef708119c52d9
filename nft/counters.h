/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * counters - read what the kernel has counted.
 */
#ifndef EM_NFT_COUNTERS_H
#define EM_NFT_COUNTERS_H

#include "nft/netlink.h"
#include "nft/object.h"
#include "policy/policy.h"
#include "policy/stats.h"

/*
 * Adds the counters of a generation to stats, which is shaped like policy, whichever way its
 * entities are counted.  Returns 0 or -errno, reported.
 */
int em_counters_read(struct em_netlink *netlink, const struct em_policy *policy,
		     uint32_t generation, struct em_stats *stats, struct em_diag *diag);

/*
 * Whether the first element of an object that is installed has a counter.  Kernels before 5.10 take
 * the definition of the counter and leave it out.  Returns 1, 0, or -errno, not reported;
 * -EOPNOTSUPP: the kernel, before 4.16, cannot be asked, and has none.
 */
int em_counters_in_elements(struct em_netlink *netlink, const struct em_object *object);

#endif
