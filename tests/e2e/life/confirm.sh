#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# An apply that waits for confirmation, and its undo: by itself, by hand, after the terminal or the process
# that waits is gone, where it fails.  As root, in a network namespace and a /run of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=tc nft}"

if [ -z "${confirm_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	confirm_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") JSON=$(realpath tests/e2e/commands/json)
	export confirm_inside ENTITYMUX JSON E2E_BACKENDS
	exec timeout -s KILL 600 unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc bash "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
mount -t tmpfs confirm /run || exit 1
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
ip link set lo up
ip link add veth0 type veth peer name veth1 && ip link set veth0 up && ip link set veth1 up

conf() {
	cat <<-END
	listeners = ( { name = "a"; interfaces = [ "${3-lo}" ]; port = 5000; tag = { offset = 0; length = 1; };
		entities = ( { tag = "0x0$1"; port = 600$1; }, { tag = "0x09"; port = 6009; } ); }$2 );
	END
}
conf 1 '' >one.conf
conf 2 ', { name = "b"; interfaces = [ "lo" ]; port = 5001; tag = { offset = 0; length = 1; }; entities = (); }' >two.conf
conf 3 '' veth0 >three.conf

em() { "$ENTITYMUX" "$@"; }
# send PORT BYTE...
send() {
	port=$1
	shift
	for byte; do printf '%b' "\\0$byte" >"/dev/udp/127.0.0.1/$port"; done
}
counts() { em stats --json | "$JSON" | grep -oE '"(tag":"0x|packets":|name":"b")[^,]*' | cut -d: -f2 | tr -d '"' | tr '\n' ' '; }
waiting() { pgrep -cf 'rollback --when-due'; }

by() { em status | grep -q "^config: *$tmp/$1.conf" && em status >/dev/null; }
# One that ends has no command line any more, but still its lock: then its name, of /proc/self/exe, tells.
nobody() { ! pgrep -f 'rollback --when-due' && ! pgrep -x exe; }
nothing() { em status | grep -q 'nothing is applied'; }

section() {
	title="$1: "
	check 'a first apply' em apply --backend="$1" --confirm=4 one.conf
	says 'status shows it' '^confirm: .*left: [0-4];' "$(em status)"
	check 'and is 0' em status
	within 30 'and nothing is applied again' nothing
	within 30 'and nobody waits' nobody
	is 'nothing is left' '' "$(ls /run/entitymux 2>/dev/null)"

	check 'a policy' em apply --backend="$1" one.conf
	send 5000 001 011 011
	says 'another one' '^  to keep it, within seconds: 5, run: entitymux confirm$' \
		"$(em apply --backend="$2" --confirm=5 two.conf)"
	send 5000 002 011
	send 5001 005
	is 'counts' '5 0x02 1 0x09 3 b 1 ' "$(counts)"
	within 30 'the first one is back' by one
	says 'status says so' "^undoes: *$tmp/two.conf" "$(em status)"
	says 'with its backend' "^backend: *$1 " "$(em status)"
	is 'and its counters' '5 0x01 1 0x09 3 ' "$(counts)"
	send 5000 001
	is 'and goes on' '6 0x01 2 0x09 3 ' "$(counts)"
	check 'too late to confirm' exits 1 1 "the apply of $tmp/two.conf was undone at 2" em confirm

	check 'once more' em apply --backend="$2" --confirm=600 two.conf
	check 'a second apply is refused' exits 1 1 'decide about it first: entitymux confirm, or' em apply one.conf
	check 'so is a dry run' exits 1 1 'waits for confirmation' em apply -n one.conf
	check 'confirmed' em confirm
	within 30 'nobody waits' nobody
	check 'in place' by two
	check 'nothing to confirm' exits 1 1 'nothing waits for confirmation$' em confirm
	send 5001 005 005
	says 'rolled back by hand' "^$tmp/one.conf: in force again: backend $1" "$(em rollback)"
	is 'with its counters' '6 0x01 2 0x09 3 ' "$(counts)"
	check 'and forth' em rollback
	is 'with the other counters' '6 0x02 0 0x09 3 b 2 ' "$(counts)"
	check 'reset' em stats --reset
	check 'and back' em rollback
	is 'zero stays zero' '0 0x01 0 0x09 0 ' "$(counts)"
	says 'unchanged does not wait' ': unchanged: ' "$(em apply --backend="$1" --confirm=600 one.conf)"
	check 'nothing to confirm then' exits 1 1 'nothing waits for confirmation' em confirm
	em remove
	check 'rollback of nothing' exits 1 1 'nothing is applied' em rollback
	check 'confirm of nothing' exits 1 1 'nothing is applied' em confirm
}

