/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * tc_unrolled - the same for kernels whose verifier takes no loops; see maps.
 */
#define EM_PLAIN
#define EM_UNROLLED
#include "bpf/kernel/tc.bpf.c"
