/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * xdp_plain - the same for kernels that lack what xdp needs; see maps.
 */
#define EM_PLAIN
#include "bpf/kernel/xdp.bpf.c"
