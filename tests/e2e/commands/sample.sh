#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# `sample`: copies of invalid and unknown packets, each with the reason, and of those of entities, with
# each backend; how it ends, and what is left when it is killed.  As root, in a network namespace and a /run of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp xdp-generic tc nft}"

if [ -z "${sample_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	sample_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX")
	FLOOD=$(realpath tests/e2e/commands/flood) COMMENTS=$(realpath tests/e2e/commands/comments)
	export sample_inside FLOOD COMMENTS ENTITYMUX E2E_BACKENDS
	exec timeout 600 unshare --mount --propagation private --net /bin/sh "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
needs script ip
mount -t tmpfs sample /run || exit 1
mkdir /run/netns
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"; ip netns delete peer' EXIT
cd "$tmp" || exit 1
ip link set lo up
# Another host, whose datagrams come by in0.
ip netns add peer || exit 1
ip link add in0 type veth peer out0 netns peer || exit 1
ip address add 192.0.2.1/24 dev in0
ip link set in0 up
ip -n peer address add 192.0.2.2/24 dev out0
ip -n peer link set out0 up

cat >conf <<'END'
listeners = (
	{ name = "telemetry"; interfaces = [ "lo" ]; port = 5000; unknown = "drop";
	  sources = [ "127.0.0.0/8" ]; payload = { min = 4; max = 600; };
	  checks = ( { offset = 0; length = 1; min = 1; max = 0xe0; } );
	  tag = { offset = 0; length = 4; };
	  entities = ( { name = "aaaa"; tag = "text:aaaa"; port = 6001; } ); },
	{ name = "deep"; interfaces = [ "lo" ]; port = 5001; unknown = 5999; invalid = "pass";
	  checks = ( { offset = 400; length = 1; min = 1; max = 9; } );
	  tag = { offset = 0; length = 1; };
	  entities = ( { tag = "text:A"; port = "pass"; } ); } );
END
sed 's/6001/6002/' conf >more.conf
sed '/"aaaa"/q' conf | sed '/sources/d; $s/,$/ );/; s/"lo"/"in0"/' >alone
cat >entities <<'END'
listeners = (
	{ name = "mixed"; interfaces = [ "lo" ]; port = 5010; tag = { offset = 0; length = 1; };
	  entities = ( { name = "inner"; tag = "text:i"; port = 6001; }, { name = "drop"; tag = "text:d"; port = "drop"; },
		       { name = "Pass"; tag = "text:P"; port = "pass"; },
		       { name = "outer"; tag = "0x61..0x6f"; port = 6002; },
		       { name = "within"; tag = "0x65..0x67"; port = 6003; } ); },
	{ name = "forms"; interfaces = [ "lo" ]; port = 5011;
	  formats = ( { name = "first"; checks = ( { offset = 0; bytes = "text:1"; } ); tag = { offset = 1; length = 1; };
			entities = ( { name = "one"; tag = "text:o"; port = 6003; },
				     { name = "two"; tag = "text:t"; port = 6003; } ); },
		      { name = "second"; tag = { offset = 1; length = 1; };
			entities = ( { name = "one"; tag = "text:o"; port = "pass"; },
				     { name = "two"; tag = "text:t"; port = 6003; } ); } ); },
	{ name = "far"; interfaces = [ "lo" ]; port = 5012; tag = { offset = 1000; length = 1; };
	  entities = ( { name = "only"; tag = "text:a"; port = 6004; }, { name = "other"; tag = "text:b"; port = 6004; } ); } );
END

# send PORT TEXT...: a datagram each
send() {
	port=$1
	shift
	for text; do
		bash -c "printf '%b' '$text' >/dev/udp/${address:-127.0.0.1}/$port" || fail "send $text"
	done
}
long=$(printf '%0500d' 0)

status() { "$ENTITYMUX" status 2>&1; }

