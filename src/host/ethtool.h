/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * ethtool - the settings of a device, by ioctl(2); see <linux/ethtool.h>.
 */
#ifndef EM_ETHTOOL_H
#define EM_ETHTOOL_H

#include "host/link.h"

/* One of its commands, on any socket.  Returns 0 or -errno. */
int em_ethtool(int fd, const char *name, void *command);

/*
 * Many devices do not support many operations: then the setting is off, and this is 0.  After any
 * other error, which it returns, it is unknown.
 */
int em_ethtool_unless_lacking(int rc);

/* Fills in what is a feature.  Returns 0 or -errno: -ENODEV where there is no such device. */
int em_ethtool_features(int fd, struct em_link *link);

#endif
