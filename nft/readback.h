/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * readback - whether the kernel has kept a ruleset as it was sent.
 *
 * A kernel may accept what it cannot do: before Linux 5.4 or so, nf_tables cuts the offset of a
 * payload load to a byte, without an error. So what is in the kernel is listed and compared with
 * the messages that made it, attribute by attribute: sets and maps, their elements, rules with the
 * maps that they look into, and base chains. Whether elements count is tried (install.h).
 */
#ifndef EM_NFT_READBACK_H
#define EM_NFT_READBACK_H

#include "nft/netlink.h"
#include "nft/ruleset.h"

/* What of a ruleset is there. */
struct em_installed {
	uint32_t id; /* em_netlink_ruleset_id() after it */
	bool whole;  /* with base chains, and elements for entities */
};

/*
 * Compares a ruleset that is in the kernel. A base chain that leads to another generation is not
 * compared: commit sees to it. The batch is empty, and is again. Returns 0, or -errno and *refusal
 * filled in; nothing is reported. -ERANGE: something is not as it was sent, and the place is that
 * of its key. -EBUSY: likewise, or it is gone, but another program has changed rulesets since.
 */
int em_readback_compare(struct em_netlink *netlink, struct em_batch *batch,
			const struct em_ruleset *ruleset, const struct em_installed *installed,
			struct em_refusal *refusal);

#endif
