#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Filters and tcx programs of others at TC that end the classification: ours comes before them, or
# apply says why not, and status sees those that come later.  forward.c has the datagrams.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp xdp-generic tc nft}"

if [ "$(id -u)" -ne 0 ]; then
	echo 'makes network namespaces: run as root (sudo make check)'
	exit 77
fi
a=em-front-a-$$ b=em-front-b-$$
tmp=$(mktemp -d)
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"

cleanup() {
	trap '' INT TERM HUP
	for ns in $a $b; do
		ip netns exec "$ns" "$ENTITYMUX" remove 2>/dev/null
		ip netns del "$ns" 2>/dev/null
	done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

em() { ip netns exec $b "$ENTITYMUX" "$@"; }
em_without_tcx() { ip netns exec $b tests/e2e/life/life without-tcx "$ENTITYMUX" "$@"; }
sorts() { tests/e2e/interfaces/forward /run/netns/$a /run/netns/$b 192.0.2.1 192.0.2.2; }
tcb() { ip netns exec $b tc "$@"; }

# usage: applies TOOL WORDS
applies() {
	$1 apply --backend="$backend" "$tmp/conf" >"$tmp/out" 2>&1
	status=$?
	cat "$tmp/out"
	[ $status -eq 0 ] && grep -qF -- "$2" "$tmp/out"
}

# usage: put PRIORITY; a filter that ends the classification of every packet
put() { tcb filter add dev in0 ingress protocol all prio "$1" bpf da bytecode '1,6 0 0 0'; }

# usage: sees WORDS
sees() {
	em status >"$tmp/out" 2>&1
	status=$?
	cat "$tmp/out"
	[ $status -eq 4 ] && grep -qF -- "$1" "$tmp/out"
}

nothing_stays() {
	check 'remove' em remove
	is 'nothing of ours at TC' '' "$(tcb filter show dev in0 ingress | grep entitymux)"
	tcb qdisc del dev in0 clsact 2>/dev/null
}

# What is in front is there first, or comes later.
section_filter() {
	tcb qdisc add dev in0 clsact
	check 'priority 10' put 10
	check 'applied' applies em applied
	check 'sorts before it' sorts
	check 'in place' em status
	check 'a lower one, later' put $lowest
	check 'seen' sees "in0: a TC filter at ingress, priority $lowest has come before ours"
	check 'applied again' applies em ': applied'
	check 'sorts before it' sorts
	check 'in place' em status
	check 'which is unchanged' applies em unchanged
	nothing_stays
}

section_tcx() {
	[ $lowest -eq 1 ] || return 0
	check 'one that is there' ip netns exec $b tests/e2e/life/life attach in0 tcx
	check 'applied' applies em ': applied'
	check 'sorts before it' sorts
	check 'in place' em status
	check 'another one, later' ip netns exec $b tests/e2e/life/life attach in0 tcx
	check 'seen' sees 'in0: a tcx program at ingress'
	check 'applied again' applies em ': applied'
	check 'sorts before both' sorts
	check 'in place' em status
	check 'another policy' em apply --backend="$backend" "$tmp/other"
	check 'in place' em status
	check 'and back' applies em ': applied'
	check 'sorts' sorts
	nothing_stays
	recreate
}

# A kernel without tcx has no room before priority 1.
section_no_room() {
	tcb qdisc add dev in0 clsact
	put 1
	check 'refused' exits 3 1 'has priority 1, .*\(tc filter del dev in0 ingress pref 1\)' \
		em_without_tcx apply --backend="$backend" "$tmp/conf"
	backend=auto check 'auto is nft' applies em_without_tcx 'backend nft (eBPF: in0: a TC filter'
	check 'sorts' sorts
	tcb filter del dev in0 ingress pref 1
	put 2
	check 'priority 2: applied' applies em_without_tcx ': applied'
	check 'sorts before it' sorts
	check 'in place' em_without_tcx status
	nothing_stays
}

section_shared() {
	tcb qdisc add dev in0 ingress_block 22 clsact
	check 'refused' exits 3 1 'in0: its TC filters at ingress are a shared block' \
		em apply --backend="$backend" "$tmp/conf"
	backend=auto check 'auto is nft' applies em 'backend nft (eBPF: in0: its TC filters'
	check 'sorts' sorts
	check 'remove' em remove
	tcb qdisc del dev in0 clsact
}

recreate() {
	ip -n "$a" link del out0 2>/dev/null
	ip -n "$a" link add out0 type veth peer name in0 netns $b &&
		ip -n "$a" address add 192.0.2.1/24 dev out0 && ip -n "$a" link set out0 up &&
		ip -n $b address add 192.0.2.2/24 dev in0 && ip -n $b link set in0 up
}

for port in 6001 6002; do
	file=$tmp/conf
	[ $port = 6001 ] || file=$tmp/other
	cat >"$file" <<-END
		listeners = ( { name = "telemetry"; interfaces = [ "in0" ]; port = 5000;
			tag = { offset = 0; length = 4; };
			entities = ( { tag = "0xdeadbeef"; port = $port; } ); } );
	END
done
for ns in $a $b; do
	ip netns add "$ns" || exit 1
	ip -n "$ns" link set lo up
done
recreate || exit 1
# The lowest priority before which ours goes.
lowest=1
if ! ip netns exec $b tests/e2e/life/life attach in0 tcx 2>"$tmp/out"; then
	echo "without tcx, which is Linux 6.6: $(cat "$tmp/out")"
	lowest=2
	# The kernel says so itself; it may be one without seccomp.
	em_without_tcx() { em "$@"; }
fi
recreate || exit 1
for backend in $E2E_BACKENDS; do
	[ "$backend" != nft ] || continue
	for section in filter tcx no_room shared; do
		title="$section, $backend: "
		section_$section
	done
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
