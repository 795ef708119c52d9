/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * hook - where in the kernel the packets of an interface are met.
 */
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
	EM_HOOK_TC_EGRESS, /* never sorts: what goes back, beside XDP and TC */
	EM_HOOKS
};

/* "xdp-native", …; and back: -1 where it is no hook's name. */
const char *em_hook_name(enum em_hook hook);
int em_hook_parse(const char *name);

#define EM_HOOK_ALIAS 128 /* ALTIFNAMSIZ of the kernel */

/* An interface that is sorted, and at which hook. */
struct em_attachment {
	char interface[IF_NAMESIZE];
	char alias[EM_HOOK_ALIAS]; /* its name in the configuration, if that is another one */
	unsigned int ifindex;
	enum em_hook hook;
	uint32_t program; /* XDP: the id of the program; 0: unknown */
	bool vlan;	  /* a listener with `vlan` is on it */
	bool replies;	  /* a listener with `replies` is on it */
	bool fragments;	  /* native XDP: the program takes frames in several buffers */
};

#endif
