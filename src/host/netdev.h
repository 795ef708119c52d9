/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * netdev - the XDP features of an interface, from the generic netlink family "netdev".
 *
 * The family exists from Linux 6.3 on.  Its numbers are defined here as in <linux/netdev.h>, which
 * older systems do not have.
 */
#ifndef EM_NETDEV_H
#define EM_NETDEV_H

#include <stdint.h>

#define EM_NETDEV_XDP_BASIC 0x01 /* NETDEV_XDP_ACT_BASIC */
#define EM_NETDEV_XDP_RX_SG 0x20 /* NETDEV_XDP_ACT_RX_SG */

/*
 * Reads the NETDEV_XDP_ACT_… flags of an interface with its current settings.  Returns 0 or -errno,
 * unreported: -ENOENT if the kernel does not have the family.
 */
int em_netdev_xdp_features(unsigned int ifindex, uint64_t *features);

#endif