# until_says PATTERN COMMAND...: within some seconds, what it prints has the pattern
until_says() {
	pattern=$1
	shift
	for _ in $(seq 100); do
		"$@" 2>&1 | grep -qE -- "$pattern" && return
		sleep 0.1
	done
	fail "no $pattern of: $*" "$("$@" 2>&1)"
	return 1
}

# begin ARGUMENT...: `sample` into the file out, until it is in force
begin() {
	"$ENTITYMUX" sample -w out "$@" 2>said &
	sampler=$!
	until_says 'until entitymux sample ends' status
}

# end [SIGNAL]
end() {
	[ $# -eq 0 ] || kill "-$1" $sampler
	wait $sampler
	ended=$?
}

comments() { "$COMMENTS" <out; }
count_comments() { comments | wc -l; }
of_comments() { comments | sed 's/^lo [0-9]* [0-9]* now //'; }

# unknown_of LISTENER: how many datagrams `stats` says were unknown
unknown_of() { "$ENTITYMUX" stats "$1" | sed -n 's/.* unknown \([0-9]*\),.*/\1/p'; }

# over: nothing is copied any more, and the policy is whole
over() {
	check "$1: the policy is whole" "$ENTITYMUX" status
	is "$1: nothing is copied" 0 "$(status | grep -c '^samples')"
}

mistakes() {
	check 'nothing is applied' exits 1 1 'nothing is applied' "$ENTITYMUX" sample
	echo kept >kept
	check 'and a file' exits 1 1 'nothing is applied' "$ENTITYMUX" sample -w kept
	is 'is left as it is' kept "$(cat kept)"
	check 'a format' exits 2 1 'a:b: expected LISTENER, LISTENER/ENTITY' "$ENTITYMUX" sample a:b
	check 'an entity and a reason' exits 2 1 'a/b: with --reason, expected LISTENER' \
		"$ENTITYMUX" sample --reason=check a/b
	check 'a reason' exits 2 1 'reason' "$ENTITYMUX" sample --reason=checks
	check 'a number' exits 2 1 '-c 0: expected a number from 1' "$ENTITYMUX" sample -c 0
	check 'no terminal' script -qec "$ENTITYMUX sample; [ \$? -eq 2 ]" /dev/null
	check 'apply' "$ENTITYMUX" apply --backend=nft conf
	check 'a file' exits 1 1 'none/out: No such file' "$ENTITYMUX" sample -w none/out
	check 'a name' exits 1 1 'no listener is named none' "$ENTITYMUX" sample none
	check 'a listener' exits 1 1 'no listener is named telemtry; did you mean telemetry?' \
		"$ENTITYMUX" sample telemtry/aaaa
	check 'an entity' exits 1 1 'no entity is named telemetry/aaab; did you mean telemetry/aaaa?' \
		"$ENTITYMUX" sample telemetry/aaab
	check 'another word' exits 1 1 'no entity is named deep/none$' "$ENTITYMUX" sample telemetry deep/none
	check 'apply and wait' "$ENTITYMUX" apply --confirm=60 --backend=nft more.conf
	check 'it waits for confirmation' exits 1 1 'waits for confirmation' "$ENTITYMUX" sample
	check 'confirm' "$ENTITYMUX" confirm
	check 'remove' "$ENTITYMUX" remove
}

# Each reason, and what the file says of it.
same() {
	check 'apply' "$ENTITYMUX" apply --backend="$1" conf
	applied=$(status | grep '^applied at')
	begin
	is 'the time of the apply' "$applied" "$(status | grep '^applied at')"
	check 'it is in place' "$ENTITYMUX" status
	send 5000 abc aaaa '\0377bcd' bbbb
	address=::1 send 5000 aaaa
	send 5001 A "B$long"
	until_says '^6$' count_comments
	end INT
	is 'exit status' 0 "$ended"
	is 'what it says' 'entitymux: sample: 6 packets copied' "$(tail -n 1 said)"
	is 'comments' 'telemetry: invalid: length: 3 bytes of payload, expected 4..600
telemetry: invalid: check: check 1 at offset 0: 255 is outside 1..224
telemetry: unknown: tag 0x62626262 "bbbb"
telemetry: invalid: source: ::1 is outside sources
deep: invalid: length: 1 bytes of payload, expected 401..65507
deep: invalid: check' "$(of_comments)"
	says 'a long one is cut' '^lo 2[5-7][0-9] 543 now deep: invalid: check$' "$(comments)"
	is 'explain says the same' '1: telemetry: invalid: length: 3 bytes of payload, expected 4..600 -> drop
3: telemetry: unknown: tag 0x62626262 "bbbb" -> drop' \
		"$("$ENTITYMUX" explain -r out conf | grep -E '^(1|3): ')"
	over 'Ctrl-C'
	is 'counters' '1 1 1 1' "$("$ENTITYMUX" stats telemetry |
		sed -n 's/.* unknown \([0-9]*\), invalid (source \([0-9]*\), length \([0-9]*\), check \([0-9]*\))/\1 \2 \3 \4/p')"
	check 'it is what was applied' sh -c "$ENTITYMUX apply --backend=$1 conf | grep unchanged"
}

