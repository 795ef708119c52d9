#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# When the last datagram of an entity came, and which entities have fallen silent, with each backend.  As
# root, in a network namespace and a /run of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp-generic tc nft}"

if [ -z "${seen_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	seen_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX")
	LISTEN=$(realpath tests/e2e/commands/listen)
	export seen_inside LISTEN ENTITYMUX E2E_BACKENDS
	exec timeout 600 unshare --mount --propagation private --net /bin/sh "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
mount -t tmpfs seen /run || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
ip link set lo up

cat >conf <<'END'
listeners = (
	{ name = "telemetry"; interfaces = [ "lo" ]; port = 5000; tag = { offset = 0; length = 1; };
	  entities = ( { tag = "text:A"; port = 6001; }, { tag = "text:B"; port = "pass"; },
		       { tag = "text:C"; port = "drop"; } ); } );
END
sed 's/{ tag = "text:A"/{ tag = "text:D"; port = 6004; }, &/' conf >more.conf

stats() { "$ENTITYMUX" stats "$@" 2>&1; }

# send TEXT...: a datagram each
send() {
	for text; do
		bash -c "printf $text >/dev/udp/127.0.0.1/5000" || fail "send $text"
	done
}

# ages ARGUMENT...: tag and age of each entity; an age of a few seconds is "now"
ages() { stats "$@" | sed -n 's/  no socket$//; s/^  0x.*"\(.\)".* \([^ ]*\)$/\1 \2/p' | sed 's/ [0-5]s$/ now/' | xargs; }

# silent SECONDS [NAME]: tags
silent() { seconds=$1; shift; stats --silent="$seconds" "$@" | sed -n 's/^  0x.*"\(.\)".*/\1/p' | xargs; }

mistakes() {
	for value in 0 -1 1x 4294967296; do
		check "--silent=$value" exits 2 1 'silent: expected a number of seconds' \
			"$ENTITYMUX" stats --silent="$value"
	done
	check 'metrics, too' exits 2 1 'exclude each other' "$ENTITYMUX" stats --silent=1 --prometheus
	check 'reset, too' exits 2 1 'reset goes with' "$ENTITYMUX" stats --silent=1 --reset
}

# What is the same with each backend, provided that somebody looks once before.
same() {
	is 'at first' 'A never B never C never' "$(ages)"
	send A B
	before=$(date +%s)
	is 'seen' 'A now B now C never' "$(ages)"
	says 'as JSON' '"tag": "0x41",.*"last_seen": [0-5]\.[0-9],' "$(stats --json)"
	says 'never, as JSON' '"tag": "0x43",.*"last_seen": null,' "$(stats --json)"
	is 'silent' 'C' "$(silent 6)"
	check 'silent: exit status' exits 4 0 x "$ENTITYMUX" stats --silent=6
	check 'nobody of these' exits 0 0 x "$ENTITYMUX" stats --silent=6 'telemetry/0x4[12]'
	stats --prometheus >metrics
	last=$(sed -n 's/^entitymux_entity_last_seen_timestamp_seconds{.*"0x41"} \([0-9]*\)\.[0-9]\{3\}$/\1/p' metrics)
	check 'timestamp' [ "${last:-0}" -ge $((before - 10)) -a "${last:-0}" -le $((before + 10)) ]
	is 'no timestamp' '' "$(grep 'last_seen.*0x43' metrics)"
	sleep 6.1
	send A
	ages >/dev/null
	is 'fallen silent' 'B C' "$(silent 6)"
	is 'of them only' 'B' "$(silent 6 '*/0x42')"
	is 'last first' 'A B C' "$(ages --sort=last | sed 's/ [a-z0-9]*//g' | tr -d '\n' | sed 's/./& /g; s/ $//')"
	check 'reset' "$ENTITYMUX" stats --reset
	is 'known after a reset' 'B C' "$(silent 6)"
	is 'after a reset' 'C never' "$(ages '*/0x43')"
}

# A server comes and goes.
sockets() {
	is 'no socket: stats' 'A' "$(stats | sed -n 's/^  0x.*"\(.\)".*  no socket$/\1/p')"
	says 'no socket: JSON' '"tag": "0x41",.*"listening": false \}' "$(stats --json)"
	says 'no port: JSON' '"tag": "0x42",.*"listening": null \}' "$(stats --json)"
	says 'no socket: status' '^no socket: *6001$' "$("$ENTITYMUX" status)"
	says 'no socket: status as JSON' '"ports_without_socket": \[ 6001 \]' "$("$ENTITYMUX" status --json)"
	check 'a hint' "$ENTITYMUX" status
	for address in 127.0.0.1 ::1; do
		"$LISTEN" $address 6001 &
		says "$address: listens" '^ready$' "$(timeout 5 sh -c 'until grep -qi ":1771 " /proc/net/udp /proc/net/udp6; do
			sleep 0.1; done; echo ready')"
		is "$address: stats" '' "$(stats | grep 'no socket')"
		says "$address: JSON" '"tag": "0x41",.*"listening": true \}' "$(stats --json)"
		is "$address: status" '' "$("$ENTITYMUX" status | grep 'no socket')"
		is "$address: probe" '' "$("$ENTITYMUX" probe conf | grep 'no socket')"
		kill $! && wait $! 2>/dev/null
	done
	says 'no socket: probe' '^no socket: *6001$' "$("$ENTITYMUX" probe conf)"
}

# conf_of FILE BACKEND: apply it
conf_of() { check "apply $1 by $2" "$ENTITYMUX" apply --backend="$2" "$1"; }

# An apply and a change of the backend keep what is known; b is seen for more than 6 seconds, a less.
kept() {
	send A
	ages >/dev/null
	conf_of more.conf "$1"
	is "kept by $1" 'D B C' "$(silent 6)"
	is "never, kept by $1" 'D never C never' "$(ages '*/0x4[34]')"
}

# The first look at a counter cannot tell when it has moved.
blind() {
	send A
	is 'not known' 'A ? B never C never' "$(ages)"
	says 'not known, as JSON' '"tag": "0x41",.*"last_seen": null,' "$(stats --json)"
	is 'not known to be silent' 'B C' "$(silent 6)"
	conf_of more.conf nft
	is 'not known to be silent, after an apply' 'D B C' "$(silent 6)"
	sleep 6.1
	is 'known by now' 'D A B C' "$(silent 6)"
	is 'not when' 'A ?' "$(ages '*/0x41')"
	check 'remove' "$ENTITYMUX" remove
	conf_of conf nft
}

mistakes
for backend in $E2E_BACKENDS; do
	[ "$backend" != xdp ] || continue # loopback has none
	title="$backend: "
	conf_of conf "$backend"
	[ "$backend" != nft ] || blind
	sockets
	same
	kept "$backend"
	for other in $E2E_BACKENDS; do
		[ "$other" = xdp ] || [ "$other" = "$backend" ] || kept "$other"
	done
	check 'reset' "$ENTITYMUX" stats --reset
	says 'known after applies and a reset' '^B (now|[0-9]+s)$' "$(ages '*/0x42')"
	check 'remove' "$ENTITYMUX" remove
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
