/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * readback - whether the kernel has kept a ruleset as it was sent.
 *
 * A kernel may accept what it cannot do: before Linux 5.4 or so, nf_tables cuts the offset of a
 * payload load to a byte, without an error. So what is in the kernel is listed and compared with
 * the messages that made it, attribute by attribute: sets, maps, and the rules of all chains but
 * the base chains. Elements are counted elsewhere (drift.h); whether they count is tried
 * (install.h).
 */
#ifndef EM_NFT_READBACK_H
#define EM_NFT_READBACK_H

#include "nft/netlink.h"
#include "nft/ruleset.h"

/*
 * Compares a ruleset that is in the kernel. The batch is empty, and is again. Returns 0, or -errno
 * and *refusal filled in; nothing is reported. -ERANGE: something is not as it was sent, and the
 * place is that of its key.
 */
int em_readback_compare(struct em_netlink *netlink, struct em_batch *batch,
			const struct em_ruleset *ruleset, struct em_refusal *refusal);

#endif