# What is wanted, and how much of it.
wanted() {
	begin -c 2 --reason=length telemetry
	send 5000 bbbb a
	send 5001 C
	send 5000 b c
	end
	is '-c, a reason and a listener' '0 2 length telemetry' \
		"$ended $(count_comments) $(of_comments | sed 's/^\([a-z]*\): invalid: \([a-z]*\):.*/\2 \1/' | sort -u)"
	over '-c'
}

# Of entities: with one tag, around and within others, in formats, of each verdict, and with a tag that is not
# copied.  Those of others are not.
entities() {
	check 'apply' "$ENTITYMUX" apply --backend="$1" entities
	begin mixed/inner mixed/outer mixed/drop mixed/Pass 'forms:first/o*' 'forms:s*/one' far/only
	send 5010 inner aouter drop Pass fine 0
	send 5011 1one 1two 2one 2two
	send 5012 "$long${long}a" "$long${long}b"
	until_says '^7$' count_comments
	end INT
	is 'exit status' 0 "$ended"
	is 'what it says' 'entitymux: sample: 7 packets copied' "$(tail -n 1 said)"
	is 'comments' 'mixed: rewritten: tag 0x69 "i": inner
mixed: rewritten: tag 0x61 "a": outer
mixed: dropped: tag 0x64 "d": drop
mixed: passed: tag 0x50 "P": Pass
forms: rewritten: format first: tag 0x6f "o": one
forms: passed: format second: tag 0x6f "o": one
far: sorted: only' "$(of_comments)"
	is 'they are as they came' '5010 5010 5010 5010 5011 5011 5012' "$("$ENTITYMUX" explain --json -r out entities |
		sed -n 's/.*"listener": "mixed".*/5010/p; s/.*"listener": "forms".*/5011/p; s/.*"listener": "far".*/5012/p' |
		tr '\n' ' ' | sed 's/ $//')"
	over 'entities'
	is 'all are counted' '6 4 2' "$("$ENTITYMUX" stats --prometheus |
		sed -n 's/^entitymux_packets_total{listener="[a-z]*"} //p' | tr '\n' ' ' | sed 's/ $//')"
	check 'remove' "$ENTITYMUX" remove
}

# The only listener of an interface, most of whose datagrams nft sorts before it is asked whose they are.
alone() {
	check 'apply' "$ENTITYMUX" apply --backend="$1" alone
	begin telemetry/aaaa
	ip netns exec peer bash -c 'printf aaaa >/dev/udp/192.0.2.1/5000' || fail 'send from the peer'
	until_says '^1$' count_comments
	end INT
	is 'the only listener' 'telemetry: rewritten: tag 0x61616161 "aaaa": aaaa' "$(comments | sed 's/.* now //')"
	over 'the only listener'
	check 'remove' "$ENTITYMUX" remove
}

