/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * tcx - programs at TC that have an order of their own, before all filters (Linux 6.6).
 *
 * Each function is one call of bpf(2) for one interface. What has to change at once on several
 * interfaces is better a filter; see rtnl.h.
 */
#ifndef EM_TCX_H
#define EM_TCX_H

#include <stdbool.h>
#include <stdint.h>

#define EM_TCX_MAX 64 /* programs at one hook of an interface, BPF_MPROG_MAX of the kernel */

/* Whether this kernel has them; or -errno. */
int em_tcx_exists(void);

/*
 * The ids of the programs of an interface, in the order in which packets meet them.  Returns their
 * number, 0 on a kernel without tcx, or -errno.
 */
int em_tcx_list(uint32_t ids[EM_TCX_MAX], unsigned int ifindex, bool egress);

/*
 * Puts a program before all others, or, where `replaced` is not -1, into the place of that one.
 * Both are descriptors.  Returns 0 or -errno.
 */
int em_tcx_attach(unsigned int ifindex, bool egress, int program, int replaced);
/* Returns 0 or -errno: -ENOENT where it is not there. */
int em_tcx_detach(unsigned int ifindex, bool egress, int program);

#endif
