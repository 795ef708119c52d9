/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* clean - remove generations, found by the names of their objects. */
#ifndef EM_NFT_CLEAN_H
#define EM_NFT_CLEAN_H

#include "nft/inventory.h"
#include "nft/netlink.h"

/* Selects what is removed. */
struct em_selection {
	uint32_t only; /* this generation; 0: all */
	uint32_t keep; /* but not this one; 0: no exception */
};

/*
 * Removes what is selected, and each table with it when nothing else is in it.  The batch is empty.
 * Returns 0 or -errno, reported.
 */
int em_clean_selected(struct em_netlink *netlink, struct em_batch *batch,
		      const struct em_selection *selection, struct em_diag *diag);

/*
 * Waits until no packet is under way between two chains, and reads the inventory again: interfaces
 * may be gone meanwhile, and their chains with them.  Returns 0 or -errno, reported.
 */
int em_clean_wait(struct em_inventory *inventory, struct em_netlink *netlink, struct em_diag *diag);

typedef int em_clean_fn(struct em_netlink *netlink, struct em_batch *batch,
			const struct em_selection *selection, struct em_diag *diag);

/* Calls it with a socket and a batch; a kernel without netfilter has nothing to clean: 0. */
int em_clean_transact(em_clean_fn *build, const struct em_selection *selection,
		      struct em_diag *diag);

#endif