# Who typed it is gone, and so is the terminal.
gone() {
	title='gone: '
	em apply --backend=nft one.conf >/dev/null
	setsid sh -c "'$ENTITYMUX' apply --backend=nft --confirm=5 two.conf >/dev/null; kill -KILL 0"
	check 'the new policy' by two
	is 'one process waits' 1 "$(waiting)"
	is 'with no file of ours open' '' "$(find "/proc/$(pgrep -f 'rollback --when-due')/fd" -type l \
		-printf '%l\n' | grep -v -e /dev/null -e /pending)"
	within 30 'is undone' by one

	em apply --backend=nft --confirm=600 two.conf >/dev/null
	pkill -KILL -f 'rollback --when-due'
	within 30 'the process that waits is killed' nobody
	check 'status' exits 4 0 '' em status
	says 'says so' 'left: [0-9]*, but nothing will undo it; keep it with' "$(em status)"
	says 'as JSON' '"confirm":\{"seconds_left":[0-9]*,"guarded":false,"failed":null\}' "$(em status --json | "$JSON")"
	# Whoever reads the file is not in the way.
	flock --shared "$(find /run/entitymux -name pending)" sleep 2 &
	em rollback --when-due 2>err &
	within 30 'another one waits' em status
	check 'two do not' exits 1 1 'another process is going to undo' em rollback --when-due
	check 'confirmed' em confirm
	wait $!
	is 'and it ends' "0" "$?"
	em remove

	em apply --backend=nft --confirm=600 one.conf >/dev/null
	check 'remove' em remove
	within 30 'ends the wait' nobody
}

# The file that says what waits cannot be understood.
damaged() {
	title='damaged: '
	em apply --backend=nft one.conf >/dev/null
	em apply --backend=nft --confirm=10 two.conf >/dev/null
	file=$(find /run/entitymux -name pending)
	for text in '' 'format 1' 'format 9' 'format 1\ngeneration 2\n' 'format 1\ndeadline 7\n' '\0377'; do
		printf '%b' "$text" >"$file"
		check "status: $text" exits 4 1 'pending is unreadable: .*entitymux confirm, or entitymux rollback' em status
	done
	says 'says it' '^confirm: *not known: what waits is unreadable; keep it with: entitymux confirm' "$(em status 2>&-)"
	says 'as JSON' '"confirm":\{"seconds_left":null,"guarded":true,"failed":null\}' "$(em status --json 2>&- | "$JSON")"
	check 'an apply is refused' exits 1 2 'is not known' em apply one.conf
	within 40 'it is undone all the same' by one
	em apply --backend=nft --confirm=600 two.conf >/dev/null
	echo >"$file"
	check 'confirm' em confirm
	check 'keeps it' by two
	within 30 'and nobody waits' nobody
	em apply --backend=nft --confirm=600 one.conf >/dev/null
	echo >"$file"
	pkill -KILL -f 'rollback --when-due'
	within 30 'nobody undoes it' nobody
	says 'which is said' 'is unreadable, but nothing will undo it; keep' "$(em status 2>&-)"
	check 'by hand' em rollback
	check 'it is undone' by two
	em remove
}

# An undo that fails.
fails() {
	title='fails: '
	em apply --backend=nft three.conf >/dev/null
	em apply --backend=nft --confirm=4 one.conf >/dev/null
	ip link set veth0 down
	within 60 'is tried, and given up' nobody
	check 'status' exits 4 0 '' em status
	says 'says why' 'but it cannot be undone: .*veth0.*; keep it with' "$(em status)"
	check 'the new policy is in force' sh -c "'$ENTITYMUX' status | grep -q '^config: *$tmp/one.conf'"
	ip link set veth0 up
	check 'by hand' em rollback
	check 'it is back' by three
	# Whoever confirms while the undo fails keeps the policy.
	em apply --backend=nft --confirm=1 one.conf >/dev/null
	ip link set veth0 down
	sleep 3.2
	check 'confirmed while it is tried' em confirm
	sleep 2
	ip link set veth0 up
	check 'nothing waits any more' sh -c "! '$ENTITYMUX' status | grep '^confirm'"
	em remove
	for seconds in 0 -1 1x '' 86401; do
		check "--confirm=$seconds" exits 2 1 "expected seconds, 1-86400" em apply --confirm="$seconds" one.conf
	done
	nothing || fail 'nothing was applied'
	em apply --backend=nft one.conf >/dev/null
	em apply --backend=nft two.conf >/dev/null
	rm "$(find /run/entitymux -name 'gen-*' | sort -V | head -n 1)/policy.conf"
	check 'an earlier policy that is lost' exits 1 2 'was in force (before )?is not known|is not known: .*policy.conf' em rollback
	check 'changes nothing' by two
	em remove
}

case " $E2E_BACKENDS " in
*' tc '*) section tc nft; section nft tc ;;
*) section nft nft ;;
esac
gone
damaged
fails
title=
within 30 'nobody waits in the end' nobody

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
