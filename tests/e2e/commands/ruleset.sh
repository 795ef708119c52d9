#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# What the nft backend installs over netlink, what `entitymux ruleset` prints for nft, and what nft
# lists and loads again are one ruleset: as text, and as the expressions in the kernel.
set -u

: "${ENTITYMUX:=./entitymux}" "${srcdir:=.}"
# shellcheck source=tests/lib/nft.sh
. "$(dirname "$0")/../../lib/nft.sh"

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

# Without the register of what a map of unknown tags gets, which from 1.1 on is another one, but only where
# it is the one that was loaded before.
registerless() {
	awk '/ sreg_data / {
			register = $0
			sub(/.* sreg_data /, "", register)
			sub(/ .*/, "", register)
			if (sub("=> reg " register " ", "=> reg N ", before))
				sub(" sreg_data " register " ", " sreg_data N ")
		}
		NR > 1 { print before }
		{ before = $0 }
		END { print before }'
}

list() {
	# The rules of the chains v1-restore… let the checksum of another header follow, which nft has no
	# words for: what it lists or loads is not the same there.
	ip netns exec "$1" nft list ruleset | sed '/^\tchain v1-restore/,/^\t}/{/^\t\t/d}' >"$work/$1.text"
	# Without what numbers the kernel gave to rules and verdict maps, and what it keeps for us alone.  From
	# 1.1 on nft has one expression for a range, and says of a checksum that it is that of UDP.
	ip netns exec "$1" nft --debug=netlink list ruleset |
		sed -n 's/^\(netdev\|inet\) entitymux \([^ @]*\) [0-9 ]*$/rule \1 \2/
			/^  userdata = /d
			s/__map[0-9]*/__map/
			s/ csum_type 0 csum_off 0 csum_flags 0x1 / csum_type 1 csum_off 6 csum_flags 0x0 /
			s/^  \[ range eq reg 1 \(0x[0-9a-f]*\) \(0x[0-9a-f]*\) \]/  [ cmp gte reg 1 \1 ]\n  [ cmp lte reg 1 \2 ]/
			s/^  \[ range eq reg 1 \(0x[0-9a-f]* 0x[0-9a-f]*\) \(0x[0-9a-f]* 0x[0-9a-f]*\) \]/  [ cmp gte reg 1 \1 ]\n  [ cmp lte reg 1 \2 ]/
			/^rule\|^netdev\|^inet\|^ /p' |
		sed '/^rule netdev v1-restore/,/^  \[ immediate reg 0 accept/d' | registerless >"$work/$1.code"
}

# Whether nft reads in its own list which bits of a byte are part of a concatenation.  1.1.3 loads them as
# they are meant, but lists them as other ones.
lists_bits() {
	ip netns exec "$1" nft 'table netdev t {
		map m {
			typeof @th,128,8 . @th,64,16 : udp dport
		}
		chain c {
			udp dport set @th,128,8 & 0x0f . @th,64,16 map @m
		}
	}' && ip netns exec "$1" nft list ruleset >"$work/bits" && ip netns exec "$1" nft flush ruleset &&
		ip netns exec "$1" nft -f "$work/bits" &&
		ip netns exec "$1" nft list ruleset | cmp -s - "$work/bits"
	same_bits=$?
	ip netns exec "$1" nft flush ruleset
	return $same_bits
}

has_bits() { grep -qE '@th,[0-9]+,[0-9]+ & 0x[0-9a-f]+ \. ' "$1"; }

# usage: same NAMESPACE NAMESPACE KINDS WHAT
same() {
	for kind in $3; do
		diff -u "$work/$1.$kind" "$work/$2.$kind" >"$work/diff" || {
			fail "$4 ($kind)"
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
	if has_bits "$work/ruleset" && ! lists_bits "$listed"; then
		same "$installed" "$printed" code 'installed and printed differ'
		delete_namespaces
		return
	fi
	same "$installed" "$printed" 'text code' 'installed and printed differ'

	{ echo 'flush ruleset' && ip netns exec "$installed" nft list ruleset; } >"$work/reload"
	ip netns exec "$listed" nft -f "$work/$installed.text" || fail 'nft does not load its list'
	list "$listed"
	same "$installed" "$listed" 'text code' 'installed and listed differ'
	# What nft has loaded is in nobody's way.
	for namespace in "$installed" "$printed"; do
		ip netns exec "$namespace" nft -f "$work/reload" &&
			ip netns exec "$namespace" "$ENTITYMUX" apply --backend=nft "$1" >"$work/out" 2>&1 &&
			ip netns exec "$namespace" "$ENTITYMUX" status >"$work/out" 2>&1 || {
			fail 'apply after nft -f'
			cat "$work/out"
		}
	done
	delete_namespaces
}

add_namespace "$listed"
if ! knows_rulesets ip netns exec "$listed"; then
	echo 'needs an nft that knows maps that count and joined integers'
	exit 77
fi
ip netns del "$listed"

for config in "$srcdir"/tests/unit/golden/*.conf; do
	name=$(basename "$config" .conf)
	# Rules alone make no copies.
	[ "$name" = copies ] || check "$config"
done
[ "$failures" -eq 0 ] && echo 'ok'
exit $((failures > 0))
