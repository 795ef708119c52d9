/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* hook - the places in the kernel where packets of an interface can be sorted. */
#ifndef EM_HOOK_H
#define EM_HOOK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

enum em_hook {
	EM_HOOK_XDP_NATIVE,
	EM_HOOK_XDP_GENERIC,
	EM_HOOK_TC_INGRESS,
	EM_HOOK_NFT_INGRESS,
	EM_HOOK_TC_EGRESS, /* does not sort: for outgoing replies, beside XDP and TC */
	EM_HOOKS
};

/* The name of a hook ("xdp-native", …), and the hook of a name: -1 if there is none. */
const char *em_hook_name(enum em_hook hook);
int em_hook_parse(const char *name);

#define EM_HOOK_ALIAS 128 /* ALTIFNAMSIZ of the kernel */

/* An interface whose packets are sorted, and the hook used. */
struct em_attachment {
	char interface[IF_NAMESIZE];
	char alias[EM_HOOK_ALIAS]; /* its name in the configuration, if different */
	unsigned int ifindex;
	enum em_hook hook;
	uint32_t program; /* XDP: the id of the program; 0: unknown */
	bool vlan;	  /* a listener with `vlan` is on it */
	bool replies;	  /* a listener with `replies` is on it */
	bool fragments;	  /* native XDP: the program takes frames in several buffers */
	bool conntrack;	  /* nft: connection tracking translates the replies */
};

#endif
