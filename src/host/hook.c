/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/hook.h"

#include <string.h>

static const char *const names[EM_HOOKS] = {
	[EM_HOOK_XDP_NATIVE] = "xdp-native", [EM_HOOK_XDP_GENERIC] = "xdp-generic",
	[EM_HOOK_TC_INGRESS] = "tc-ingress", [EM_HOOK_NFT_INGRESS] = "nft-ingress",
	[EM_HOOK_TC_EGRESS] = "tc-egress",
};

const char *em_hook_name(enum em_hook hook)
{
	return names[hook];
}

int em_hook_parse(const char *name)
{
	for (int i = 0; i < EM_HOOKS; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}
