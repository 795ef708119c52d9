#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The README's picture: the screen of `stats --watch` in a real run, as SVG.
#
#	picture.sh ENTITYMUX >tests/demo/watch.svg	(root; tmux)
set -eu

columns=88 rows=11

if [ -z "${picture_inside-}" ]; then
	[ $# -eq 1 ] || { echo "usage: picture.sh ENTITYMUX" >&2; exit 2; }
	picture_inside=yes ENTITYMUX=$(realpath "$1")
	export picture_inside ENTITYMUX
	exec timeout 120 unshare --mount --propagation private --net --pid --fork --kill-child bash "$0"
fi
mount -t proc proc /proc
mount -t tmpfs picture /run
tmp=$(mktemp -d)
trap 'terminal kill-server 2>/dev/null || :; rm -rf "$tmp"' EXIT
ip link set lo up

terminal() { tmux -S "$tmp/terminal" -f /dev/null "$@"; }

# send SECONDS-BETWEEN PAYLOAD
send() {
	while :; do
		printf '%s' "$2" >/dev/udp/127.0.0.1/5000
		sleep "$1"
	done 2>/dev/null &
}

cat >/run/telemetry.conf <<'END'
listeners = ( { name = "telemetry"; interfaces = [ "lo" ]; port = 5000;
	checks = ( { offset = 0; bytes = "text:T1:"; } ); tag = { offset = 3; length = 4; };
	entities = ( { name = "plant-a"; tag = "text:PLTA"; port = 6001; },
		{ name = "plant-b"; tag = "text:PLTB"; port = 6002; },
		{ name = "plant-c"; tag = "text:PLTC"; port = 6003; },
		{ name = "plant-d"; tag = "text:PLTD"; port = 6004; } ); } );
END
"$ENTITYMUX" apply /run/telemetry.conf >&2
send 0.004 T1:PLTA:21.5
send 0.01 T1:PLTB:20.9
send 0.03 T1:PLTC:19.2
send 0.2 T1:PLTX:23.0
send 0.5 T2:PLTA
LC_ALL=C.UTF-8 TERM=tmux-256color terminal -u new-session -d -x $columns -y $rows -s w \
	"'$ENTITYMUX' stats --watch=1"
sleep 12
terminal capture-pane -e -p -t w >"$tmp/screen"
"$ENTITYMUX" remove >&2

# Text with the escape sequences of bold, reverse and the eight colours, in spans of a monospaced font.
LC_ALL=C.UTF-8 awk -v columns=$columns -v rows=$rows '
function colour(n) {
	return substr("#6e7681#ff7b72#7ee787#e3b341#79c0ff#d2a8ff#56d4dd#e6edf3", 7 * n + 1, 7)
}
function escaped(text) {
	gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text)
	return text
}
function span(text,  width) {
	width = length(text)
	if (reverse)
		printf "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"18\" fill=\"#e6edf3\"/>\n",
			12 + 8.4 * column, 14 + 18 * NR - 14, 8.4 * width
	if (text ~ /[^ ]/)
		printf "<text x=\"%.1f\" y=\"%d\" fill=\"%s\"%s xml:space=\"preserve\">%s</text>\n",
			12 + 8.4 * column, 14 + 18 * NR, reverse ? "#0d1117" : ink,
			bold ? " font-weight=\"bold\"" : "", escaped(text)
	column += width
}
function set(code) {
	if (code == 0) { bold = reverse = 0; ink = "#e6edf3" }
	else if (code == 1) bold = 1
	else if (code == 7) reverse = 1
	else if (code == 22) bold = 0
	else if (code == 27) reverse = 0
	else if (code == 39) ink = "#e6edf3"
	else if (code >= 30 && code <= 37) ink = colour(code - 30)
	else if (code >= 90 && code <= 97) ink = colour(code - 90)
}
BEGIN {
	set(0)
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" ", 24 + 8.4 * columns,
		22 + 18 * rows
	print "font-family=\"ui-monospace,Menlo,Consolas,monospace\" font-size=\"14\">"
	print "<!-- SPDX-License-Identifier: GPL-2.0-or-later; Copyright (C) 2026 the entitymux authors -->"
	print "<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#0d1117\"/>"
}
{
	rest = $0
	column = 0
	gsub(/\033\([B0]|\017|\016/, "", rest)
	while (match(rest, /\033\[[0-9;]*m/)) {
		if (RSTART > 1)
			span(substr(rest, 1, RSTART - 1))
		n = split(substr(rest, RSTART + 2, RLENGTH - 3), codes, ";")
		if (!n)
			set(0)
		for (i = 1; i <= n; i++)
			set(codes[i])
		rest = substr(rest, RSTART + RLENGTH)
	}
	if (rest != "")
		span(rest)
}
END { print "</svg>" }' "$tmp/screen"
