/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * ipv6_header_limit - how far this kernel follows IPv6 extension headers.
 *
 * What is ours is what the kernel's nf_tables finds to be UDP.  It used to walk all headers that a
 * packet holds and stops at some number now (12, where it does).  A backend that walks by itself
 * has to stop where nf_tables does.
 */
#ifndef EM_HEADER_LIMIT_H
#define EM_HEADER_LIMIT_H

#include "engine/plan.h"

/*
 * The most headers behind which the nft backend finds a datagram, tried with packets in a namespace
 * of their own.  EM_HEADER_LIMIT_MAX where there is no nf_tables to be like, or where it cannot be
 * tried.
 */
unsigned int em_header_limit_find(void);

#endif
