/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * translations - rules of others that translate the ports of our conversations.
 *
 * The kernel translates the destination of a connection once.  A rule for the port of an entity
 * comes too late, because ours has translated by then; one for the port of a listener may come
 * before ours.
 */
#ifndef EM_NFT_TRANSLATIONS_H
#define EM_NFT_TRANSLATIONS_H

#include "engine/backend.h"
#include "nft/inventory.h"
#include "nft/netlink.h"

/* Returns 0, em_outcome_lacks(), or -errno, reported. */
int em_translations_check(struct em_netlink *netlink, const struct em_policy *policy,
			  struct em_outcome *outcome, struct em_diag *diag);

/*
 * The same for a generation in table inet that has been read: the first such rule is a fault.
 * Returns 0 or -errno, reported.
 */
int em_translations_inspect(struct em_fault *fault, struct em_netlink *netlink,
			    const struct em_inventory *inet, uint32_t generation,
			    struct em_diag *diag);

/* Warns of what may translate them, or keep them from conntrack, and is no reason to refuse. */
void em_translations_warn(struct em_netlink *netlink, const struct em_policy *policy,
			  struct em_diag *diag);

#endif
