#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# `missing = "wait"`: interfaces that are missing or down at an apply, and how they come to be sorted.  As
# root, in a network namespace and a /run of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp tc nft}"

if [ -z "${missing_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	missing_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") JSON=$(realpath tests/e2e/commands/json)
	export missing_inside ENTITYMUX JSON E2E_BACKENDS
	# That of util-linux 2.36 leaves SIGTERM ignored.
	exec timeout -s KILL 600 unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc \
		env --default-signal=TERM bash "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
mount -t tmpfs missing /run || exit 1
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

conf() {
	cat <<-END
	listeners = ( { name = "a"; interfaces = [ "veth0", "veth2" ]; port = 5000; $1 tag = { offset = 0; length = 1; };
		entities = ( { tag = "0x01"; port = 6001; } ); },
		{ name = "b"; interfaces = [ "veth2" ]; port = 5001; missing = "wait"; replies = true;
		  tag = { offset = 0; length = 1; }; entities = (); } );
	END
}
conf 'missing = "wait";' >wait.conf
conf '' >error.conf
sed '/^listeners/s/"veth2"/"an-alternative-name-of-veth2"/' wait.conf >alias.conf

em() { "$ENTITYMUX" "$@"; }
ip netns add peer
# pair N: veth0 or veth2, with its other end in a namespace of its own
pair() {
	ip link add "veth$1" address "02:00:00:00:00:0$1" type veth peer name "other$1"
	ip address add "192.0.$1.1/24" dev "veth$1"
	ip link set "other$1" netns peer
	ip -n peer address add "192.0.$1.2/24" dev "other$1"
	ip -n peer link set "other$1" up
	ip link set "veth$1" up
	ip -n peer neigh replace "192.0.$1.1" lladdr "02:00:00:00:00:0$1" dev "other$1"
}
send() { ip netns exec peer bash -c "printf '\001' >/dev/udp/192.0.$1.1/5000"; }
sorted() { em stats --json a | "$JSON" | grep -o '"rewritten":[0-9]*' | cut -d: -f2; }
is_sorted() { within 3 "$1" eval "[ \"\$(sorted)\" = $2 ]"; }
waiting() { em status --json | "$JSON" | grep -o '"waiting":\[[^]]*\]'; }

# After it has mended something, it pauses, for longer each time.
heal() {
	stop
	"$ENTITYMUX" heal >told 2>&1 &
	healer=$!
}
stop() {
	[ -z "$healer" ] || kill "$healer"
	wait 2>/dev/null
	healer=
}
healer=

section() {
	title="$1: "
	pair 0
	check 'an error' exits 1 1 'error.conf:1: interface veth2: No such device' em apply --backend="$1" error.conf
	says 'applied with the other' '^  veth2: waits until it is there and up$' "$(em apply --backend="$1" wait.conf)"
	send 0
	is_sorted 'the other is sorted' 1
	check 'status is 0' em status
	says 'and names it' '^waiting: *veth2, until it is there and up$' "$(em status)"
	is 'JSON' '"waiting":["veth2"]' "$(waiting)"
	says 'unchanged' ': unchanged: ' "$(em apply --backend="$1" wait.conf)"
	check 'an edit' em entity add a 0x02 6002
	pair 2
	check 'it has come' exits 4 0 '' em status
	says 'is said' 'problem: *veth2: it has come, and is not sorted yet; clear it with: entitymux heal --once' \
		"$(em status)"
	heal
	within 5 'is mended' em status
	send 2
	is_sorted 'and sorted' 2
	is 'waits no more' '"waiting":[]' "$(waiting)"
	heal
	ip link del veth2
	within 5 'it goes' eval '[ "$(waiting)" = "\"waiting\":[\"veth2\"]" ]'
	check 'and is waited for' em status
	send 0
	is_sorted 'the other is sorted on' 3
	heal
	ip link set veth0 down
	within 5 'none is left' eval '[ "$(waiting)" = "\"waiting\":[\"veth0\",\"veth2\"]" ]'
	check 'status is 0 still' em status
	is 'the counters are kept' 3 "$(sorted)"
	is 'the kernel has nothing' '' "$(nft list tables 2>&1 | grep entitymux)$(ip link | grep -o xdp)"
	heal
	ip link set veth0 up
	ip -n peer neigh replace 192.0.0.1 lladdr 02:00:00:00:00:00 dev other0
	within 20 'one comes back' eval '[ "$(waiting)" = "\"waiting\":[\"veth2\"]" ] && em status'
	send 0
	is_sorted 'is sorted' 4
	stop
	is 'with the edit' 1 "$(em showconf | grep -c 0x02)"
	pair 2
	check 'by hand' em apply --backend="$1" wait.conf
	send 2
	is_sorted 'it is sorted' 5
	ip link del veth2
	check 'gone without heal' exits 4 0 '' em status
	check 'an apply' em apply --backend="$1" wait.conf
	check 'is whole' em status
	check 'by another name' em apply --backend="$1" alias.conf
	is 'waits' '"waiting":["an-alternative-name-of-veth2","veth2"]' "$(waiting)"
	check 'remove' em remove
	is 'takes all' '' "$(nft list tables 2>&1 | grep entitymux)$(ip link | grep -o xdp)"
	ip link del veth0
	check 'none at all' em apply --backend="$1" wait.conf
	says 'which is not in place' '^state: *waits, and nothing is sorted yet$' "$(em status)"
	says 'nor for a monitor' '^entitymux_interface_waiting\{interface="veth0"\} 1$' "$(em stats --prometheus)"
	for option in '' --json --config; do
		# shellcheck disable=SC2086 # none, or one
		check "and has no unknown tags $option" em unknown $option
	done
	is 'none of them' '' "$(em unknown --config)"
	check 'nothing to copy' exits 1 1 'sample: all interfaces are waited for, there is nothing to copy' \
		em sample -w capture
	check 'and no file' [ ! -e capture ]
	says 'says so' 'no interface is there yet' "$(em status)"
	says 'unchanged then' ': unchanged: ' "$(em apply --backend="$1" wait.conf)"
	is 'diff' '' "$(em diff wait.conf | grep -v backend:)"
	check 'stats' em stats
	check 'and reset' em stats --reset
	pair 0
	check 'then one' em apply --backend="$1" wait.conf
	send 0
	is_sorted 'sorts' 1
	check 'another policy' em apply --backend="$1" alias.conf
	ip link del veth0
	check 'undone while it is gone' em rollback
	check 'in place' em status
	check 'removed' em remove
	says 'nothing' 'nothing is applied' "$(em status)"
}

for backend in $E2E_BACKENDS; do
	case $backend in
	xdp | tc | nft) section "$backend" ;;
	esac
done
title=
ip netns del peer

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
