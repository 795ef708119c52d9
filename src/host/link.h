/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * link - the properties and settings of an interface that decide what can be installed on it.
 *
 * Only reads.  The sources are ioctl(2) on a socket, netdev.h, /proc/sys/net/bridge, and a dump
 * over rtnetlink for the interfaces below and above.
 */
#ifndef EM_LINK_H
#define EM_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

/* Whether the driver accepts a native XDP program with the current settings of the interface. */
enum em_native { EM_NATIVE_UNKNOWN, EM_NATIVE_NO, EM_NATIVE_YES };

struct em_link {
	char name[IF_NAMESIZE];
	char driver[32]; /* "": unknown */
	char kind[32];	 /* kind of a virtual interface as in ip-link(8); "": not virtual */
	unsigned int ifindex;
	unsigned int master;	  /* ifindex of its bridge, bond, …; 0: it is no port of one */
	char port_of[32];	  /* kind of that one as in ip-link(8); "": none */
	unsigned int lower;	  /* ifindex of the lower interface, or of a veth's peer; 0: none */
	char bridge[IF_NAMESIZE]; /* itself, or the one that it is stacked on; "": none */
	uint32_t mtu;		  /* bytes of the largest IP packet */
	uint32_t peer_mtu;	  /* veth: of the other end; 0: unknown */
	uint32_t peer_queues;	  /* veth: tx queues of the other end; 0: unknown, or not fixed */
	uint16_t type;		  /* ARPHRD_…, see <linux/if_arp.h> */
	uint32_t rx_queues;	  /* 0: unknown */
	bool up;
	bool ethernet;	     /* frames begin with an Ethernet header */
	bool local;	     /* senders on this host can be at its other end: veth, tun, Xen */
	bool ipsec;	     /* its packets are decrypted by IPsec: xfrm, vti and vti6 */
	bool vlan_offload;   /* rx-vlan-offload: VLAN tags are removed before XDP */
	bool vlan_on_top;    /* with vlan_offload: a VLAN interface exists on this one */
	bool gro_list;	     /* rx-gro-list: UDP datagrams are merged */
	bool udp_forwarding; /* rx-udp-gro-forwarding: likewise */
	uint32_t redirect;   /* priority of a TC filter at ingress that redirects; 0: none */
	char gro_list_below[IF_NAMESIZE]; /* an interface below with rx-gro-list; "": none */
	char udp_forwarding_below[IF_NAMESIZE];
	bool gro;		   /* rx-gro: by itself, the kernel merges TCP */
	bool gro_hw;		   /* rx-gro-hw */
	bool lro;		   /* rx-lro */
	bool bridge_nf;		   /* sysctl: br_netfilter passes bridged packets to netfilter */
	bool bridge_nf_call;	   /* likewise: by an option of `bridge` */
	enum em_native native_xdp; /* from Linux 6.3 on; before, only a trial shows it */
	bool multi_buffer;	   /* native XDP handles frames in several buffers; likewise */
	char native_why[160];	   /* EM_NATIVE_NO: why not */
};

/* "no", "unknown", "yes". */
const char *em_native_name(enum em_native native);

/*
 * Fills in all members.  Returns 0 or -errno, reported with the interface's name and, unless it is
 * NULL, its place in the configuration.
 */
int em_link_read(struct em_link *out, const char *name, const struct em_place *place,
		 struct em_diag *diag);

/*
 * Finds the own name of the interface with this name or, from Linux 5.5 on, this alternative name.
 * Returns 0, -ENODEV, or another -errno; unreported.
 */
int em_link_find(char own[IF_NAMESIZE], const char *name);

/* The same, and whether it is up.  Returns likewise. */
int em_link_find_up(char own[IF_NAMESIZE], const char *name, bool *up);

/*
 * Whether native XDP on it needs a program that takes frames in several buffers.  Some drivers also
 * accept other programs, but these miss part of the longest frames with a VLAN tag.
 */
bool em_link_needs_fragments(const struct em_link *link);

#endif
