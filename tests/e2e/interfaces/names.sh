#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Interfaces that the configuration names by an alternative name.  forward.c has the datagrams.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp xdp-generic tc nft}"

if [ "$(id -u)" -ne 0 ]; then
	echo 'makes network namespaces: run as root (sudo make check)'
	exit 77
fi
a=em-names-a-$$ b=em-names-b-$$
long='a-name-that-is-much-longer-than-the-own-name-of-an-interface-can-be'
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
sorts() { tests/e2e/interfaces/forward /run/netns/$a /run/netns/$b 192.0.2.1 192.0.2.2; }

# usage: policy INTERFACES [ANOTHER-LISTENER]
policy() {
	cat >"$tmp/conf" <<-END
		listeners = ( { name = "telemetry"; interfaces = [ $1 ]; port = 5000;
			tag = { offset = 0; length = 4; };
			entities = ( { tag = "0xdeadbeef"; port = 6001; } ); } ${2-} );
	END
}

for ns in $a $b; do
	ip netns add "$ns" || exit 1
	ip -n "$ns" link set lo up
done
ip -n $a link add out0 type veth peer name in0 netns $b
ip -n $a address add 192.0.2.1/24 dev out0
ip -n $a link set out0 up
ip -n $b address add 192.0.2.2/24 dev in0
ip -n $b link set in0 up
if ! ip -n $b link property add dev in0 altname uplink0 altname $long; then
	echo 'this kernel, or ip(8), has no alternative names'
	exit 77
fi

# call OLD NEW
call() {
	ip -n $b link set "$1" down
	ip -n $b link set "$1" name "$2"
	ip -n $b link set "$2" up
}

for name in uplink0 $long; do
	for backend in $E2E_BACKENDS; do
		title="$name, $backend: "
		policy "\"$name\""
		check 'applied' em apply --backend="$backend" "$tmp/conf"
		says 'both are named' "^  in0 \($name\): " "$(em apply --backend="$backend" "$tmp/conf")"
		check 'sorts' sorts
		check 'in place' em status
		says 'both are named' "^interface: +in0 \($name\) " "$(em status)"
		policy '"in0"'
		says 'is what its own name is' ' unchanged: ' "$(em apply --backend="$backend" "$tmp/conf")"
		policy "\"$name\""
		check 'apply' em apply --backend="$backend" "$tmp/conf"
		check 'an edit' em entity add telemetry 0x00000077 6009
		says 'keeps the name' "^interface: +in0 \($name\) " "$(em status)"
		check 'a rollback' em rollback
		says 'keeps it as well' "^interface: +in0 \($name\) " "$(em status)"
		ip -n $b link property del dev in0 altname "$name"
		check 'without the name' em status
		ip -n $b link property add dev lo altname "$name"
		check 'of another one' exits 4 0 '' em status
		says 'is said' "problem: *in0: its name in .*; clear it with: entitymux apply --backend=$backend $tmp/conf\$" \
			"$(em status)"
		ip -n $b link property del dev lo altname "$name"
		ip -n $b link property add dev in0 altname "$name"
		check 'and back' em status
		call in0 wan0
		check 'another name of its own' em heal --once
		says 'is found' "^interface: +wan0 \($name\) " "$(em status)"
		check 'sorts still' sorts
		call wan0 in0
		check 'an edit under the name before' em entity add telemetry 0x00000078 6009
		says 'finds it' "^interface: +in0 \($name\) " "$(em status)"
		check 'remove' em remove
	done
done
title=
for command in apply check probe ruleset; do
	policy "\"in0\",
		\"uplink0\""
	check "$command: named twice" exits 2 1 'conf:2: .*"uplink0" is another name of in0, which' \
		em $command "$tmp/conf"
	policy "\"$long\",
		\"uplink0\""
	check "$command: by two such names" exits 2 1 'conf:2: .*"uplink0" is another name of in0' \
		em $command "$tmp/conf"
	policy '"uplink0"' ', { name = "other"; interfaces = [ "in0" ]; port = 5000;
		tag = { offset = 0; length = 1; }; entities = ( ); }'
	check "$command: claimed twice" exits 2 1 '"other": port 5000 on in0 is claimed by' \
		em $command "$tmp/conf"
done
policy "\"lo\",
	\"nowhere-$long\""
check 'apply: nowhere' exits 1 1 'conf:2: interface nowhere-.*: No such device' em apply "$tmp/conf"
check 'check: nowhere yet' em check "$tmp/conf"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
