#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# `unknown`: the tags that no entity has, and from there to entities, with each backend; and a flood of
# new tags.  As root, in a network namespace and a /run of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp-generic tc nft}"

if [ -z "${unknown_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	unknown_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX")
	FLOOD=$(realpath tests/e2e/commands/flood) LISTEN=$(realpath tests/e2e/commands/listen)
	export unknown_inside FLOOD LISTEN ENTITYMUX E2E_BACKENDS
	exec timeout 600 unshare --mount --propagation private --net /bin/sh "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
# shellcheck source=tests/lib/nft.sh
. "$(dirname "$0")/../../lib/nft.sh"
mount -t tmpfs unknown /run || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
ip link set lo up

# A newcomer's: 5001 is another listener's port, 5002 an entity's, and 5003 has a socket.
cat >conf <<'END'
listeners = (
	{ name = "telemetry"; interfaces = [ "lo" ]; port = 5000; unknown = "drop";
	  tag = { offset = 0; length = 4; };
	  entities = (
	  ); },
	{ name = "flows"; interfaces = [ "lo" ]; port = 5001;
	  formats = ( { name = "text"; checks = ( { offset = 0; bytes = "text:T"; } );
			tag = ( { offset = 3; length = 1; }, { offset = 1; length = 2; mask = "0xff0f"; } );
			entities = ( { name = "Caa"; tag = "0x436103"; port = 5002; } ); },
		      { name = "rest"; tag = { field = "ip6 saddr"; };
			entities = ( { tag = "::2"; port = "pass"; } ); } ); },
	{ name = "long"; interfaces = [ "lo" ]; port = 5010; tag = { offset = 0; length = 20; }; entities = ( ); } );
END

unknown() { "$ENTITYMUX" unknown "$@" 2>&1; }

# send PORT TEXT...: a datagram each, by IPv4; likewise by IPv6
send() {
	port=$1
	shift
	for text; do
		bash -c "printf %s '$text' >/dev/udp/${address:-127.0.0.1}/$port" || fail "send $text"
	done
}
send6() { address=::1 send "$@"; }

# tags ARGUMENT...: tag and packets of each, of the last minutes
tags() { unknown "$@" | sed -n 's/^  \(0x[0-9a-f]*\) .* \([0-9][0-9]*\)  *[0-9]*s  [^ ]*$/\1 \2/p' | xargs; }

sender() { unknown "$@" | sed -n '/^  0x/s/.* \([^ ]*\)$/\1/p'; }

# unknown_of LISTENER: how many datagrams `stats` says were unknown
unknown_of() { "$ENTITYMUX" stats "$1" | sed -n 's/.* unknown \([0-9]*\),.*/\1/p'; }

mistakes() {
	check 'nothing is applied' exits 1 1 'nothing is applied' "$ENTITYMUX" unknown
	check '--json and --config' exits 2 1 'exclude each other' "$ENTITYMUX" unknown --json --config
	check 'an entity' exits 2 1 'a/b: expected LISTENER or LISTENER:FORMAT' "$ENTITYMUX" unknown a/b
	check 'apply' "$ENTITYMUX" apply --backend=nft conf
	check 'a name' exits 1 1 'no listener is named none' "$ENTITYMUX" unknown none
	check 'a format' exits 1 1 'no format is named telemetry:none' "$ENTITYMUX" unknown telemetry:none
	is 'full' 'entitymux: standard output: No space left on device' "$("$ENTITYMUX" unknown 2>&1 >/dev/full)"
	check 'remove' "$ENTITYMUX" remove
}

