#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Settings of an interface that change after the apply: whatever apply refuses, status sees, with the
# command that clears it, and is satisfied when it is cleared.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp xdp-generic tc nft}"

if [ "$(id -u)" -ne 0 ]; then
	echo 'makes network namespaces: run as root (sudo make check)'
	exit 77
fi
ns=em-later-$$
tmp=$(mktemp -d)
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
needs ip nft ethtool sysctl

cleanup()
{
	trap '' INT TERM HUP
	ip netns exec $ns "$ENTITYMUX" remove 2>/dev/null
	ip netns del $ns 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

in_ns() { ip netns exec $ns "$@"; }
em() { in_ns "$ENTITYMUX" "$@"; }

# usage: policy [KEYS OF THE LISTENER]
policy()
{
	echo "listeners = ( { name = \"l\"; interfaces = [ \"$interface\" ]; port = 5000; ${1-}
		tag = { offset = 0; length = 4; };
		entities = ( { tag = \"0xdeadbeef\"; port = 6001; } ); } );" >"$tmp/conf"
}

# usage: applied BACKEND [KEYS OF THE LISTENER]
applied()
{
	policy "${2-}"
	check 'apply' em apply --backend="$1" "$tmp/conf"
	check 'status is satisfied' em status
}

# usage: seen WHAT REMEDY; it is cleared by the very command
seen()
{
	text=$(em status 2>&1)
	is "$1: exit status of status" 4 $?
	says "$1: what" "problem: *$interface: .*$1" "$text"
	says "$1: the command" "clear it with: $2\$" "$text"
	is "$1: for programs" "$2" "$(em status --json | sed -n 's/.*"remedy": "\(.*\)".*/\1/p')"
	# shellcheck disable=SC2086 # words
	check "$1: cleared" in_ns $2
	check "$1: status is satisfied again" em status
}

# Of a bridge, and of what is stacked on it, br_netfilter takes packets away before they are sorted.
bridges()
{
	if ! in_ns test -e /proc/sys/net/bridge; then
		skip 'this kernel has no br_netfilter'
		return
	fi
	calls='bridge-nf-call-iptables bridge-nf-call-ip6tables'
	for setting in $calls; do settings $ns net/bridge/$setting=0; done
	ip -n $ns link add br0 up type bridge
	ip -n $ns link add link br0 name mac0 up type macvlan
	off='sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0'
	for interface in br0 mac0; do
		title="nft, $interface: "
		applied nft 'replies = true;'
		for setting in $calls; do
			settings $ns net/bridge/$setting=1
			seen br_netfilter "$off"
		done
		for option in nf_call_iptables nf_call_ip6tables; do
			ip -n $ns link set br0 type bridge $option 1
			seen br_netfilter \
				'ip link set dev br0 type bridge nf_call_iptables 0 nf_call_ip6tables 0'
		done
		settings $ns net/bridge/bridge-nf-call-iptables=1
		check 'refused' exits 3 1 "^entitymux: .*/conf:1: .*br_netfilter.*$off" \
			em apply --backend=nft "$tmp/conf"
		says 'probe lists it' 'nft: .*br_netfilter' "$(em probe "$tmp/conf" 2>&1)"
		check 'remove' em remove
		settings $ns net/bridge/bridge-nf-call-iptables=1
		applied nft
		check 'remove' em remove
		settings $ns net/bridge/bridge-nf-call-iptables=0
	done
	interface=in0
	ip -n $ns link del br0
}

ip netns add $ns
ip -n $ns link add in0 type veth peer name out0
ip -n $ns link set in0 up
ip -n $ns link set out0 up

# What this host sends to all is received by itself as well, and has no Ethernet header then.
looped()
{
	applied "$1"
	ip -n $ns address replace 192.0.2.1/24 dev in0
	ip -n $ns route replace 224.0.0.1 dev in0
	in_ns bash -c 'printf "\336\255\276\357" >/dev/udp/224.0.0.1/5000'
	within 5 'a multicast of this host' eval "em stats | grep -q 'packets 1,.* rewritten 1,'"
	em remove
}

interface=in0
for backend in $E2E_BACKENDS; do
	title="$backend: "
	looped "$backend"
	if ip -n $ns link add ifb0 up type ifb 2>"$tmp/out"; then
		interface=ifb0
		policy
		check 'no ifb' exits 3 1 'ifb0: its packets are received on' em apply --backend="$backend" "$tmp/conf"
		interface=in0
		ip -n $ns link del ifb0
	else
		skip "no ifb here: $(cat "$tmp/out")"
	fi
	applied "$backend"
	for glue in rx-gro-list rx-udp-gro-forwarding; do
		in_ns ethtool -K in0 $glue on >"$tmp/out" 2>&1 || continue
		seen $glue "ethtool -K in0 $glue off"
	done
	ip -n $ns link set in0 down
	seen 'it is down' 'ip link set dev in0 up'
	em remove
	case $backend in
	tc | nft)
		# A port that merges comes to a bridge.
		interface=br0
		ip -n $ns link add br0 up type bridge
		applied "$backend"
		in_ns ethtool -K in0 rx-udp-gro-forwarding on 2>/dev/null
		ip -n $ns link set in0 master br0
		seen rx-udp-gro-forwarding 'ethtool -K in0 rx-udp-gro-forwarding off'
		em remove
		ip -n $ns link del br0
		interface=in0
		;;
	esac
	case $backend in
	xdp | xdp-generic)
		in_ns ethtool -K in0 rxvlan off >/dev/null
		applied "$backend" 'vlan = 5;'
		in_ns ethtool -K in0 rxvlan on >/dev/null
		seen 'takes the VLAN tag off' 'ethtool -K in0 rxvlan off'
		em remove
		;;
	nft)
		applied nft
		in_ns tc qdisc add dev in0 handle ffff: ingress
		if in_ns tc filter add dev in0 parent ffff: protocol all prio 10 u32 match u32 0 0 \
			action mirred egress redirect dev out0 2>"$tmp/out"; then
			seen redirects 'tc filter delete dev in0 ingress pref 10'
		else
			skip "no u32 or mirred here: $(cat "$tmp/out")"
		fi
		in_ns tc qdisc del dev in0 ingress
		em remove
		if has_egress; then
			ip -n $ns link add br0 up type bridge
			ip -n $ns link set in0 master br0
			applied nft 'replies = true;'
			ip -n $ns link del br0
			em remove
			continue
		fi
		applied nft 'replies = true;'
		ip -n $ns link add br0 type bridge
		ip -n $ns link set in0 master br0
		em status >"$tmp/out" 2>&1
		is 'a port of a bridge: exit status of status' 4 $?
		says 'a port of a bridge: what' 'in0: replies need conntrack' "$(cat "$tmp/out")"
		ip -n $ns link del br0
		check 'no port any more: status is satisfied' em status
		em remove
		bridges
		;;
	esac
done
title=

# A frame with a tag no longer fits into one buffer: only another program helps.
case " $E2E_BACKENDS " in
*' xdp '*)
	applied xdp
	ip -n $ns link set out0 mtu 3500
	if ip -n $ns link set in0 mtu 3500 2>"$tmp/out"; then
		em status >"$tmp/out" 2>&1
		is 'a larger MTU: exit status of status' 4 $?
		says 'a larger MTU: what' 'in0: .*too long for one buffer' "$(cat "$tmp/out")"
		check 'a larger MTU: apply' em apply --backend=xdp "$tmp/conf"
		check 'a larger MTU: status is satisfied' em status
	else
		skip "a larger MTU: $(cat "$tmp/out")"
	fi
	;;
esac

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
