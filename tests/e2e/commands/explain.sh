#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# `explain`: what becomes of the packets of a capture, and why, whatever the form of the capture.
# Needs no root.

: "${ENTITYMUX:=./entitymux}" "${srcdir:=.}"
ENTITYMUX=$(realpath "$ENTITYMUX")
folder=$(realpath tests/e2e/commands)
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

cat >e.conf <<'EOF'
listeners = (
  { name = "telemetry"; interfaces = [ "eth0" ]; port = 5000; sources = [ "198.51.100.0/24", "2001:db8::/32" ];
    payload = { max = 99; };
    checks = ( { offset = 0; bytes = "0x4d50"; mask = "0xfff0"; },
               { offset = 2; length = 1; min = 1; max = 9; } );
    tag = { offset = 4; length = 4; };
    entities = ( { name = "plant-a"; tag = "0xdeadbeef"; port = 6001; }, { tag = "text:STOP"; port = "drop"; } ); },
  { name = "other"; interfaces = [ "eth1" ]; port = 5000; vlan = 5; tag = { offset = 0; length = 1; };
    entities = ( ); unknown = 7000; },
  { name = "flows"; interfaces = [ "eth1" ]; port = 2055; formats = (
    { name = "v9"; checks = ( { offset = 0; bytes = "0x0009"; } ); tag = { offset = 16; length = 4; };
      entities = ( { name = "r1"; tag = "0x00000881"; port = 7001; } ); },
    { name = "ipfix"; checks = ( { offset = 0; bytes = "0x000a"; } ); tag = { offset = 12; length = 4; };
      entities = ( { name = "r2"; tag = "0x00000007"; port = 7002; } ); } ); },
  { name = "sensors"; interfaces = [ "eth2" ]; port = 5000; addresses = [ "192.0.2.1", "2001:db8::1" ];
    sources = [ "192.0.2.0/24", "2001:db8::7" ]; tag = { field = "ip6 saddr"; };
    entities = ( { name = "s1"; tag = "2001:db8::7"; port = 7003; } ); },
  { name = "two"; interfaces = [ "eth3" ]; port = 5000; formats = (
    { name = "v6"; tag = { field = "ip6 saddr"; }; entities = ( ); },
    { name = "v4"; tag = { field = "ip saddr"; }; checks = ( { offset = 0; bytes = "0x01"; } ); entities = ( ); } ); }
);
EOF

cat >apart.conf <<'EOF'
listeners = (
  { name = "v"; interfaces = [ "eth0" ]; port = 5001; vlan = 7; tag = { offset = 0; length = 1; }; entities = ( ); },
  { name = "w"; interfaces = [ "eth1" ]; port = 5009; tag = { offset = 0; length = 1; }; entities = ( ); }
);
EOF

# Addresses that "any" and "six" would be given are named by others, which come first.
cat >named.conf <<'EOF'
listeners = (
  { name = "any"; interfaces = [ "eth0" ]; port = 5000; tag = { offset = 0; length = 1; }; entities = ( ); },
  { name = "one"; interfaces = [ "eth0" ]; port = 5000; addresses = [ "192.0.2.1", "192.0.2.2", "2001:db8::1" ];
    tag = { offset = 0; length = 1; }; entities = ( ); },
  { name = "six"; interfaces = [ "eth1" ]; port = 5000; sources = [ "2001:db8::/32" ];
    tag = { offset = 0; length = 1; }; entities = ( ); },
  { name = "seven"; interfaces = [ "eth1" ]; port = 5000; addresses = [ "2001:db8::1" ];
    tag = { offset = 0; length = 1; }; entities = ( ); }
);
EOF

# lines WHAT EXPECTED ARGUMENT...: the lines about packets, without the sums
lines() {
	what=$1 expected=$2
	shift 2
	is "$what" "$expected" "$("$ENTITYMUX" explain "$@" e.conf 2>&1 | sed '/^$/,$d')"
}

