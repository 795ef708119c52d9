/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/obstacle.h"

#include <inttypes.h>
#include <linux/if_arp.h>
#include <stdio.h>
#include <string.h>

typedef bool holds_fn(const struct em_link *link, const struct em_attachment *at);

static bool at_xdp(const struct em_attachment *at)
{
	return at->hook == EM_HOOK_XDP_NATIVE || at->hook == EM_HOOK_XDP_GENERIC;
}

/*
 * Native XDP handles each datagram before GRO merges them.  But it leaves datagrams of a sender on
 * this host to a program at TC.
 */
static bool is_behind_gro(const struct em_link *link, const struct em_attachment *at)
{
	return at->hook != EM_HOOK_XDP_NATIVE || link->local;
}

static bool is_down(const struct em_link *link, const struct em_attachment *at)
{
	(void)at;
	return !link->up;
}

static bool has_gro_list(const struct em_link *link, const struct em_attachment *at)
{
	return (link->gro_list || link->gro_list_below[0]) && is_behind_gro(link, at);
}

static bool has_udp_forwarding(const struct em_link *link, const struct em_attachment *at)
{
	return (link->udp_forwarding || link->udp_forwarding_below[0]) && is_behind_gro(link, at);
}

static bool has_no_ethernet(const struct em_link *link, const struct em_attachment *at)
{
	return !link->ethernet && at_xdp(at);
}

static bool is_bond(const struct em_link *link, const struct em_attachment *at)
{
	return !strcmp(link->kind, "bond") && at->hook == EM_HOOK_XDP_NATIVE;
}

/*
 * These interfaces get packets from another interface, whose receive path has already moved the tag
 * to the skb.  Generic XDP does not see it there.
 */
static bool is_stacked(const struct em_link *link, const struct em_attachment *at)
{
	static const char *const kinds[] = {"bridge",  "openvswitch", "bond",	"team",
					    "macvlan", "macvtap",     "ipvlan", "ipvtap"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(link->kind, kinds[i]))
			return at->hook == EM_HOOK_XDP_GENERIC;
	return false;
}

/* It gives each packet back as one of the interface that it has it from. */
static bool is_ifb(const struct em_link *link, const struct em_attachment *at)
{
	(void)at;
	return !strcmp(link->kind, "ifb");
}

static bool has_redirect(const struct em_link *link, const struct em_attachment *at)
{
	return link->redirect && at->hook == EM_HOOK_NFT_INGRESS;
}

static bool has_long_frames(const struct em_link *link, const struct em_attachment *at)
{
	return em_link_needs_fragments(link) && at->hook == EM_HOOK_XDP_NATIVE && !at->fragments;
}

static bool takes_tags_off(const struct em_link *link, const struct em_attachment *at)
{
	return link->vlan_offload && at->vlan && at_xdp(at);
}

static bool hides_tags(const struct em_link *link, const struct em_attachment *at)
{
	return link->vlan_offload && link->vlan_on_top && !at->vlan && at_xdp(at);
}

/*
 * IPsec leaves the offset and length of the outer Ethernet header in the skb.  TC programs see the
 * packet from there.
 */
static bool is_ipsec(const struct em_link *link, const struct em_attachment *at)
{
	return link->ipsec && at->hook == EM_HOOK_TC_INGRESS;
}

static bool is_loopback_with_replies(const struct em_link *link, const struct em_attachment *at)
{
	return link->type == ARPHRD_LOOPBACK && at->conntrack && at->replies;
}

static bool is_port_with_replies(const struct em_link *link, const struct em_attachment *at)
{
	return (!strcmp(link->port_of, "bridge") || !strcmp(link->port_of, "openvswitch")) &&
	       at->conntrack && at->replies;
}

static bool has_bridge_nf(const struct em_link *link, const struct em_attachment *at)
{
	return link->bridge_nf && at->conntrack && at->replies;
}

static bool has_bridge_nf_call(const struct em_link *link, const struct em_attachment *at)
{
	return link->bridge_nf_call && at->conntrack && at->replies;
}

/*
 * A bridged packet passes the IP hooks before it reaches the bridge interface, where it is marked.
 * It does not pass them again afterwards.
 */
#define BRIDGE_NF                                                                                  \
	"replies need conntrack, and with br_netfilter it sees the packets of a bridge before "    \
	"they are sorted"

