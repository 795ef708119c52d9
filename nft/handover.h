/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * handover - leaves the packets alone that the backend in front has marked; see engine/backend.h.
 *
 * The rule that does it is the first of a base chain, and leads to no generation.  So it goes with
 * the next clean-up, also if this run dies.
 */
#ifndef EM_NFT_HANDOVER_H
#define EM_NFT_HANDOVER_H

#include "host/hook.h"
#include "nft/inventory.h"
#include "nft/netlink.h"

/* Adds the rule to the batch, for each interface, and its base chain where there is none. */
void em_handover_add(struct em_batch *batch, const struct em_attachment *attachments, size_t n);

/* Likewise, as a transaction.  Returns 0 or -errno, reported. */
int em_handover_heed(const struct em_attachment *attachments, size_t n, struct em_diag *diag);

/* Whether there are such rules: before they go, no packet may be marked any more. */
bool em_handover_heeds(const struct em_inventory *inventory);

/* Removes the rules of base chains that sort packets.  Returns 0 or -errno, reported. */
int em_handover_stand_by(struct em_diag *diag);

#endif
