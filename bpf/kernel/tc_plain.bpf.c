/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * tc_plain - the same for kernels that lack what tc needs; see maps.
 */
#define EM_PLAIN
#include "bpf/kernel/tc.bpf.c"
