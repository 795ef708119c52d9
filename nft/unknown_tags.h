/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * unknown_tags - the tags seen lately that no entity has: a map for each format and version of IP,
 * to which the rules add them, each with the address that sent it first; a set without addresses,
 * where a tag is too long for that.  What is full takes no more, and the rule behind decides about
 * the datagram in any case.
 */
#ifndef EM_NFT_UNKNOWN_TAGS_H
#define EM_NFT_UNKNOWN_TAGS_H

#include "nft/netlink.h"
#include "policy/policy.h"
#include "policy/unknown.h"

/*
 * Adds those of a generation to the list.  The port of a sender is not known, 0; of what came over
 * both versions of IP, the sender is the one over IPv4.  Returns 0 or -errno, reported.
 */
int em_unknown_tags_read(struct em_netlink *netlink, const struct em_policy *policy,
			 uint32_t generation, struct em_unknown_list *list, struct em_diag *diag);

#endif
