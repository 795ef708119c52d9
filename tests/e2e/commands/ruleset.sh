#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# What the nft backend installs over netlink, what `entitymux ruleset` prints for nft, and what nft
# lists and loads again are one ruleset: as text, and as the expressions in the kernel.
set -u

: "${ENTITYMUX:=./entitymux}" "${srcdir:=.}"

if [ "$(id -u)" -ne 0 ] || ! command -v nft >/dev/null; then
	echo 'needs root, for network namespaces, and nft'
	exit 77
fi
# nft writes a protocol that it finds no name for in a way that it cannot read.
[ -e /etc/protocols ] || { echo 'needs /etc/protocols (Debian: netbase)'; exit 77; }

work=$(mktemp -d)
installed=emrs$$a
printed=emrs$$b
listed=emrs$$c
failures=0

add_namespace() {
	ip netns add "$1"
	for interface in va vb v@b+; do
		ip -n "$1" link add "$interface" type veth || exit 1
		ip -n "$1" link set "$interface" up
	done
}

delete_namespaces() {
	ip netns exec "$installed" "$ENTITYMUX" remove
	for namespace in "$installed" "$printed" "$listed"; do
		ip netns del "$namespace"
	done
}

trap 'delete_namespaces >/dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT PIPE TERM

fail() {
	echo "not ok: $name: $1"
	failures=$((failures + 1))
}

list() {
	ip netns exec "$1" nft list ruleset >"$work/$1.text"
	# Without what numbers the kernel gave to rules and verdict maps, and what it keeps for us alone.
	ip netns exec "$1" nft --debug=netlink list ruleset |
		sed -n 's/^\(netdev\|inet\) entitymux \([^ @]*\) [0-9 ]*$/rule \1 \2/
			/^  userdata = /d
			s/__map[0-9]*/__map/
			/^rule\|^netdev\|^inet\|^ /p' >"$work/$1.code"
}

same() {
	for kind in text code; do
		diff -u "$work/$1.$kind" "$work/$2.$kind" >"$work/diff" || {
			fail "$3 ($kind)"
			head -n 30 "$work/diff"
		}
	done
}

check() {
	for namespace in "$installed" "$printed" "$listed"; do
		add_namespace "$namespace"
	done
	ip netns exec "$installed" "$ENTITYMUX" apply --backend=nft "$1" >"$work/out" 2>&1 || {
		fail 'apply'
		cat "$work/out"
	}
	list "$installed"
	for kind in text code; do
		[ -s "$work/$installed.$kind" ] || fail 'nothing installed'
	done

	"$ENTITYMUX" ruleset "$1" >"$work/ruleset" || fail 'ruleset'
	# Twice: the second time it replaces the first.
	for _ in 1 2; do
		ip netns exec "$printed" nft -f "$work/ruleset" || fail 'nft does not load it'
	done
	list "$printed"
	same "$installed" "$printed" 'installed and printed differ'

	ip netns exec "$listed" nft -f "$work/$installed.text" || fail 'nft does not load its list'
	list "$listed"
	same "$installed" "$listed" 'installed and listed differ'
	delete_namespaces
}

for config in "$srcdir"/tests/unit/golden/*.conf; do
	name=$(basename "$config" .conf)
	check "$config"
done
[ "$failures" -eq 0 ] && echo 'ok'
exit $((failures > 0))
