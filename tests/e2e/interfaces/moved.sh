#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# An interface that goes to another network namespace takes its XDP program along: status and remove
# say so, with the command that clears it.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp xdp-generic tc nft}"

if [ "$(id -u)" -ne 0 ]; then
	echo 'makes network namespaces: run as root (sudo make check)'
	exit 77
fi
a=em-moved-a-$$ b=em-moved-b-$$
nobody=
tmp=$(mktemp -d)
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"

cleanup() {
	trap '' INT TERM HUP
	[ -z "$nobody" ] || kill "$nobody" 2>/dev/null
	for ns in $a $b; do
		ip netns exec "$ns" "$ENTITYMUX" remove 2>/dev/null
		ip netns del "$ns" 2>/dev/null
	done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

em() { ip netns exec $a "$ENTITYMUX" "$@"; }
remedy() { em status | sed -n "s/^problem: .*$1: .*; clear it with: //p"; }

make_pairs() {
	for number in 0 1; do
		ip -n $a link add in$number type veth peer name out$number
		ip -n $a link set in$number up
		ip -n $a link set out$number up
	done
}

# usage: moves WHERE WORDS-OF-THE-COMMAND; in0 goes, and in1 stays with the same program
moves() {
	make_pairs
	check 'applied' em apply --backend="$backend" "$tmp/conf"
	index=$(ip -n $a -o link show in0 | cut -d: -f1)
	ip -n $a link set in0 netns "$1"
	# Another one has its number now.
	check 'its number' ip -n $a link add other index "$index" type veth peer name another
	check 'status: exit status' exits 4 0 '' em status
	command=$(remedy in0)
	says 'status names the command' "^$2 link set dev in0 $mode off\$" "$command"
	is 'and only for it' '' "$(remedy in1)"
	check 'remove' exits 1 1 "in0: it is in another network namespace .*with: $2" em remove
	check 'remove, again' exits 1 1 "in0: it is in another network namespace" em remove
	check 'cleared' sh -c "$command"
	is 'no program stays' '' "$(sh -c "${command%link *} link show in0" | grep 'prog/xdp')"
	check 'remove' em remove
	is 'nothing stays' 'state:       nothing is applied' "$(em status)"
	ip -n $a link del other
	ip -n $a link del out0
	ip -n $a link del out1
}

# What is taken off with the move, or gone with its interface, is no problem.
leaves_nothing() {
	make_pairs
	check 'applied' em apply --backend="$backend" "$tmp/conf"
	if [ "$1" = moved ]; then
		ip -n $a link set in0 netns $b
	else
		ip -n $a link del in0
	fi
	check "$1: status" exits 4 0 '' em status
	is "$1: no problem" '' "$(remedy in0)"
	check "$1: remove" em remove
	ip -n $a link del out0 2>/dev/null
	ip -n $a link del out1
}

for ns in $a $b; do
	ip netns add "$ns" || exit 1
	ip -n "$ns" link set lo up
done
unshare --net sleep 600 &
nobody=$!
tries=0
while [ "$(readlink /proc/$nobody/ns/net)" = "$(readlink /proc/self/ns/net)" ] && [ $tries -lt 100 ]; do
	sleep 0.05
	tries=$((tries + 1))
done
cat >"$tmp/conf" <<-END
	listeners = ( { name = "telemetry"; interfaces = [ "in0", "in1" ]; port = 5000;
		tag = { offset = 0; length = 4; };
		entities = ( { tag = "0xdeadbeef"; port = 6001; } ); } );
END
for backend in $E2E_BACKENDS; do
	case $backend in
	xdp) mode=xdpdrv ;;
	xdp-generic) mode=xdpgeneric ;;
	*)
		title="$backend: "
		leaves_nothing moved
		continue
		;;
	esac
	title="$backend, named: "
	moves $b "ip -n $b"
	title="$backend, of a process: "
	moves $nobody "nsenter --net=/proc/$nobody/ns/net ip"
	title="$backend: "
	leaves_nothing deleted
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