ours='src=198.51.100.9 udp 4000>5000'
results='1: telemetry: rewritten: tag 0xdeadbeef: plant-a -> 6001
2: telemetry: dropped: tag 0x53544f50 "STOP" -> drop
3: telemetry: unknown: tag 0x00000001 -> pass
4: telemetry: invalid: source: 192.0.2.9 is outside sources -> drop
5: telemetry: invalid: length: 4 bytes of payload, expected 8..99 -> drop
6: telemetry: invalid: check: check 1 at offset 0: 0x4e50 is not 0x4d50, with mask 0xfff0 -> drop
7: telemetry: invalid: check: check 2 at offset 2: 12 is outside 1..9 -> drop
8: telemetry: rewritten: tag 0xdeadbeef: plant-a -> 6001
9: not-ours: no listener on its port'

# capture FORMAT SNAPLEN: the packets of these results
capture() {
	"$folder/capture" "$1" "$2" "ip4 $ours hex:4d580100deadbeef" "ip4 $ours hex:4d580900 text:STOP" \
		"ip4 $ours hex:4d58010000000001" 'ip4 src=192.0.2.9 udp 4000>5000 hex:4d580100deadbeef' \
		"ip4 $ours hex:4d580100" "ip4 $ours hex:4e580100deadbeef" "ip4 $ours hex:4d580c00deadbeef" \
		'ip6 udp 4000>5000 hex:4d580100deadbeef' 'ip4 udp 4000>5002 hex:00'
}

captures() {
	for format in pcap pcapng sll sll2 raw null; do
		capture $format 262144 >$format.cap || fail "capture $format"
		lines "$format" "$results" -r $format.cap
	done
	for format in sll-sent sll2-sent; do
		capture $format 262144 >$format.cap || fail "capture $format"
		lines "$format" '' -r $format.cap
	done
	is 'a pipe' "$results" "$("$ENTITYMUX" explain -r - e.conf <pcapng.cap | sed '/^$/,$d')"
	capture pcap 48 >cut.cap
	says 'a cut packet' '^1: .* \(only 48 of 50 bytes were captured, the others are taken for 0\)$' \
		"$("$ENTITYMUX" explain -r cut.cap e.conf | head -n 1)"
	"$folder/capture" pcap 60 "ip4 $ours hex:4d580100deadbeef pad=90" >enough.cap
	lines 'a cut packet, of which enough is left' '1: telemetry: rewritten: tag 0xdeadbeef: plant-a -> 6001' \
		-r enough.cap
	# What is taken for 0 is an extension header, or the port.
	for snaplen in 80 96 120; do
		"$folder/capture" pcap $snaplen "ip6 dopt=64 udp 4000>5000 hex:4d580100deadbeef" >cut.cap
		says "extension headers, cut at $snaplen" '^1: not-ours: .* \(only '$snaplen' of 134 bytes' \
			"$("$ENTITYMUX" explain -r cut.cap e.conf | head -n 1)"
	done
	"$folder/capture" pcap 126 "ip6 dopt=64 udp 4000>5002 hex:4d580100deadbeef" >enough.cap
	lines 'extension headers, all there' '1: not-ours: no listener on its port' -r enough.cap
}

interfaces() {
	"$folder/capture" pcap 262144 'vlan=5 ip4 udp 4000>5000 hex:0100000000000000' \
		'ip4 udp 4000>5000 hex:00' 'vlan=6 ip4 udp 4000>5000 hex:00' >vlan.cap
	lines 'any interface' '1: other: unknown: tag 0x01 -> 7000
2: telemetry: invalid: source: 192.0.2.9 is outside sources -> drop
3: not-ours: no listener on its port with its VLAN and address' -r vlan.cap
	lines '--interface' '1: not-ours: no listener on its port with its VLAN and address
2: telemetry: invalid: source: 192.0.2.9 is outside sources -> drop
3: not-ours: no listener on its port with its VLAN and address' -r vlan.cap --interface=eth0
	"$folder/capture" pcap 262144 'ip4 udp 4000>5001 hex:00' 'vlan=7 ip4 udp 4000>5009 hex:00' >apart.cap
	is 'any interface: the one with its port says why' '1: not-ours: no listener on its port with its VLAN and address
2: not-ours: no listener on its port with its VLAN and address' \
		"$("$ENTITYMUX" explain -r apart.cap apart.conf | sed '/^$/,$d')"
	lines '--interface=eth7' 'entitymux: explain: --interface=eth7: no listener is on it' -r vlan.cap -i eth7
}

