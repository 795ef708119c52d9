/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * features - which of the things that our rulesets are made of the kernel's nf_tables has, each
 * tried.
 */
#ifndef EM_NFT_FEATURES_H
#define EM_NFT_FEATURES_H

#include "engine/backend.h"

/* The operation `features` of the backend. */
void em_nft_features(const struct em_policy *sample, em_feature_fn *found, void *context);

#endif
