/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * ipv6_header_limit - how many IPv6 extension headers nf_tables of this kernel follows.
 *
 * A datagram is ours if the kernel's nf_tables finds it to be UDP.  Older kernels follow all
 * headers of a packet, newer ones stop at a fixed number (12).  A backend that walks the headers
 * itself has to stop at the same number.
 */
#ifndef EM_HEADER_LIMIT_H
#define EM_HEADER_LIMIT_H

#include "engine/plan.h"

/*
 * Sets *limit to the largest number of headers behind which the nft backend finds a datagram, tried
 * with packets in a private network namespace.  0 is that this is not known, because there is no
 * nf_tables to match, or this process may have no namespace; EM_HEADER_LIMIT_MAX is to be taken
 * then.  Returns 0 or -errno, reported: memory or descriptors were short.
 */
int em_header_limit_find(uint32_t *limit, struct em_diag *diag);

#endif
