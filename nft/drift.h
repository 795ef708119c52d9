/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * drift - what another program has changed of what we have installed.
 *
 * It compares this: the table is not dormant; each base chain is at its hook; each chain has as
 * many rules, and each set as many elements, as it was made with. It does not compare the content
 * of rules.
 */
#ifndef EM_NFT_DRIFT_H
#define EM_NFT_DRIFT_H

#include "engine/backend.h"
#include "nft/inventory.h"
#include "nft/netlink.h"

/*
 * Looks at the generation out->generation in a table that has been read, and adds what it finds to
 * *out.  Returns 0 or -errno, reported.
 */
int em_drift_find(struct em_kernel_state *out, struct em_netlink *netlink,
		  const struct em_inventory *inventory, struct em_diag *diag);

/* Adds one: a "chain", a "set" or a "map".  Returns 0 or -ENOMEM, unreported. */
int em_drift_add(struct em_kernel_state *out, enum em_table table, const char *kind,
		 const char *name, const char *what);

/* Whether a base chain of ours is at another hook, or has a policy other than accept. */
bool em_drift_is_moved(const struct em_inventory *inventory,
		       const struct em_inventory_chain *chain);

/*
 * Adds messages to a batch that delete such chains, which otherwise cannot be hooked again. Where
 * they cannot be listed, the batch fails.
 */
void em_drift_unhook(struct em_netlink *netlink, struct em_batch *batch, enum em_table table);

/*
 * Adds the message to a batch that deletes the table netdev where nft has made its sets of
 * conversations, as it does when it loads a listing of ours: the kernel takes them for others than
 * those that we add. What they remember is lost. Where they cannot be listed, the batch fails.
 */
void em_drift_delete_remade(struct em_netlink *netlink, struct em_batch *batch);

#endif
