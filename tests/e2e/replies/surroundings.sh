#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# `replies = true` beside what else is on a host: bridges that show their packets to netfilter, loopback,
# rules of others.  With each backend every request arrives, and every answer comes from the port that was
# asked; and the chains of the host see the same ports.
set -u

# shellcheck source=tests/e2e/replies/replies-rig.sh
. "$(dirname "$0")/replies-rig.sh"

# Connection tracking differs there: entitymux(8).
has_egress || { echo 'needs chains at egress (Linux 5.16)'; exit 77; }

# policy INTERFACE [PORT]: entity 0 has PORT, where it is not that of exchange.c
policy() {
	cat >$tmp/conf <<END
listeners = ( { name = "l"; interfaces = [ "$1" ]; port = 5000; replies = true;
	tag = { offset = 4; length = 4; };
	entities = ( { tag = "0x00000000"; port = ${2:-10000}; }, { tag = "0x00000001"; port = 10001; } ); } );
END
}

# exchanged CLIENT ADDRESS...: with the router, nothing lost and nothing strange
exchanged() {
	host=$1
	shift
	for address; do
		said=$("$EXCHANGE" /run/netns/"$host" /run/netns/router "$address" 5000 500 2 2>&1)
		says "exchange with $address" ', 0 requests lost, 0 answers lost, 0 strange, 0 sends' "$said"
	done
}

# both BACKEND CLIENT ADDRESS...
both() {
	check 'apply' em apply --backend="$1" $tmp/conf
	check 'in place' em status
	shift
	exchanged "$@"
	check 'remove' em remove
}

server='192.0.2.1 2001:db8:1::1'

# bridge CALL: in0 becomes a port of br0, which has its addresses
bridge() {
	settings router net/bridge/bridge-nf-call-iptables="$1" net/bridge/bridge-nf-call-ip6tables="$1"
	in_router ip link add br0 type bridge
	for address in $server; do in_router ip address flush dev in0; done
	in_router ip link set in0 master br0
	ends 1 router br0 1 2
}

# links_of INTERFACE: senders are told by it, but not where it is a port of a bridge
links_of() {
	em apply --backend=nft $tmp/conf >/dev/null || return
	has=$(in_router nft list sets netdev | grep -c 'set links6-5000 ')
	em remove || return
	case $1 in br0) [ "$has" = 1 ] ;; *) [ "$has" = 0 ] ;; esac
}

# On the bridge device, where XDP is not to be had, and on its port.
section_bridge() {
	for filtering in 0 1; do
		bridge $filtering
		for interface in br0 in0; do
			title="$backend, $interface, bridge-nf-call $filtering: "
			policy $interface
			if [ "$backend" = nft ]; then check 'links' links_of $interface; fi
			# shellcheck disable=SC2086 # a list
			case $backend/$interface in
			xdp*/br0) ;;
			*) both "$backend" client $server ;;
			esac
		done
		other_hosts
	done
}

# ports HOST PORT LATER ADDRESS MAC PEER-MAC BY: a bridge with two ports, which sends to its peer by one of them
# and floods nothing to the later one: there is a loop.
ports() {
	ip -n "$1" address flush dev "$2"
	ip -n "$1" link add br0 address "$5" type bridge
	for port in "$2" "$3"; do
		ip -n "$1" link set "$port" master br0 up
		ip netns exec "$1" bridge link set dev "$port" learning off
	done
	ip netns exec "$1" bridge link set dev "$3" flood off mcast_flood off bcast_flood off
	ip -n "$1" link set br0 up
	ip -n "$1" address add "192.0.2.$4/24" dev br0
	ip -n "$1" address add "fe80::$4/64" dev br0 nodad
	ip netns exec "$1" bridge fdb replace "$6" dev "$7" master static
}

# Requests come in by one port of a bridge, and answers leave by another: link-local addresses are as others.
section_ports() {
	ip link add in9 netns router type veth peer name tx9 netns client
	ports client tx0 tx9 9 02:00:00:00:00:09 02:00:00:00:00:01 tx0
	ports router in0 in9 1 02:00:00:00:00:01 02:00:00:00:00:09 in9
	policy in0
	sed 's/"in0"/"in0", "in9"/' $tmp/conf >$tmp/two
	mv $tmp/two $tmp/conf
	both "$backend" client 192.0.2.1 fe80::1%br0
	check 'answers have left by the other' [ "$(in_router cat /sys/class/net/in9/statistics/tx_packets)" -gt 900 ]
	other_hosts
}

section_loopback() {
	[ "$backend" != xdp ] || return # loopback has none
	policy lo
	both "$backend" router 127.0.0.1 ::1
}

# A port forwarding of others for an entity's port, as container engines make them.
section_forwarding() {
	policy in0 20000
	in_router nft -f - <<'END'
		table inet theirs {
			chain pre {
				type nat hook prerouting priority -100;
				udp dport 20000 dnat ip to 192.0.2.1:10000
				udp dport 20000 dnat ip6 to [2001:db8:1::1]:10000
			}
		}
END
	# shellcheck disable=SC2086 # a list
	both "$backend" client $server
	other_hosts
}

section_notrack() {
	policy in0
	in_router nft -f - <<'END'
		table inet theirs {
			chain pre { type filter hook prerouting priority -300; notrack; }
			chain out { type filter hook output priority -300; notrack; }
		}
END
	# shellcheck disable=SC2086 # a list
	both "$backend" client $server
	other_hosts
}

# Whatever its priority, a chain of the host sees the ports of the entities, and never the listener's.
section_chains() {
	policy in0
	{
		echo 'table inet theirs {'
		for chain in prerouting/dport/-400 prerouting/dport/-300 prerouting/dport/-150 \
			prerouting/dport/0 input/dport/-150 input/dport/0 output/sport/-300 \
			output/sport/0 postrouting/sport/-150 postrouting/sport/300; do
			hook=${chain%%/*} priority=${chain##*/}
			port=${chain#*/} port=${port%/*}
			echo "chain $hook$priority { type filter hook $hook priority $priority;"
			echo "udp $port 10000-10001 counter; udp $port 5000 counter; }"
		done
		echo '}'
	} >$tmp/rules
	in_router nft -f $tmp/rules
	# shellcheck disable=SC2086 # a list
	both "$backend" client $server
	is 'each chain sees' "$(yes '1000 0' | head -n 10)" \
		"$(in_router nft list table inet theirs | sed -n 's/.*counter packets \([0-9]*\) .*/\1/p' |
			paste -d ' ' - -)"
	other_hosts
}

[ $# -gt 0 ] || set -- bridge ports loopback forwarding notrack chains
for section; do
	for backend in $E2E_BACKENDS; do
		title="$section, $backend: "
		section_"$section"
	done
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
