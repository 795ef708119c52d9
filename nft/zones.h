/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * zones - whether the conntrack zones that `replies` needs are nobody else's.
 */
#ifndef EM_NFT_ZONES_H
#define EM_NFT_ZONES_H

#include "engine/backend.h"
#include "nft/netlink.h"

/*
 * Looks for entries of conntrack in them that are not ours, and for rules of other tables that put
 * packets into them.  Returns 0, em_outcome_lacks(), or -errno, reported.
 */
int em_zones_check(struct em_netlink *netlink, const struct em_policy *policy,
		   struct em_outcome *outcome, struct em_diag *diag);

/* The first listener with replies that sorts to a port; where none does, the first with replies. */
const struct em_listener *em_zones_listener(const struct em_policy *policy, uint16_t target);

#endif
