/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * obstacle - the properties of an interface that keep a hook on it from sorting correctly.
 *
 * This is the only list of them.  apply refuses a planned attachment with an obstacle, status
 * reports one that appears later, and probe predicts them.  What other programs have attached to
 * the interface is not in this list: the backends look for it.
 */
#ifndef EM_OBSTACLE_H
#define EM_OBSTACLE_H

#include <limits.h>
#include <stdbool.h>

#include "host/hook.h"
#include "host/link.h"

enum em_obstacle_kind {
	EM_OBSTACLE_DOWN, /* the first: nothing arrives at all */
	EM_OBSTACLE_GRO_LIST,
	EM_OBSTACLE_UDP_FORWARDING,
	EM_OBSTACLE_NO_ETHERNET,
	EM_OBSTACLE_BOND,
	EM_OBSTACLE_STACKED,
	EM_OBSTACLE_IFB,
	EM_OBSTACLE_REDIRECT,
	EM_OBSTACLE_MTU,
	EM_OBSTACLE_VLAN_OFFLOAD,
	EM_OBSTACLE_VLAN_ON_TOP,
	EM_OBSTACLE_IPSEC,
	EM_OBSTACLE_LOOPBACK_REPLIES,
	EM_OBSTACLE_BRIDGE_REPLIES,
	EM_OBSTACLE_BRIDGE_NF,
	EM_OBSTACLE_BRIDGE_NF_CALL,
	EM_OBSTACLES
};

struct em_obstacle {
	const char *what;	    /* static; without the interface name */
	bool replies;		    /* it only concerns listeners with replies */
	char remedy[PATH_MAX + 64]; /* the command that clears it; "": none does */
};

/* Whether the obstacle affects this attachment to the link.  If so, the message is in *out. */
bool em_obstacle_find(struct em_obstacle *out, enum em_obstacle_kind kind,
		      const struct em_link *link, const struct em_attachment *attachment);

#endif
