/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * redirect - TC filters at ingress that send packets to another interface (tc-mirred(8)), as
 * shaping through an ifb device does.
 *
 * They come before the ingress hook of nf_tables, and a packet that an ifb device gives back does
 * not pass that hook either.
 */
#ifndef EM_REDIRECT_H
#define EM_REDIRECT_H

#include <stdint.h>

/*
 * Sets *priority to that of the first such filter of the interface; 0: there is none.  Returns 0 or
 * -errno, unreported.
 */
int em_redirect_find(unsigned int ifindex, uint32_t *priority);

#endif
