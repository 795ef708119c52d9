#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The guide, entitymux(7): each command in it runs, in the order of the page, and prints what is shown; and what
# it says of many hosts, with three of them behind a router with paths of equal cost.  As root, in network
# namespaces of its own, with a /run and an /etc of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${srcdir:=.}" "${sysconfdir:=/etc}" "${E2E_BACKENDS:=xdp tc nft}"

if [ -z "${guide_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	guide_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") page=$(realpath "$srcdir/man/entitymux.7")
	LISTEN=$(realpath tests/e2e/commands/listen)
	export guide_inside ENTITYMUX LISTEN page sysconfdir E2E_BACKENDS
	exec timeout -s KILL 600 unshare --mount --propagation private --net --pid --fork --kill-child bash "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
# shellcheck source=tests/lib/page.sh
. "$(dirname "$0")/../../lib/page.sh"
needs ip awk
tmp=/run/guide
mount -t proc proc /proc
page_host

stub systemctl true
stub editor "cp $tmp/pasted.conf /etc/entitymux.conf"

ip link set lo up

# send TEXT...: a datagram each
send() {
	# shellcheck disable=SC2016 # for that shell
	ip netns exec blue bash -c 'for text; do printf %s "$text" >/dev/udp/192.0.2.1/5000; done' send "$@" 2>/dev/null
}

# Before a command of the page: what happens on such a host meanwhile.
before() {
	case $1 in
	tcpdump*) stub tcpdump 'wc -c' ;;
	'entitymux unknown')
		send T1:PLTA:1 T1:PLTB:1 T1:PLTA:2 T1:PLTB:2 T1:PLTA:3
		within 10 'all arrive' sh -c 'entitymux stats | grep -q "unknown 5,"'
		"$LISTEN" 192.0.2.1 5000 &
		;;
	'entitymux sample'*) { within 10 'begins' copying >&2; send T2:PLTA:{1..10}; } & ;;
	'entitymux stats') send T1:PLTA:4 T1:PLTB:3 ;;
	editor*) sed "s|entities = ( )|entities = (\n$(entitymux unknown --config telemetry | sed 1d | tr '\n' '~' |
		sed 's/#[^~]*//g; s/~/\\n/g'))|" /etc/entitymux.conf >pasted.conf ;;
	esac
}

# 4 is the answer of commands that look for something.
status_of() {
	case $1 in
	'entitymux diff'*) echo 4 ;;
	*) echo 0 ;;
	esac
}

block '^listeners = \($' >/etc/entitymux.conf
extract
check 'the page has commands' test -s 15
for file in [0-9][0-9]; do
	command=$(cat "$file") title="${command%%$'\n'*}: "
	before "$command"
	timeout 30 bash -o pipefail "$file" >out 2>err </dev/null
	status=$?
	is 'exit status' "$(status_of "$command")" $status
	is 'no message but of what was copied, or to wait' '' \
		"$(grep -vE '^entitymux: (sample: |waiting for another |.*confirm)' err)"
	[ ! -e "$file.shown" ] || is 'prints what is shown' "$(timeless <"$file.shown" | ageless)" "$(timeless <out | ageless)"
done
title=
check 'remove' entitymux remove

# Many hosts: a router with a path to each of three; all have the address 198.51.100.1.
hosts='one two three'
ip netns add router
ip -n blue link add r0 type veth peer r0 netns router
ip -n blue address add 203.0.113.2/24 dev r0
ip -n router address add 203.0.113.1/24 dev r0
ip -n blue link set r0 up
ip -n router link set r0 up
settings router net/ipv4/ip_forward=1 net/ipv4/fib_multipath_hash_policy=1
number=0
for host in $hosts; do
	number=$((number + 1))
	ip netns add $host
	ip -n router link add $host type veth peer eth0 netns $host
	ip -n router address add 10.9.$number.1/24 dev $host
	ip -n $host address add 10.9.$number.2/24 dev eth0
	ip -n $host address add 198.51.100.1/32 dev eth0
	ip -n router link set $host up
	ip -n $host link set eth0 up
	ip -n $host route add default via 10.9.$number.1
done
ip -n blue route add 198.51.100.1/32 via 203.0.113.1

# paths NUMBER...: to these hosts
paths() {
	# shellcheck disable=SC2046 # words
	ip -n router route replace 198.51.100.1/32 $(for number; do echo "nexthop via 10.9.$number.2"; done)
}

# from_ports COUNT: as many datagrams, each from a port of its own, of three entities in turn
from_ports() {
	# shellcheck disable=SC2016 # for that shell
	ip netns exec blue bash -c 'for ((i = 0; i < $1; i++)); do
		printf "T1:PLT%s:$i" "$(printf "\x$((41 + i % 3))")" >/dev/udp/198.51.100.1/5000
	done' send "$1"
}

# of HOST: packets of each entity, and those of the listener
of() {
	ip netns exec "$1" entitymux stats --prometheus |
		sed -n 's/^entitymux_entity_packets_total{.*entity="\(.\)".*} \([0-9]*\)$/\1 \2/p'
}
# sum: of all hosts, as it is collected
sum() { for host in $hosts; do of "$host"; done | awk '{ of[$1] += $2 } END { print of["A"], of["B"], of["C"] }'; }
total() { of "$1" | awk '{ n += $2 } END { print n + 0 }'; }

cat >fleet.conf <<'END'
listeners = ( { name = "telemetry"; interfaces = [ "eth0" ]; port = 5000; checks = ( { offset = 0; bytes = "text:T1:"; } );
	tag = { offset = 3; length = 4; };
	entities = ( { name = "A"; tag = "text:PLTA"; port = 5001; }, { name = "B"; tag = "text:PLTB"; port = 5002; },
		     { name = "C"; tag = "text:PLTC"; port = 5003; } ); } );
END
# Each host carries the policy in its own way.
# shellcheck disable=SC2086 # words
set -- ${E2E_BACKENDS/xdp-generic/}
for host in $hosts; do
	check "apply on host $host by $1" ip netns exec $host entitymux apply --backend="$1" fleet.conf
	[ $# -eq 1 ] || shift
done
paths 1 2 3
from_ports 300
is 'all hosts together have sorted all' '100 100 100' "$(sum)"
for host in $hosts; do
	check "host $host has a part: $(total $host)" [ "$(total $host)" -gt 30 ]
done
paths 1 3
left=$(total two)
from_ports 300
is 'without one of them, the others have all' '200 200 200' "$(sum)"
is 'and that one nothing more' "$left" "$(total two)"
check 'remove it there' ip netns exec two entitymux remove
check 'it comes back' ip netns exec two entitymux apply fleet.conf
paths 1 2 3
from_ports 300
check "it has a part again: $(total two)" [ "$(total two)" -gt 30 ]
for host in $hosts; do
	check "remove on host $host" ip netns exec $host entitymux remove
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
