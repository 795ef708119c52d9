/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * link - what an interface is, and which of its settings decide what can be installed on it.
 *
 * Only reads: ioctl(2) on a socket, netdev.h, /proc/sys/net/bridge and, for what an interface is
 * made on and what on it, a dump over rtnetlink.
 */
#ifndef EM_LINK_H
#define EM_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

/* Whether the driver takes a native XDP program, with the interface as it is set up now. */
enum em_native { EM_NATIVE_UNKNOWN, EM_NATIVE_NO, EM_NATIVE_YES };

struct em_link {
	char name[IF_NAMESIZE];
	char driver[32]; /* "": unknown */
	char kind[32];	 /* of a virtual interface, as ip-link(8) calls it; "": it is none */
	unsigned int ifindex;
	unsigned int master; /* ifindex of the bridge, bond, … that it is a port of; 0: none */
	char port_of[32];    /* kind of that one, as ip-link(8) calls it; "": none */
	unsigned int lower;  /* ifindex of the interface below, or of a veth's peer; 0: none */
	char bridge[IF_NAMESIZE]; /* itself, or the one that it is stacked on; "": none */
	uint32_t mtu;		  /* bytes of the largest IP packet */
	uint32_t peer_mtu;	  /* veth: of the other end; 0: unknown */
	uint32_t peer_queues; /* veth: tx queues of the other end; 0: unknown, or may be changed */
	uint16_t type;	      /* ARPHRD_…, see <linux/if_arp.h> */
	uint32_t rx_queues;   /* 0: unknown */
	bool up;
	bool ethernet;	     /* frames begin with an Ethernet header */
	bool local;	     /* a sender on this host may be at its other end: veth, tun, Xen */
	bool ipsec;	     /* packets come out of IPsec: xfrm, vti and vti6 */
	bool vlan_offload;   /* rx-vlan-offload: tags are taken off before XDP */
	bool vlan_on_top;    /* with vlan_offload: some VLAN interface is made on this one */
	bool gro_list;	     /* rx-gro-list: UDP datagrams are glued together */
	bool udp_forwarding; /* rx-udp-gro-forwarding: likewise */
	bool gro;	     /* rx-gro: of what the kernel glues by itself, TCP */
	bool gro_hw;	     /* rx-gro-hw */
	bool lro;	     /* rx-lro */
	bool bridge_nf;	     /* br_netfilter shows packets of bridges to netfilter: by sysctl */
	bool bridge_nf_call; /* likewise: by an option of `bridge` */
	enum em_native native_xdp; /* from Linux 6.3 on: before, it shows only by trying */
	bool multi_buffer;	   /* native XDP sees frames of several buffers; likewise */
	char native_why[160];	   /* EM_NATIVE_NO: why not */
};

/* "no", "unknown", "yes". */
const char *em_native_name(enum em_native native);

/*
 * Reads all of it.  Returns 0 or -errno, reported with the interface's name and, unless it is NULL,
 * the place of it in the configuration.
 */
int em_link_read(struct em_link *out, const char *name, const struct em_place *place,
		 struct em_diag *diag);

/*
 * The own name of the interface that has this name or, from Linux 5.5 on, this alternative name.
 * Returns 0, -ENODEV, or -errno; unreported.
 */
int em_link_find(char own[IF_NAMESIZE], const char *name);

/*
 * Whether native XDP on it is only for programs that take frames in several buffers: drivers take
 * others, too, but with a VLAN tag these do not see all of the longest frames.
 */
bool em_link_needs_fragments(const struct em_link *link);

#endif
