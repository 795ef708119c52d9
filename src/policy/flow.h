/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * flow - the senders that a backend remembers for listeners with `replies`, as one backend hands
 * them to another.
 */
#ifndef EM_FLOW_H
#define EM_FLOW_H

#include <stddef.h>
#include <stdint.h>

/* Addresses in network byte order, of IPv4 the first 4 bytes; ports in that of the machine. */
struct em_flow {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t sender[16];
	uint8_t server[16]; /* all 0: any; many hosts were asked at once, or there is a link */
	uint16_t sender_port;
	uint16_t known;	 /* the listener's port, which the sender knows */
	uint16_t target; /* the port that its datagrams are sorted to */
	uint32_t link;	 /* ifindex, where it is told by its interface as well; else 0 */
};

struct em_flow_list {
	struct em_flow *all; /* owned */
	size_t n;
	size_t room;
};

/* Returns 0 or -ENOMEM. */
int em_flow_list_add(struct em_flow_list *list, const struct em_flow *flow);
void em_flow_list_clear(struct em_flow_list *list);

#endif
