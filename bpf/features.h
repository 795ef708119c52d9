/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * features - what the kernel has of what our programs are made of, each tried.
 */
#ifndef EM_BPF_FACILITIES_H
#define EM_BPF_FACILITIES_H

#include "engine/backend.h"

/* The operation `features` of the backend. */
void em_features_try(const struct em_policy *sample, em_feature_fn *found, void *context);

#endif
