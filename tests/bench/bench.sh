#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# What a datagram costs; README.md says how to read it.
#
#	bench.sh [OPTION...]	of bench.c
#
# Runs as root, in a mount namespace with a /run of its own, where its network namespaces are named:
# whatever becomes of it, nothing stays behind.
set -eu

if [ -z "${bench_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make bench)'; exit 77; }
	for tool in ip nft ethtool unshare; do
		command -v $tool >/dev/null || { echo "needs $tool"; exit 77; }
	done
	: "${srcdir:=.}" "${ENTITYMUX:=./entitymux}" "${BENCH:=tests/bench/bench}"
	: "${RUNSTATEDIR:=/run}"
	here=$(realpath "$srcdir/tests/bench")
	ENTITYMUX=$(realpath "$ENTITYMUX") BENCH=$(realpath "$BENCH") bench_inside=yes
	export here ENTITYMUX BENCH RUNSTATEDIR bench_inside
	exec unshare --mount --propagation private /bin/sh "$0" "$@"
fi

mount -t tmpfs -o mode=0755 bench /run
mkdir -p "$RUNSTATEDIR"
[ "$RUNSTATEDIR" = /run ] || mount -t tmpfs -o mode=0755 bench "$RUNSTATEDIR"
mkdir /run/bench

# Their end is in0, and ours, in the namespace of the sender, out-NAME.
# usage: host NAME
host()
{
	ip netns add "$1"
	ip -n "$1" link add in0 address 02:00:00:00:00:02 type veth \
		peer name "out-$1" address 02:00:00:00:00:01 netns sender
	ip -n "$1" link set lo up
	end "$1" in0 1 9 02:00:00:00:00:01
	end sender "out-$1" 9 1 02:00:00:00:00:02
	# Poll what comes, as a NIC does, also where there is no XDP program.
	ip netns exec "$1" ethtool -K in0 gro on
}

# No name is asked for and no path tried out: nothing is on the wire but what is measured.
# usage: end NAMESPACE INTERFACE HOST PEER PEER-ADDRESS
end()
{
	ip netns exec "$1" sysctl -qw net.ipv4.conf."$2".rp_filter=0 \
		net.ipv6.conf."$2".accept_ra=0 net.ipv6.conf."$2".router_solicitations=0
	ip -n "$1" address add 192.0.2."$3"/24 dev "$2"
	ip -n "$1" address add 2001:db8::"$3"/64 dev "$2" nodad
	ip -n "$1" link set "$2" up
	ip -n "$1" neighbour add 192.0.2."$4" lladdr "$5" dev "$2" nud permanent
	ip -n "$1" neighbour add 2001:db8::"$4" lladdr "$5" dev "$2" nud permanent
	# Checksums are complete on the wire, as they are between machines.
	ip netns exec "$1" ethtool -K "$2" tx off >/dev/null
}

ip netns add sender
ip -n sender link set lo up
ip netns exec sender sysctl -qw net.ipv4.conf.all.rp_filter=0
for name in bare host; do
	host $name
done
ip netns exec sender "$BENCH" "$@" "$ENTITYMUX" "$here/others.sh" /run/bench
