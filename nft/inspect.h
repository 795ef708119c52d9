/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * inspect - what of ours is in the kernel, and whether it is whole.
 */
#ifndef EM_NFT_INSPECT_H
#define EM_NFT_INSPECT_H

#include "engine/backend.h"

/* The operation `inspect` of the backend. */
int em_nft_inspect(struct em_kernel_state *out, struct em_diag *diag);

#endif
