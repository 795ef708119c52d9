/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * router_arrange - what else may be on a router: bridges, and rules of others that should make no
 * difference.
 */
#include <stdio.h>

#include "tests/lib/rig_parts.h"
#include "tests/lib/router.h"

/* in0 becomes a port of br0, which has its addresses. */
static const char port_up[] = "ip address flush dev in0\n"
			      "ip link add br0 address 02:00:00:00:00:02 type bridge\n"
			      "ip link set in0 master br0\n";
static const char port_down[] = "ip link del br0\n";

/* in0 becomes a bridge, and the wire its port. */
static const char device_up[] = "ip address flush dev in0\n"
				"ip link set in0 down\n"
				"ip link set in0 name port0\n"
				"ip link add in0 address 02:00:00:00:00:02 type bridge\n"
				"ip link set port0 master in0 up\n";
static const char device_down[] = "ip link del in0\n"
				  "ip link set port0 down\n"
				  "ip link set port0 name in0\n";

/* Translations for ports of listeners and entities, to what they are. */
static const char nat_up[] = "nft -f - <<'END'\n"
			     "table inet theirs {\n"
			     "  chain pre {\n"
			     "    type nat hook prerouting priority -100;\n"
			     "    udp dport 5000 dnat to :5000\n"
			     "    udp dport 6001 dnat to :6001\n"
			     "  }\n"
			     "  chain post { type nat hook postrouting priority 100; }\n"
			     "}\n"
			     "END\n";
static const char untracked_up[] =
	"nft -f - <<'END'\n"
	"table inet theirs {\n"
	"  chain pre { type filter hook prerouting priority -300; notrack; }\n"
	"  chain in { type filter hook prerouting priority 0; ct state untracked accept; }\n"
	"}\n"
	"END\n";
/* Each counts the ports that it sees. */
static const char tracked_up[] =
	"nft add table inet theirs\n"
	"for hook in prerouting forward postrouting; do for priority in -400 -250 -150 0 150; do\n"
	"  name=$hook$priority key='udp sport . udp dport'\n"
	"  echo \"add set inet theirs $name { typeof $key; size 65535; flags dynamic; }\"\n"
	"  echo \"add chain inet theirs $name { type filter hook $hook priority $priority; }\"\n"
	"  echo \"add rule inet theirs $name ct state established counter\"\n"
	"  echo \"add rule inet theirs $name update @$name { $key counter }\"\n"
	"done; done | nft -f -\n";
static const char theirs_down[] = "nft delete table inet theirs\n";

static const struct arrangement {
	const char *name;
	const char *up, *down;
	const char *addressed; /* has the addresses of the first wire */
	const char *filtering; /* bridge-nf-call-… */
} arrangements[ROUTER_ARRANGEMENTS] = {
	[ROUTER_PLAIN] = {"plain", "", "", "in0", "0"},
	[ROUTER_PORT] = {"a port of a bridge", port_up, port_down, "br0", "0"},
	[ROUTER_PORT_FILTERED] = {"a port of a bridge, with br_netfilter", port_up, port_down,
				  "br0", "1"},
	[ROUTER_NAT] = {"translations of others", nat_up, theirs_down, "in0", "0"},
	[ROUTER_UNTRACKED] = {"notrack", untracked_up, theirs_down, "in0", "0"},
	[ROUTER_TRACKED] = {"chains of others", tracked_up, theirs_down, "in0", "0"},
	[ROUTER_BRIDGE] = {"a bridge", device_up, device_down, "in0", "0"},
	[ROUTER_BRIDGE_FILTERED] = {"a bridge, with br_netfilter", device_up, device_down, "in0",
				    "1"},
};

const char *router_arrangement_name(enum router_arrangement arrangement)
{
	return arrangements[arrangement].name;
}

void router_arrange(struct router *router, enum router_arrangement arrangement)
{
	const struct arrangement *before = &arrangements[router->arrangement];
	const struct arrangement *after = &arrangements[arrangement];

	if (before == after)
		return;
	rig_shell(before->down);
	rig_shell(after->up);
	rig_write_file("/proc/sys/net/bridge/bridge-nf-call-iptables", after->filtering);
	rig_write_file("/proc/sys/net/bridge/bridge-nf-call-ip6tables", after->filtering);
	router_address_wire(router, ROUTER_IN0, after->addressed);
	router->arrangement = arrangement;
}
