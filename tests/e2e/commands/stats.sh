#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# `stats`: names, order, a file, and the text format of Prometheus, with each backend.  As root, in a
# network namespace and a /run of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp-generic tc nft}"

if [ -z "${stats_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	stats_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX")
	EXCHANGE=$(realpath tests/e2e/replies/exchange)
	export stats_inside ENTITYMUX EXCHANGE E2E_BACKENDS
	exec timeout 120 unshare --mount --propagation private --net /bin/sh "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
mount -t tmpfs stats /run || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
ip link set lo up

# exchange.c has ports 10000 + tag, and answers from them: three datagrams each, and no replies.
cat >conf <<'END'
listeners = (
	{ name = "telemetry"; interfaces = [ "lo" ]; port = 5000; replies = true;
	  tag = { offset = 4; length = 4; };
	  entities = ( { name = "plant-b"; tag = "0x00000001"; port = 10001; },
		       { name = "plant-a"; tag = "0x00000000"; port = 10000; },
		       { tag = "0x00000009"; port = "pass"; },
		       { name = "plänt c"; tag = "0x0000000a"; port = "drop"; } ); },
	{ name = "flows"; interfaces = [ "lo" ]; port = 2055;
	  formats = ( { name = "v9"; payload = { max = 8; }; tag = { offset = 0; length = 1; };
			entities = ( { name = "r"; tag = "0x01"; port = 7001; } ); },
		      { name = "ipfix"; tag = { offset = 1; length = 1; };
			entities = ( { name = "r"; tag = "0x01"; port = 7001; } ); } ); } );
END

stats() { "$ENTITYMUX" stats "$@" 2>&1; }

# names ARGUMENT...: listeners, and the names of entities
names() { stats "$@" | sed -n 's/^listener \([a-z]*\),.*/\1:/p; s/^  \(.*[^ ]\)  *0x.*/\1/p' | tr '\n' ' '; }

# Grammar of the text format: each family with HELP and TYPE before its samples, which are together.
grammar() {
	awk '
	/^# HELP [a-z_]+ [A-Z].*\.$/ { help = $3; next }
	/^# TYPE [a-z_]+ (counter|gauge)$/ {
		if ($3 != help || seen[$3]++) print "family: " $0
		if (($4 == "counter") != ($3 ~ /_total$/)) print "type: " $0
		family = $3; next
	}
	/^[a-z_]+\{([a-z]+="([^"\\]|\\.)*",?)+\} [0-9]+$/ {
		if (substr($0, 1, index($0, "{") - 1) != family) print "sample: " $0
		if (series[$0]++) print "twice: " $0
		next
	}
	{ print "line: " $0 }' "$1"
	[ "$(tail -c 1 "$1" | od -An -tx1)" = ' 0a' ] || echo 'no newline at the end'
	! command -v promtool >/dev/null || promtool check metrics <"$1" 2>&1
}

mistakes() {
	is 'nothing is applied' 'entitymux: nothing is applied' "$(stats --prometheus)"
	check 'top' exits 2 1 'top: expected a number' "$ENTITYMUX" stats --top=0
	check 'sort' exits 2 1 'expected config, name, packets, bytes' "$ENTITYMUX" stats --sort=size
	check 'json, too' exits 2 1 'exclude each other' "$ENTITYMUX" stats --json --prometheus
	check 'reset of a name' exits 2 1 'reset .*takes no names' "$ENTITYMUX" stats --reset telemetry
	check 'reset to a file' exits 2 1 'reset goes with' "$ENTITYMUX" stats --reset --output=x
}

named() {
	is 'all' 'telemetry: plant-b plant-a 0x00000009 plänt c flows: r r ' "$(names)"
	is 'a listener' 'flows: r r ' "$(names flows)"
	is 'a format' 'flows: r ' "$(names 'flows:v*')"
	is 'entities' 'telemetry: plant-b plant-a ' "$(names '*/plant-[ab]')"
	is 'several' 'telemetry: 0x00000009 flows: r ' "$(names telemetry/0x00000009 flows:ipfix)"
	is 'by name' 'telemetry: 0x00000009 plant-a plant-b plänt c flows: ipfix:r v9:r ' \
		"$(names --sort=name)"
	is 'by packets' 'telemetry: plant-a plant-b flows: ipfix:r v9:r ' \
		"$(names --sort=packets --top=2)"
	is 'by bytes, as JSON' '"plant-a"' \
		"$(stats --json --sort=bytes --top=1 telemetry | grep -o '"plant-[a-z]*"')"
	check 'nobody' exits 1 1 'no listener or entity is named telemetry/x' \
		"$ENTITYMUX" stats telemetry/x
}

metrics() {
	stats --prometheus >metrics
	is 'text of Prometheus' '' "$(grammar metrics)"
	is 'packets of a listener' 'entitymux_packets_total{listener="telemetry"} 5' \
		"$(grep '^entitymux_packets_total{listener="t' metrics)"
	is 'packets of an entity' 'entitymux_entity_packets_total{listener="telemetry",entity="plant-a"} 3' \
		"$(grep '^entitymux_entity_packets.*plant-a' metrics)"
	says 'formats' 'entity_packets_total\{listener="flows",format="v9",entity="r"\} 0$' "$(cat metrics)"
	says 'what becomes of them' 'entity="plänt c",tag="0x0000000a",action="drop"\} 1$' "$(cat metrics)"
	stats --prometheus --output=file
	is 'a file' "$(cat metrics)" "$(cat file)"
	is 'that others may read' 644 "$(stat -c %a file)"
	stats --json --output=file
	is 'another file in its place' "$(stats --json)" "$(cat file)"
	is 'and nothing else' 'conf err file metrics out' "$(find . -type f | sed 's/^..//' | sort | xargs)"
	check 'no folder' exits 1 1 'lost/x: No such file' "$ENTITYMUX" stats --output=lost/x
}

mistakes
umask 022
for backend in $E2E_BACKENDS; do
	[ "$backend" != xdp ] || continue # loopback has none
	title="$backend: "
	check 'apply' "$ENTITYMUX" apply --backend="$backend" conf
	check 'exchange' "$EXCHANGE" /proc/self/ns/net /proc/self/ns/net 127.0.0.1 5000 5 2
	named
	metrics
	check 'remove' "$ENTITYMUX" remove
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
