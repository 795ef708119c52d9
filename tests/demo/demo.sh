#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The demo: a sender and a server in two network namespaces, the policy of demo.conf between them.
#
#	demo.sh ENTITYMUX DEMO [BACKEND...]	(root; xdp and nft by default)
#
# Fails when a single datagram went astray, and leaves nothing behind.

set -eu

[ $# -ge 2 ] || { echo "usage: demo.sh ENTITYMUX DEMO [BACKEND...]" >&2; exit 2; }
entitymux=$1
demo=$2
shift 2
[ $# -gt 0 ] || set -- xdp nft

server=em-demo-server-$$
sender=em-demo-sender-$$
config=$(dirname "$0")/demo.conf

cleanup() {
	trap '' INT TERM HUP
	ip netns exec $server "$entitymux" remove >/dev/null 2>&1 || :
	ip netns del $server 2>/dev/null || :
	ip netns del $sender 2>/dev/null || :
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

ip netns add $server
ip netns add $sender
ip -n $server link add in0 address 02:00:00:00:00:01 type veth \
	peer name out0 address 02:00:00:00:00:09 netns $sender
ip -n $server address add 192.0.2.1/24 dev in0
ip -n $sender address add 192.0.2.9/24 dev out0
ip -n $server link set in0 up
ip -n $sender link set out0 up
# Known from the start: while an address is looked up, only so many datagrams wait for it.
ip -n $server neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 dev in0 nud permanent
ip -n $sender neighbour add 192.0.2.1 lladdr 02:00:00:00:00:01 dev out0 nud permanent

for backend in "$@"; do
	echo "== $backend =="
	ip netns exec $server "$entitymux" apply --backend="$backend" "$config"
	ip netns exec $server "$demo" /run/netns/$sender "$entitymux"
	ip netns exec $server "$entitymux" stats
	ip netns exec $server "$entitymux" remove
	echo
done
