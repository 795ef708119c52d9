#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# `stats --watch` on a terminal of tmux: rates move, keys sort and scroll, the size changes, and policies
# come and go meanwhile.  As root, in a network namespace and a /run of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=tc nft}"

if [ -z "${watch_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	watch_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX")
	export watch_inside ENTITYMUX E2E_BACKENDS
	exec timeout -s KILL 600 unshare --mount --propagation private --net --pid --fork --kill-child /bin/sh "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
needs tmux bash ip
mount -t proc proc /proc && mount -t tmpfs watch /run || exit 1
tmp=$(mktemp -d) || exit 1
trap 'terminal kill-server 2>/dev/null; rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
ip link set lo up

terminal() { tmux -S "$tmp/terminal" -f /dev/null "$@"; }

cat >conf <<'ENDOFCONF'
listeners = (
	{ name = "telemetry"; interfaces = [ "lo" ]; port = 5000; tag = { offset = 0; length = 1; };
	  entities = ( { name = "plänt-b"; tag = "text:B"; port = 6002; },
		       { name = "plant-a"; tag = "text:A"; port = 6001; } ); } );
ENDOFCONF
sed 's/6001/6003/' conf >other

# The program, in a shell that is left over when it has ended, and says how.
watches() {
	rm -f ended
	printf 'trap : INT\nTERM=%s "%s" stats %s 2>err\nstatus=$?\nstty -a >settings\necho $status >ended\nsleep 60\n' \
		"${TYPE-screen}" "$ENTITYMUX" "$*" >run
	# Some releases of tmux start with 80 by 24, whatever they are told.
	LC_ALL=C.UTF-8 terminal -u new-session -d -s w "sleep 0.3; exec sh run"
	terminal resize-window -t w -x 90 -y 12
}

# A tenth of a second, so many times, until a command succeeds.
within() {
	left=$(($1 * 10))
	shift
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.1
	done
}

screen() { terminal capture-pane -p -t w; }
has() { screen >seen && grep -qE -- "$1" seen; }

# shows WHAT PATTERN
shows() {
	if within 10 has "$2"; then
		pass "$1"
	else
		fail "$1" "expected: $2" "seen:" "$(cat seen)" "$(cat err 2>/dev/null)"
	fi
}

# Names of entities, as they stand.
order() { screen | sed -n 's/^  \(pl[^ ]*\).*/\1/p' | xargs; }
in_order() { [ "$(order)" = "$1" ]; }

# ends WHAT: with status 0, and the terminal as it was
ends() {
	check "$1" within 10 test -s ended
	is "$1: status" 0 "$(cat ended 2>&1)"
	is "$1: messages" '' "$(cat err)"
	says "$1: terminal restored" '(^| )icanon.*' "$(cat settings)"
	says "$1: echo" '(^| )echo( |$)' "$(tr ';' ' ' <settings)"
	check "$1: main screen" within 5 lacks 'PACKETS/S'
	terminal kill-session -t w
}
lacks() { ! has "$1"; }

# shellcheck disable=SC2016 # of bash
sends() {
	bash -c 'for ((i = 0; i < 600; i++)); do
		printf B >/dev/udp/127.0.0.1/5000
		((i % 5)) || printf A >/dev/udp/127.0.0.1/5000
		((i % 7)) || printf X >/dev/udp/127.0.0.1/5000
		sleep 0.02
	done' 2>/dev/null &
	sender=$!
}

mistakes() {
	check 'no terminal' exits 2 1 'watch needs a terminal' "$ENTITYMUX" stats --watch
	for options in --json --prometheus --reset --output=x; do
		check "with $options" exits 2 1 'watch goes with' "$ENTITYMUX" stats --watch $options
	done
	for seconds in 0 3601 1.5; do
		watches --watch="$seconds"
		within 10 test -s ended
		terminal kill-session -t w
		says "--watch=$seconds" '2 .*--watch: expected a number of seconds, 1 to 3600' \
			"$(cat ended err | xargs)"
	done
}

unusable() {
	TYPE=nothing watches --watch
	within 10 test -s ended
	is 'TERM' '1 entitymux: cannot draw on a terminal of the type nothing; is TERM right?' \
		"$(cat ended err | xargs)"
	terminal kill-session -t w
}

# The first backend: all of the view.
views() {
	"$ENTITYMUX" apply --backend="$1" conf >/dev/null || return
	sends
	watches --watch
	shows 'a rate' '^  plänt-b +6002 +[0-9]+ +[0-9.k]+  ####################$'
	shows 'of a listener' '^telemetry +5000 +[0-9]{2} '
	shows 'of another entity' '^  plant-a +6001 +[0-9.]+ +[0-9]+  ##*$'
	shows 'of what is unknown' 'rewritten [0-9]+, passed 0, dropped 0, unknown [1-9]'
	check 'as configured' within 5 in_order 'plänt-b plant-a'
	terminal send-keys -t w n
	check 'by name' within 5 in_order 'plant-a plänt-b'
	terminal send-keys -t w p
	check 'by packets' within 5 in_order 'plänt-b plant-a'
	shows 'and says so' 'every 1 s, by packets'
	long=$(printf '%0100d' 0)
	mkdir "$long" && cp conf "$long/conf" && "$ENTITYMUX" apply --backend="$1" "$long/conf" >/dev/null
	shows 'also with a long path' '^entitymux: [a-z-]*, /.*0\.\.\.0.*/conf, every 1 s, by packets$'
	terminal resize-window -t w -x 60 -y 6
	shows 'a smaller terminal' '^1-3 of 4  q quit'
	terminal send-keys -t w Down
	shows 'scrolled' '^2-4 of 4  q quit'
	check 'scrolled: entities' within 5 in_order 'plänt-b plant-a'
	terminal send-keys -t w Home
	shows 'scrolled back' '^1-3 of 4'
	terminal resize-window -t w -x 90 -y 20
	check 'a larger terminal' within 5 in_order 'plänt-b plant-a'
	"$ENTITYMUX" apply --backend="$1" other >/dev/null
	shows 'an apply' '^  plant-a +6003 +[0-9.]+ +[0-9]+  #'
	"$ENTITYMUX" remove
	shows 'removed' '^nothing is applied; waiting for an apply'
	check 'removed: no rates' within 5 lacks 'PACKETS/S'
	"$ENTITYMUX" apply --backend="$1" other >/dev/null
	shows 'applied again' '^  plant-a +6003 +[0-9.]+ +[0-9]+  #'
	terminal send-keys -t w q
	ends 'q'
}

# From one backend to the next.
changes() {
	watches --watch --sort=bytes
	shows 'a rate' '^  plänt-b +600[0-9] +[1-9][0-9]* '
	"$ENTITYMUX" apply --backend="$1" conf >/dev/null
	shows 'another backend' "^entitymux: ${1%-generic}, .*, by bytes"
	shows 'a rate after it' '^  plänt-b +6002 +[1-9][0-9]* .*####$'
	terminal send-keys -t w C-c
	ends 'Ctrl-C'
}

watches --watch
within 10 has waiting
if grep -q 'without ncurses' err; then
	echo 'this build is one without ncurses'
	exit 77
fi
pass 'nothing is applied'
terminal kill-session -t w
mistakes
first=yes
for backend in $E2E_BACKENDS; do
	[ "$backend" != xdp ] || continue # loopback has none
	title="$backend: "
	if [ $first ]; then views "$backend" && unusable; else changes "$backend"; fi
	first=
done
kill $sender
"$ENTITYMUX" remove
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