static const struct {
	holds_fn *holds;
	const char *what;
	/*
	 * The parts of the remedy before and after the interface name.  No after: there is no name
	 * in it.
	 */
	const char *before, *after;
	bool replies;
} obstacles[EM_OBSTACLES] = {
	[EM_OBSTACLE_DOWN] = {is_down, "it is down", "ip link set dev ", " up", false},
	[EM_OBSTACLE_GRO_LIST] =
		{has_gro_list,
		 "rx-gro-list merges datagrams, and only the tag of the first one is "
		 "seen",
		 "ethtool -K ", " rx-gro-list off", false},
	[EM_OBSTACLE_UDP_FORWARDING] =
		{has_udp_forwarding,
		 "rx-udp-gro-forwarding merges datagrams, and only the tag of "
		 "the first one is seen",
		 "ethtool -K ", " rx-udp-gro-forwarding off", false},
	[EM_OBSTACLE_NO_ETHERNET] = {has_no_ethernet, "its packets have no Ethernet header", NULL,
				     NULL, false},
	[EM_OBSTACLE_BOND] = {is_bond,
			      "a bond hands its XDP program to its members, which then receive the "
			      "packets themselves (for XDP, name the members)",
			      NULL, NULL, false},
	[EM_OBSTACLE_STACKED] = {is_stacked,
				 "VLAN tags are taken off before generic XDP sees the frame (name "
				 "the interface below, or use tc)",
				 NULL, NULL, false},
	[EM_OBSTACLE_IFB] = {is_ifb,
			     "its packets are received on the interface that they are redirected "
			     "from (name that one)",
			     NULL, NULL, false},
	[EM_OBSTACLE_REDIRECT] = {has_redirect,
				  "a TC filter redirects packets before nftables sees them, which "
				  "does not see what comes back either (use xdp or tc)",
				  "tc filter delete dev ", " ingress pref ", false},
	[EM_OBSTACLE_MTU] = {has_long_frames,
			     "with a VLAN tag, a frame of its MTU is too long for one buffer, and "
			     "its XDP program takes no more (from Linux 5.18 on, apply again)",
			     NULL, NULL, false},
	[EM_OBSTACLE_VLAN_OFFLOAD] = {takes_tags_off,
				      "rx-vlan-offload takes the VLAN tag off before XDP sees it",
				      "ethtool -K ", " rxvlan off", false},
	[EM_OBSTACLE_VLAN_ON_TOP] = {hides_tags,
				     "rx-vlan-offload makes the packets of the VLAN interfaces on "
				     "top of it look untagged to XDP",
				     "ethtool -K ", " rxvlan off", false},
	[EM_OBSTACLE_IPSEC] = {is_ipsec,
			       "a packet that comes out of IPsec does not begin with its IP header "
			       "at TC",
			       NULL, NULL, false},
	[EM_OBSTACLE_LOOPBACK_REPLIES] = {is_loopback_with_replies,
					  "replies need conntrack, which has seen a packet when it "
					  "was sent",
					  NULL, NULL, true},
	[EM_OBSTACLE_BRIDGE_REPLIES] = {is_port_with_replies,
					"replies need conntrack, which does not see what passes "
					"the ports of a bridge; if the server is this host, "
					"listen on the bridge, with bridge-nf-call-iptables and "
					"bridge-nf-call-ip6tables off",
					NULL, NULL, true},
	[EM_OBSTACLE_BRIDGE_NF] = {has_bridge_nf, BRIDGE_NF,
				   "sysctl -w net.bridge.bridge-nf-call-iptables=0 "
				   "net.bridge.bridge-nf-call-ip6tables=0",
				   NULL, true},
	[EM_OBSTACLE_BRIDGE_NF_CALL] = {has_bridge_nf_call, BRIDGE_NF, "ip link set dev ",
					" type bridge nf_call_iptables 0 nf_call_ip6tables 0",
					true},
};

/* The interface whose setting it is. */
static const char *name_of(enum em_obstacle_kind kind, const struct em_link *link)
{
	if (kind == EM_OBSTACLE_BRIDGE_NF_CALL)
		return link->bridge;
	if (kind == EM_OBSTACLE_GRO_LIST && !link->gro_list)
		return link->gro_list_below;
	if (kind == EM_OBSTACLE_UDP_FORWARDING && !link->udp_forwarding)
		return link->udp_forwarding_below;
	return link->name;
}

bool em_obstacle_find(struct em_obstacle *out, enum em_obstacle_kind kind,
		      const struct em_link *link, const struct em_attachment *attachment)
{
	if (!obstacles[kind].holds(link, attachment))
		return false;
	*out = (struct em_obstacle){.what = obstacles[kind].what,
				    .replies = obstacles[kind].replies};
	if (obstacles[kind].after)
		snprintf(out->remedy, sizeof(out->remedy), "%s%s%s", obstacles[kind].before,
			 name_of(kind, link), obstacles[kind].after);
	else if (obstacles[kind].before)
		snprintf(out->remedy, sizeof(out->remedy), "%s", obstacles[kind].before);
	if (kind == EM_OBSTACLE_REDIRECT)
		snprintf(out->remedy + strlen(out->remedy),
			 sizeof(out->remedy) - strlen(out->remedy), "%" PRIu32, link->redirect);
	return true;
}