# What is recorded, and what is not.
same() {
	is 'at first' 'listener telemetry, port 5000: nothing unknown' "$(unknown telemetry)"
	send 5000 aaaa bbbb bbbb 'c"cc' abc
	send6 5000 bbbb
	is 'tags' '0x62626262 3 0x61616161 1 0x63226363 1' "$(tags telemetry)"
	send 5001 TaSA Ta3A TaCC xyz
	send6 5001 xyz
	is 'formats' '0x416103 2 0x00000000000000000000000000000001 1' "$(tags flows)"
	is 'one format' '0x00000000000000000000000000000001 1' "$(tags flows:rest)"
	is 'counters' '5 3' "$(unknown_of telemetry) $(unknown_of flows)"
	send 5010 aaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaaaaaab
	send6 5010 aaaaaaaaaaaaaaaaaaaa
	is 'a long tag' '0x6161616161616161616161616161616161616161 3' "$(tags long)"
	says 'JSON' '"name": "telemetry", "unknown": \[$' "$(unknown --json)"
	says 'JSON: a tag' '\{ "tag": "0x62626262", "format": null, "packets": 3, "last_seen": [0-9]+\.[0-9], "sender": "127.0.0.1(:[0-9]+)?" \},$' \
		"$(unknown --json)"
	says 'JSON: a format' '\{ "tag": "0x416103", "format": "text",' "$(unknown --json 'fl*')"
	if [ "$1" = nft ]; then
		is 'senders' '127.0.0.1 127.0.0.1 127.0.0.1' "$(sender telemetry | xargs)"
		is 'senders, IPv6' '::1' "$(sender flows:rest)"
		is 'no sender of a long tag' '?' "$(sender long)"
		if knows_rulesets env; then
			{ echo flush ruleset; nft list ruleset; } >listed
			check 'what nft lists can be loaded' nft -c -f listed
		fi
	else
		says 'senders' '^127\.0\.0\.1:[0-9]+$' "$(sender telemetry | head -n 1)"
		says 'senders, IPv6' '^\[::1\]:[0-9]+$' "$(sender flows:rest)"
	fi
	check 'it is all in place' "$ENTITYMUX" status
}

# From unknown to sorted.
paste() {
	"$LISTEN" 127.0.0.1 5003 &
	listener=$!
	timeout 5 sh -c 'until grep -qi ":138B " /proc/net/udp; do sleep 0.1; done'
	unknown --config telemetry >pasted
	kill $listener && wait $listener 2>/dev/null
	is 'as configuration' '# listener telemetry
{ name = "bbbb"; tag = "0x62626262"; port = 5004; },
{ name = "aaaa"; tag = "0x61616161"; port = 5005; },
{ tag = "0x63226363"; port = 5006; },' "$(sed 's/, # packets [0-9]*, last [0-9]*s ago.*/,/' pasted)"
	says 'with formats' '^# listener flows, format text
\{ tag = "0x416103"; port = 50' "$(unknown --config flows)"
	is 'full' 'entitymux: standard output: No space left on device' \
		"$("$ENTITYMUX" unknown --config 2>&1 >/dev/full)"
	sed '/^	  entities = ($/r pasted' conf >more.conf
	check 'apply what was pasted' "$ENTITYMUX" apply --backend="$1" more.conf
	is 'the records begin anew' '' "$(tags)"
	send 5000 aaaa bbbb dddd
	is 'sorted' 'aaaa 1 bbbb 1' "$("$ENTITYMUX" stats telemetry |
		sed -n 's/^  \([a-z]*\) .* 500[0-9]  *\([0-9]*\) .*/\1 \2/p' | sort | xargs)"
	is 'still unknown' '0x64646464 1' "$(tags telemetry)"
	check 'apply again' "$ENTITYMUX" apply --backend="$1" more.conf
	is 'nothing has changed' '0x64646464 1' "$(tags telemetry)"
}

# recorded: how many tags
recorded() { unknown telemetry | grep -c '^  0x'; }

# New tags without end: they are counted, and those recorded have a limit.  flood BACKEND
flood() {
	before=$(unknown_of telemetry)
	start=$(date +%s%N)
	check 'flood' "$FLOOD" 5000 1000
	# bpf/abi.h: 128 tags on each CPU, here one or two, in each window of 134 ms; the map of nft takes all.
	most=$((128 * 2 * (($(date +%s%N) - start) / 134000000 + 2)))
	[ "$1" != nft ] || most=1001
	n=$(recorded)
	check "not many at once: $n, at most $most" [ "$n" -gt 100 -a "$n" -le "$most" ]
	check 'a longer flood' "$FLOOD" 5000 200000
	is 'all are counted' $((before + 201000)) "$(unknown_of telemetry)"
	n=$(recorded)
	check "not more than there is room for: $n" [ "$n" -gt 100 -a "$n" -le 1024 ]
	[ "$1" != nft ] || is 'elements in the kernel' 1024 "$(nft list ruleset | grep -o ' expires ' | wc -l)"
	sleep 0.3 # for the next window of bpf/abi.h
	send 5000 dddd dddd
	says 'others go on' '^0x64646464 [23]( |$)' "$(tags telemetry | cut -c -30)"
	check 'it is still all in place' "$ENTITYMUX" status
}

mistakes
for backend in $E2E_BACKENDS; do
	[ "$backend" != xdp ] || continue # loopback has none
	title="$backend: "
	check 'apply' "$ENTITYMUX" apply --backend="$backend" conf
	same "$backend"
	paste "$backend"
	flood "$backend"
	check 'remove' "$ENTITYMUX" remove
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
