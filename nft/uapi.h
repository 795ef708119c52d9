/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * uapi - the kernel's headers of nf_tables, with what those of older distributions lack.
 */
#ifndef EM_NFT_UAPI_H
#define EM_NFT_UAPI_H

#include "config-build.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#endif
