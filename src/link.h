/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link - what an interface is, and which of its settings decide what can be installed on it.
 *
 * Only reads: ioctl(2) on a socket and, for what lies on top of an interface, a dump over rtnetlink.
 */
#ifndef EM_LINK_H
#define EM_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "diag.h"

struct em_link {
	char name[IF_NAMESIZE];
	char driver[32]; /* "": unknown */
	unsigned int ifindex;
	uint32_t mtu;	     /* bytes of the largest IP packet */
	uint16_t type;	     /* ARPHRD_…, see <linux/if_arp.h> */
	uint32_t rx_queues;  /* 0: unknown */
	bool up;
	bool ethernet;	     /* frames begin with an Ethernet header */
	bool vlan_offload;   /* rx-vlan-offload: tags are taken off before XDP */
	bool vlan_on_top;    /* some VLAN interface is made on this one */
	bool gro_list;	     /* rx-gro-list: UDP datagrams are glued together */
	bool udp_forwarding; /* rx-udp-gro-forwarding: likewise */
};

/* Reads all of it.  Returns 0 or -errno, reported with the interface's name. */
int em_link_read(struct em_link *out, const char *name, struct em_diag *diag);

/* The setting of the interface that glues datagrams together, by ethtool's name; NULL: none. */
const char *em_link_glue(const struct em_link *link);

#endif