# What is of a listener and of an entity at once.
both() {
	begin telemetry telemetry/aaaa
	send 5000 aaaa bbbb a
	send 5001 A C
	until_says '^3$' count_comments
	end INT
	is 'a listener, and an entity' 'telemetry: rewritten: tag 0x61616161 "aaaa": aaaa
telemetry: unknown: tag 0x62626262 "bbbb"
telemetry: invalid: length: 1 bytes of payload, expected 4..600' "$(of_comments)"
	over 'a listener, and an entity'
}

# flooding: until the file stop is there; how many there were is in the file flooded
flooding() {
	for n in $(seq 200); do
		"$FLOOD" 5000 10000
		[ ! -e stop ] || break
	done
	echo $((n * 10000)) >flooded
}

# More than anybody can read, while programs are exchanged: everything is counted, some is copied.
flood() {
	before=$(unknown_of telemetry)
	rm -f stop
	flooding &
	flooding=$!
	began=$(date +%s)
	begin
	until_says '^[0-9]{3}' count_comments
	sleep 2 # in which many more come than may be copied
	end TERM
	most=$((1000 * (2 + $(date +%s) - began) * $(nproc)))
	touch stop
	wait $flooding
	is 'ended' 0 "$ended"
	is 'all are counted' $((before + $(cat flooded))) "$(unknown_of telemetry)"
	n=$(count_comments)
	check "copied of $(cat flooded) are at most $most: $n" [ "$n" -ge 100 -a "$n" -le $most ]
	over flood
}

# Another apply ends it, also after it was killed.
others() {
	begin
	check 'another apply' "$ENTITYMUX" apply --backend="$1" more.conf
	end
	is 'ended' '0 entitymux: sample: 0 packets copied; ended, since something else was applied' \
		"$ended $(tail -n 1 said)"
	over 'another apply'
	is 'the other one is in force' more.conf "$(status | sed -n 's/^config: .*\///p')"
	begin
	end KILL 2>/dev/null
	says 'killed' '^samples: .*nobody reads them; end it with: entitymux apply .*/more.conf$' "$(status)"
	"$ENTITYMUX" status >/dev/null
	is 'exit status' 4 $?
	check 'apply' sh -c "! $ENTITYMUX apply --backend=$1 more.conf | grep unchanged"
	over 'apply after a kill'
}

# What is the same with each backend.
once() {
	check 'apply' "$ENTITYMUX" apply --backend=nft conf
	check 'apply' "$ENTITYMUX" apply --backend=nft more.conf
	"$ENTITYMUX" sample --reason=length 2>said | head -c 10 >out &
	until_says 'until entitymux sample ends' status
	send 5000 abc # which it cannot write
	for _ in $(seq 50); do
		status | grep -q '^samples' || break
		sleep 0.1
	done
	over 'a reader that ends'
	is 'that is no failure' '' "$(grep -vE '^entitymux: (sample: |waiting for another )' said)"
	check 'a full disk' exits 1 1 'standard output: No space left' sh -c "$ENTITYMUX sample >/dev/full"
	over 'a full disk'
	rm -f out
	"$ENTITYMUX" sample -w out 2>&- &
	sampler=$!
	until_says 'until entitymux sample ends' status
	end TERM
	is 'without standard error' '0 0' "$ended $(grep -ac copied out)"
	begin
	end KILL 2>/dev/null
	"$ENTITYMUX" heal >healed 2>&1 &
	healer=$!
	until_says 'state:  *in place$' status
	kill $healer
	wait $healer 2>/dev/null
	over 'heal after a kill'
	begin
	check 'rollback' "$ENTITYMUX" rollback
	end
	over rollback
	is 'the one before is in force' conf "$(status | sed -n 's/^config: .*\///p')"
	check 'remove' "$ENTITYMUX" remove
}

mistakes
once
for backend in $E2E_BACKENDS; do
	title="$backend: "
	alone "$backend"
	[ "$backend" != xdp ] || continue # loopback has none
	same "$backend"
	wanted
	both
	flood
	others "$backend"
	check 'remove' "$ENTITYMUX" remove
	entities "$backend"
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
