#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# A newcomer's story: a source that nobody knows, what it sends, entities for it; then one of them falls silent,
# a server dies, a datagram is malformed, and one command finds each.  The same is printed with each backend.
# As root, in network namespaces and a /run of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp tc nft}"

if [ -z "${story_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	here=$(realpath "$(dirname "$0")")
	story_inside=yes HERE=$here ENTITYMUX=$(realpath "$ENTITYMUX") LISTEN=$(realpath tests/e2e/commands/listen)
	export story_inside HERE ENTITYMUX LISTEN E2E_BACKENDS
	exec timeout -s KILL 600 unshare --mount --propagation private --net --pid --fork --kill-child bash "$here/story.sh"
fi
# shellcheck source=tests/lib/checks.sh
. "$HERE/../../lib/checks.sh"
mount -t tmpfs story /run || exit 1
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

ip netns add source
ip link add eth0 address 02:00:00:00:00:01 type veth peer name eth0 netns source
ip address add 192.0.2.1/24 dev eth0
ip -n source address add 192.0.2.9/24 dev eth0
ip link set eth0 up
ip -n source link set eth0 up
ip -n source neigh replace 192.0.2.1 lladdr 02:00:00:00:00:01 dev eth0
timeout 10 bash -c 'until ip link show eth0 | grep -q LOWER_UP; do sleep 0.1; done'

# send TEXT...: a datagram each
send() {
	for text; do
		ip netns exec source bash -c "exec 3<>/dev/udp/192.0.2.1/5000; printf '$text' >&3"
	done
}

# types COMMAND...: what an administrator types and sees, without what differs by time and backend
types() {
	echo "# $*"
	# The folder first: its random name may look like a time or a backend.
	"$@" 2>&1 | sed -E "s|$tmp/||; s/  [0-9]{2}s/   Ns/; s/[0-9]+s( ago)?/Ns\1/
		s/(192\.0\.2\.9):[0-9]+/\1/
		s/(backend|hook): *[a-z-]+.*/\1: .../; s/(xdp|tc|nft)(-[a-z]+)?/HOOK/g; s/[0-9T:-]{19}Z/TIME/"
	status=${PIPESTATUS[0]}
	[ "$status" -eq 0 ] || echo "exit status $status"
}
entitymux() { "$ENTITYMUX" "$@"; }

story() {
	cat >entitymux.conf <<-END
	backend = "$1";
	listeners = ( { name = "plants"; interfaces = [ "eth0" ]; port = 5000;
		payload = { min = 6; }; checks = ( { offset = 0; bytes = "0x4d58"; } );
		tag = { offset = 2; length = 4; };
		entities = (
		); } );
	END
	types entitymux apply entitymux.conf
	send 'MXPLTA1' 'MXPLTB1' 'MXPLTA2'
	types entitymux unknown
	types entitymux unknown --config
	entitymux unknown --config >pasted
	sed -i '/entities = ($/r pasted' entitymux.conf
	"$LISTEN" 192.0.2.1 5001 &
	server=$!
	"$LISTEN" 192.0.2.1 5002 &
	other=$!
	timeout 5 bash -c 'until [ "$(grep -ciE ":138[9A] " /proc/net/udp)" -eq 2 ]; do sleep 0.1; done'
	types entitymux apply entitymux.conf
	entitymux stats >/dev/null # with nft, what comes behind it has been seen
	send 'MXPLTA3' 'MXPLTB2' 'MXPLTB3'
	types entitymux stats
	echo '(one falls silent)'
	sleep 6.1
	send 'MXPLTB4'
	types entitymux stats --silent=6
	echo '(a server dies)'
	kill $server
	wait $server 2>/dev/null
	types entitymux stats 'plants/PLTA'
	echo '(a datagram is malformed)'
	send 'mxPLTA4'
	types entitymux stats --top=1
	types entitymux explain --payload=6d78504c544134 entitymux.conf
	kill $other
	wait $other 2>/dev/null
	types entitymux status
	types entitymux remove
}

for backend in $E2E_BACKENDS; do
	[ "$backend" != xdp-generic ] || continue
	story "$backend" >"$backend"
	check "$backend: as it is told" diff "$HERE/story.txt" "$backend"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
