/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * netdev - what the driver of an interface says of XDP, by the generic netlink family "netdev".
 *
 * The family is there from Linux 6.3 on; its numbers are those of <linux/netdev.h>, which the
 * headers of older systems lack.
 */
#ifndef EM_NETDEV_H
#define EM_NETDEV_H

#include <stdint.h>

#define EM_NETDEV_XDP_BASIC 0x01 /* NETDEV_XDP_ACT_BASIC */
#define EM_NETDEV_XDP_RX_SG 0x20 /* NETDEV_XDP_ACT_RX_SG */

/*
 * NETDEV_XDP_ACT_… of an interface, with its present settings.  Returns 0 or -errno, unreported:
 * -ENOENT where the kernel has no such family.
 */
int em_netdev_xdp_features(unsigned int ifindex, uint64_t *features);

#endif
