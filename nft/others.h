/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * others - chains of others at the ingress hook of an interface.
 */
#ifndef EM_NFT_OTHERS_H
#define EM_NFT_OTHERS_H

#include "engine/backend.h"

/* The operation `survey` of the backend. */
int em_nft_others_list(struct em_link *link, em_other_fn *found, void *context,
		       struct em_diag *diag);

#endif
