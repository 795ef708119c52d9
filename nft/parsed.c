/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "nft/parsed.h"
#include "nft/uapi.h"

#include <errno.h>
#include <stdbool.h>

/*
 * libnftnl leaves a name NULL, without an error, where it has no memory for it (1.2.4).  The kernel
 * always says the names that are asked for here.
 */
static bool has_names(const char *a, const char *b)
{
	if (a && b)
		return true;
	errno = ENOMEM;
	return false;
}

#define DEFINE(kind, a, b)                                                                         \
	int em_parsed_##kind(struct nftnl_##kind **out, const struct nlmsghdr *message)            \
	{                                                                                          \
		errno = 0;                                                                         \
		*out = nftnl_##kind##_alloc();                                                     \
		if (*out && !nftnl_##kind##_nlmsg_parse(message, *out) &&                          \
		    has_names(nftnl_##kind##_get_str(*out, a), nftnl_##kind##_get_str(*out, b)))   \
			return MNL_CB_OK;                                                          \
		em_parsed_##kind##_freep(out);                                                     \
		return errno == ENOMEM ? MNL_CB_ERROR : MNL_CB_OK;                                 \
	}                                                                                          \
                                                                                                   \
	void em_parsed_##kind##_freep(struct nftnl_##kind **parsed)                                \
	{                                                                                          \
		if (*parsed)                                                                       \
			nftnl_##kind##_free(*parsed);                                              \
		*parsed = NULL;                                                                    \
	}

DEFINE(table, NFTNL_TABLE_NAME, NFTNL_TABLE_NAME)
DEFINE(chain, NFTNL_CHAIN_TABLE, NFTNL_CHAIN_NAME)
DEFINE(rule, NFTNL_RULE_TABLE, NFTNL_RULE_CHAIN)
DEFINE(set, NFTNL_SET_TABLE, NFTNL_SET_NAME)
DEFINE(obj, NFTNL_OBJ_TABLE, NFTNL_OBJ_NAME)
