/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * copies - the rules that make copies, in table netdev, for listener "telemetry" on eth0:
 *
 *	v1-sort-telemetry	as ever, but a fragment goes to
 *	v1-whole-telemetry	which sorts without copies, and what has an entity goes on to
 *	v1-copy-port-telemetry	(…-pass, …-drop, …-unknown, and …ranges-… for entities that cover
 *				more than one tag) by set v1-copied2-telemetry and the like, one for
 *				each list of ports, the elements of which count: note the list, and
 *				the port that the datagram goes to, in its priority
 *	last-eth0		base chain behind everybody else's, leads to
 *	v1-forward-eth0		forward what has a note to the device `entitymux`
 *	copies-entitymux	base chain where that device sends, leads to
 *	v1-copier-entitymux	by the note to
 *	v1-list2		for each port: write it, and duplicate; then write the noted port,
 *				or drop, and take the note off
 *	v1-bare2		the same for a datagram without a checksum
 *
 * The note is the priority (SO_PRIORITY, skb->priority), which at ingress is 0 unless a TC program
 * has set it, and not the mark, which others use.  Its first two bytes are the port, 0 for none;
 * the other two are the list, with four bits of the generation.
 *
 * A duplicate meets v1-copier-entitymux again, without a list: that takes the rest of the note off.
 *
 * When generation 2 takes the place of generation 1, packets with a note of that are between the
 * base chains.  So the last two lead to v1-forward-eth0 and v1-copier-entitymux as well, until no
 * such packet is left.
 */
#ifndef EM_NFT_COPIES_H
#define EM_NFT_COPIES_H

#include <stdbool.h>
#include <stdint.h>

#include "nft/answers.h"
#include "policy/policy.h"

/* The lists of a policy at most. */
#define EM_COPIES_LISTS 4095

/* Lists that the policy needs; more than EM_COPIES_LISTS cannot be told apart. */
size_t em_nft_copies_lists(const struct em_policy *policy);

/*
 * Tries the chains and statements, on lo, in a transaction that the kernel takes back.  Returns 0,
 * or -errno and the refusal.
 */
int em_nft_copies_try(struct em_netlink *netlink, struct em_batch *batch,
		      struct em_refusal *refusal);

#endif
