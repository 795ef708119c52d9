/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * readback_elements - whether the kernel has the elements of a set or a map as they were sent.
 */
#ifndef EM_NFT_READBACK_ELEMENTS_H
#define EM_NFT_READBACK_ELEMENTS_H

#include "nft/netlink.h"
#include "nft/object.h"

/*
 * Lists the elements of the set that the kernel calls `name` and compares them with those of the
 * object, keys and what they lead to; of more than EM_LISTED_MAX only whether there are any.  The
 * batch is empty, and is again.  Returns 0, or -errno, not reported; -EINTR where the ruleset
 * changed meanwhile.
 */
int em_readback_elements(struct em_netlink *netlink, struct em_batch *batch,
			 const struct em_object *object, const char *name, bool *kept);

#endif