one() {
	lines '--payload' '1: telemetry: invalid: check: check 1 at offset 0: 0x0000 is not 0x4d50, with mask 0xfff0 -> drop
2: other: unknown: tag 0x00 -> 7000
3: flows: rewritten: format v9: tag 0x00000881: r1 -> 7001
4: sensors: rewritten: tag 0x20010db8000000000000000000000007: s1 -> 7003
5: two: invalid: check: v6: it is for IPv6 only; v4: check 1 at offset 0: 0x00 is not 0x01 -> drop' \
		--payload='00 09 00 00:00000000 00000000 00000000 00000881'
	lines '--payload, no format fits' '1: other: unknown: tag 0x00 -> 7000
2: flows: invalid: check: v9: 16 bytes of payload, expected 20..65507; ipfix: check 1 at offset 0: 0x000b is not 0x000a -> drop' \
		--payload=0x000b0000000000000000000000000000 --interface=eth1
	is '--payload, where others name addresses' '1: any: unknown: tag 0x01 -> pass
2: one: unknown: tag 0x01 -> pass
3: six: unknown: tag 0x01 -> pass
4: seven: unknown: tag 0x01 -> pass' "$("$ENTITYMUX" explain --payload=01 named.conf | sed '/^$/,$d')"
	lines '--frame, IPv4 where the tag is of IPv6' '1: sensors: invalid: source: the tag is of IPv6 only -> drop' \
		--interface=eth2 \
		--frame='000000000000 000000000000 0800 4500001d 00004000 40110000 c0000207 c0000201 00011388 00090000 00'
	lines '--frame' '1: not-ours: not IP' --frame='000000000000 000000000000 0806'
}

documents() {
	"$ENTITYMUX" explain --json -r pcap.cap e.conf >out
	is '--json: a line for each packet, and the sums' 10 "$(wc -l <out)"
	while read -r line; do
		printf '%s\n' "$line" | "$folder/json" >>compact || fail "--json: $line"
		echo >>compact
	done <out
	is '--json: the first' '{"packet":1,"listener":"telemetry","result":"rewritten","tag":"0xdeadbeef","entity":"plant-a","port":6001,"verdict":"pass"}' \
		"$(head -n 1 compact)"
	says '--json: a failing check' '"result":"invalid","reason":"check","why":\[\{"reason":"check","text":"check 2 at' \
		"$(sed -n 7p compact)"
	says '--json: the sums' '^\{"schema":1,"packets":9,"not_ours":1,"listeners":\[\{"name":"telemetry","port":5000,.*"packets":8,"bytes":[0-9]*,"rewritten":2,"passed":0,"dropped":1,"unknown":1,"invalid":\{"source":1,"length":1,"check":2\}' \
		"$(tail -n 1 compact)"
	says '--json: a mistake' '^\{ "schema": 1, "error": "usage"' "$("$ENTITYMUX" explain --json e.conf 2>/dev/null)"
}

# mistake STATUS PATTERN ARGUMENT...
mistake() {
	status=$1 pattern=$2
	shift 2
	"$ENTITYMUX" explain "$@" e.conf >out 2>&1
	is "$*: exit status" "$status" $?
	says "$*" "$pattern" "$(cat out)"
}

mistakes() {
	mistake 2 'explain: expected one of -r, --frame and --payload; see entitymux explain --help$'
	mistake 2 'explain: expected one of' -r pcap.cap --frame=00
	mistake 2 -- '--frame: expected at most 65549 bytes, each two hexadecimal digits$' --frame=0
	mistake 2 -- '--payload: expected' --payload=xy
	mistake 1 'lost.cap: No such file or directory$' -r lost.cap
	mistake 1 'e.conf: unknown file format$' -r e.conf
	head -c 70 pcap.cap >half.cap
	mistake 1 'half.cap: truncated dump file' -r half.cap
	{ head -c 20 pcap.cap; printf '\223\0\0\0'; } >odd.cap
	mistake 1 'odd.cap: .*expected Ethernet, Linux cooked, raw IP or loopback$' -r odd.cap
}

captures
interfaces
one
documents
mistakes
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
