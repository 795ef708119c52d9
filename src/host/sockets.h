/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * sockets - the UDP sockets of this network namespace.
 */
#ifndef EM_SOCKETS_H
#define EM_SOCKETS_H

#include <stdint.h>

#include "base/diag.h"

/*
 * Calls visit with the local port of each, of IPv4 and IPv6, whichever address it is bound to.  A
 * port may come several times.  Needs no privilege.  Returns 0, -ENOENT, not reported, where the
 * kernel does not list UDP sockets (CONFIG_INET_UDP_DIAG), or -errno, reported.
 */
int em_sockets_each(void (*visit)(void *context, uint16_t port), void *context,
		    struct em_diag *diag);

#endif
