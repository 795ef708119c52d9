#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# `heal`: what takes the policy away, and how it comes back.  As root, in a network namespace and a /run of
# its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp tc nft}"

if [ -z "${heal_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	heal_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") JSON=$(realpath tests/e2e/commands/json)
	export heal_inside ENTITYMUX JSON E2E_BACKENDS
	# That of util-linux 2.36 leaves SIGTERM ignored.
	exec timeout -s KILL 600 unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc \
		env --default-signal=TERM bash "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
mount -t tmpfs heal /run || exit 1
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

conf() {
	cat <<-END
	listeners = ( { name = "a"; interfaces = [ "veth0" ]; port = 5000; tag = { offset = 0; length = 1; };
		entities = ( { tag = "0x01"; port = $1; } ); } );
	END
}
conf 6001 >one.conf
conf 6002 >two.conf

em() { "$ENTITYMUX" "$@"; }
pair() {
	ip link add veth0 address 02:00:00:00:00:01 type veth peer name veth1
	ip address add 192.0.2.1/24 dev veth0
	ip netns exec peer true 2>/dev/null || ip netns add peer
	ip link set veth1 netns peer
	ip -n peer address add 192.0.2.2/24 dev veth1
	ip -n peer link set veth1 up
	ip link set veth0 up
	ip -n peer neigh replace 192.0.2.1 lladdr 02:00:00:00:00:01 dev veth1
}
send() { ip netns exec peer bash -c 'printf "\001" >/dev/udp/192.0.2.1/5000'; }
sorted() { em stats --json | "$JSON" | grep -o '"rewritten":[0-9]*' | cut -d: -f2; }

lines() { grep -c "$1" told; }
told() { [ "$(lines "$1")" -ge "$2" ]; }

# takes_away BACKEND: the whole policy, as another program would
takes_away() {
	case $1 in
	nft) nft flush ruleset ;;
	tc) tc qdisc del dev veth0 clsact ;;
	xdp) ip link set dev veth0 xdp off ;;
	esac
}

section() {
	title="$1: "
	pair
	em apply --backend="$1" one.conf >/dev/null
	em apply --backend="$1" two.conf >/dev/null
	send
	"$ENTITYMUX" heal >told 2>&1 &
	healer=$!
	within 20 'whole' em status
	# On a host that changes something all the time.
	seq 1000000 | sed 's/^/link set veth0 alias /' | ip -batch - &
	changes=$!
	sleep 0.2
	takes_away "$1"
	within 30 'mended' told ': healed$' 1
	check 'while other things change' kill -0 $changes
	kill $changes
	wait $changes 2>/dev/null
	check 'whole again' em status
	send
	case $1 in
	xdp | tc) within 20 'sorted, and counted on' eval '[ "$(sorted)" -ge 1 ]' ;;
	nft) within 20 'sorted, and counted' eval '[ "$(sorted)" -ge 1 ]' ;;
	esac
	ip link del veth0
	within 20 'an interface that is gone' told 'cannot be healed: .*veth0' 1
	sleep 2.5
	is 'is told once' 1 "$(lines 'cannot be healed')"
	pair
	within 40 'and sorted when it comes' told ': healed$' 2
	check 'whole once more' em status
	# Again and again: in 4 seconds at most so often as the pauses let it.
	before=$(lines ': healed$')
	for _ in 1 2 3 4 5 6 7 8; do
		takes_away "$1" 2>/dev/null
		sleep 0.5
	done
	check 'again and again' [ $(($(lines ': healed$') - before)) -le 3 ]
	kill $healer
	wait $healer 2>/dev/null
	check 'by hand' em apply --backend="$1" two.conf
	"$ENTITYMUX" heal --json >told 2>&1 &
	healer=$!
	takes_away "$1"
	line='^\{ "schema": 1, "time": "[^"]*Z", "healed": true, "text": null \}$'
	within 20 'as JSON' grep -qE "$line" told
	is 'and nothing else' '' "$(grep -vE "$line" told)"
	check 'a rollback goes back behind it' em rollback
	says 'to the earlier policy' "^config: *$tmp/one.conf" "$(em status)"
	check 'wait for confirmation' em apply --backend="$1" --confirm=600 two.conf
	takes_away "$1"
	sleep 1
	check 'which is left alone' exits 4 0 '' em status
	check 'confirmed' em confirm
	check 'remove' em remove
	sleep 0.5
	says 'and stays so' 'nothing is applied' "$(em status)"
	kill $healer
	wait $healer 2>/dev/null
	ip link del veth0
}

# Without staying; the policy in force is an edited one, which no configuration has.
once() {
	title="$1 once: "
	pair
	is 'nothing' 'nothing is applied' "$(em heal --once)"
	em apply --backend="$1" one.conf >/dev/null
	is 'whole' 'whole' "$(em heal --once)"
	check 'an edit' em entity add a 0x02 6002
	takes_away "$1"
	says 'the command' '(clear|mend) it with: entitymux heal --once$' "$(em status)"
	is 'healed' 'healed' "$(em heal --once)"
	check 'whole again' em status
	is 'with the edit' 2 "$(em showconf | grep -c 'tag = "')"
	is 'as JSON' '{"schema":1,"applied":true,"whole":true,"healed":false}' "$(em heal --once --json | "$JSON")"
	check 'wait for confirmation' em apply --backend="$1" --confirm=600 two.conf
	takes_away "$1"
	check 'is left alone' exits 4 0 '' em heal --once
	check 'confirmed' em confirm
	ip link del veth0
	check 'cannot be' exits 1 1 'veth0' em heal --once
	em remove
}

for backend in $E2E_BACKENDS; do
	case $backend in
	xdp | tc | nft)
		section "$backend"
		once "$backend"
		;;
	esac
done
title=
ip netns del peer

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
