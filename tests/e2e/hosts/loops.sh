#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# A kernel whose verifier takes no loops: its programs sort the same, and what they cannot do is
# refused, or nft's.
#
# Runs as root, in a network and a mount namespace of its own, with a /run of its own.
set -u

: "${WITHOUT_LOOPS:=tests/e2e/hosts/without_loops}" "${srcdir:=.}"

if [ -z "${loops_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root'; exit 77; }
	export loops_inside=yes
	exec timeout 600 unshare --mount --propagation private --net /bin/sh "$0"
fi

mount -t tmpfs loops /run || exit 1
mkdir /run/netns
tmp=/run
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
needs ip awk nft

em() { "$WITHOUT_LOOPS" "$@"; }

# policy CHECKS ENTITIES [MORE]
policy() {
	printf 'listeners = ( { name = "a"; interfaces = [ "in0" ]; port = 5000;
	tag = { offset = 0; length = 4; };
	checks = ( %s );
	entities = ( %s ); %s } );\n' "$1" "$2" "${3-}" >$tmp/loops.conf
}

# checks N: of a byte each
checks() {
	n=$1
	while [ "$n" -gt 0 ]; do
		printf '{ offset = %s; length = 1; min = 1; max = 9; }' "$((n + 3))"
		n=$((n - 1))
		[ "$n" -eq 0 ] || echo ,
	done
}

# The part of the table under these titles.
titles='headers|unknown: drop|invalid: a port|VLAN|addresses|sources|checks of numbers|pieces and masks'
table() {
	awk -v titles="^\\\\[($titles)\\\\]" '/^\[/ { print_it = $0 ~ titles } NR < 26 || print_it' \
		"$srcdir/tests/e2e/packets/cases"
}

# usage: refused PATTERN: with each hook, and auto leaves it to nft
refused() {
	for backend in xdp xdp-generic tc; do
		check "$backend" exits 3 1 "$1" em apply --backend=$backend $tmp/loops.conf
	done
	check auto em apply $tmp/loops.conf
	says 'nft' '^backend: *nft' "$(em status)"
	em remove
}

one='{ tag = "text:some"; port = 6001; }'
ip link add in0 type veth peer name out0
ip link set in0 up
ip link set out0 up

table >$tmp/cases
is 'titles of the table' 8 "$(grep -c '^\[' $tmp/cases)"
check 'table' tests/e2e/packets/e2e -q -c $tmp/cases "$WITHOUT_LOOPS" xdp tc

policy "$(checks 8)" "$(seq -f '{ tag = "0x%08.0f"; port = 6001; },' 1000 | tr -d '\n' |
	sed 's/,$//')"
for backend in xdp xdp-generic tc; do
	check "most: $backend" em apply --backend=$backend $tmp/loops.conf
done
em remove

title='formats: '
printf 'listeners = ( { name = "a"; interfaces = [ "in0" ]; port = 5000; formats = (
	{ name = "a"; payload = { max = 9; }; tag = { offset = 0; length = 4; }; entities = ( %s ); },
	{ name = "b"; tag = { offset = 4; length = 4; }; entities = ( %s ); } ); } );\n' \
	"$one" "$one" >$tmp/loops.conf
refused 'loops.conf:3: .*formats: several of them .*Linux 5.3'
title='ranges: '
policy '' '{ tag = "0x01020000/16"; port = 6001; }'
refused 'loops.conf:4: .*entities: one that covers more than one tag .*Linux 5.3'
title='checks: '
policy '{ offset = 4; length = 1; values = [ 1, 2, 3, 4, 5, 6, 7, 8, 9 ]; }' "$one"
refused 'loops.conf:3: .*checks: more than 8 comparisons .*Linux 5.3'
title='replies: '
policy '' "$one" 'replies = true;'
refused 'loops.conf:4: .*replies: .*Linux 5.3'
title='copies: '
policy '' "$one" 'copies = [ 7001 ];'
for backend in xdp xdp-generic tc; do
	check "$backend" exits 3 1 'loops.conf:4: .*copies: ' em apply --backend=$backend $tmp/loops.conf
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
