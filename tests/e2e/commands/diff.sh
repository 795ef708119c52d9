#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# `diff`: what an apply would change, as text and as JSON.  As root, in a network namespace and a /run of
# its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=tc nft}"

if [ -z "${diff_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	diff_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") JSON=$(realpath tests/e2e/commands/json)
	export diff_inside ENTITYMUX JSON E2E_BACKENDS
	exec timeout 600 unshare --mount --propagation private --net /bin/sh "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
mount -t tmpfs diff /run || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
ip link set lo up

cat >conf <<'END'
backend = "nft";
listeners = (
	{ name = "telemetry"; interfaces = [ "lo" ]; port = 5000; tag = { offset = 0; length = 4; };
	  entities = ( { name = "plant-a"; tag = "0x00000001"; port = 6001; },
		       { name = "plant-b"; tag = "0x00000002"; port = "drop"; },
		       { tag = "0x00000010/28"; port = "pass"; } ); },
	{ name = "flows"; interfaces = [ "lo" ]; port = 2055; checks = ( { offset = 0; length = 1; max = 99; } );
	  formats = ( { name = "v9"; payload = { max = 8; }; tag = { offset = 0; length = 1; };
			entities = ( { name = "r"; tag = "0x01"; port = 7001; } ); },
		      { name = "ipfix"; tag = { offset = 1; length = 1; }; entities = (); } ); } );
END

# changed EXIT EXPECTED [SED-EXPRESSION...]: what `diff` says of the configuration after these
changed() {
	status=$1 expected=$2
	shift 2
	cp conf applied
	for expression; do sed -i "$expression" conf; done
	seen=$("$ENTITYMUX" diff conf 2>&1)
	is "exit status of: $*" "$status" $?
	is "what is said of: $*" "$expected" "$seen"
	"$ENTITYMUX" diff --json conf | "$JSON" >line || fail "JSON of: $*" "$(cat line)"
	[ "$status" -eq 0 ] || says "JSON of: $*" '"(changes|interfaces)":\[\{|"before":(null|"(nft|tc)")' "$(cat line)"
	[ "$status" -eq 0 ] || [ -z "$in_force" ] ||
		is "apply -n says the same of: $*" "$expected" "$("$ENTITYMUX" apply -n conf 2>&1 | sed 1,2d)"
	cp applied conf
}
in_force=

changed 4 "+ config: $tmp/conf
+ backend: nft
+ lo: nft-ingress
+ telemetry: entities 3
+ flows: entities 1"
is 'a first apply' "$tmp/conf: applied: backend nft (asked for)
  lo: nft-ingress" "$("$ENTITYMUX" apply conf 2>&1)"
in_force=yes
is 'nothing would change' "$tmp/conf: unchanged: backend nft (asked for)
  lo: nft-ingress" "$("$ENTITYMUX" apply -n conf 2>&1)"
sed 's/6001/6005/' conf >other
for words in 'diff other' 'diff --json other' 'status --config=other' 'status --json --config=other'; do
	# shellcheck disable=SC2016,SC2086 # of the inner shell; several words
	check "$words, not printed" exits 1 1 'standard output: No space left' \
		sh -c 'exec "$0" "$@" >/dev/full' "$ENTITYMUX" $words
done
changed 0 ''
changed 0 '' 's/"telemetry";/& unknown = "pass";/'
changed 4 '~ telemetry/plant-a 0x00000001: port 6001 -> 6005' 's/6001/6005/'
changed 4 '~ telemetry/plant-b 0x00000002: port drop -> 6002' 's/port = "drop"/port = 6002/'
changed 4 '~ telemetry/new 0x00000001: name plant-a -> new' 's/plant-a/new/'
changed 4 '+ telemetry/plant-c 0x504c5443: 6003' \
	's/{ tag = "0x00000010/{ name = "plant-c"; tag = "0x504c5443"; port = 6003; }, &/'
changed 4 '- telemetry/0x00000010/28: pass' 's/"drop"; },/"drop"; } ); },/; /0x00000010/d'
changed 4 '+ telemetry/0x00000010/29: pass
- telemetry/0x00000010/28: pass' 's,0x00000010/28,0x00000010/29,'
changed 4 '~ telemetry: port 5000 -> 5001' 's/port = 5000/port = 5001/'
changed 4 '~ telemetry: vlan not set -> 5
~ telemetry: invalid "drop" -> 6009' 's/port = 5000;/& vlan = 5; invalid = 6009;/'
changed 4 '~ flows: checks ( { offset = 0; length = 1; min = 0; max = 99; endian = "big"; not = false; } ) -> ( )' \
	's/checks = ( .* );/ /'
changed 4 '~ flows:v9: payload { min = 0; max = 8; } -> { min = 0; max = 9; }' 's/max = 8/max = 9/'
changed 4 '+ flows:v10: entities 0
- flows:ipfix: entities 0' 's/ipfix/v10/'
changed 4 '+ streams: entities 1
- flows: entities 1' 's/"flows"/"streams"/'
# The order of formats decides; that of entities and of listeners is what stats shows.
changed 4 '~ flows: formats v9, ipfix -> ipfix, v9' '$s/{ name = "ipfix".*(); } );/);/' \
	's/formats = ( /&{ name = "ipfix"; tag = { offset = 1; length = 1; }; entities = (); }, /'
a='"plant-a"; tag = "0x00000001"; port = 6001' b='"plant-b"; tag = "0x00000002"; port = "drop"'
changed 4 '~ telemetry: entities plant-a, plant-b -> plant-b, plant-a' "s/$a/A/; s/$b/$a/; s/A;/$b;/"
changed 4 '~ listeners telemetry, flows -> flows, telemetry' '3,6{H;d}; ${s/ );$/,/;G;s/,$/ );/}'
case " $E2E_BACKENDS " in
*' tc '*)
	changed 4 '~ backend: nft -> tc
~ lo: nft-ingress -> tc-ingress' 's/"nft"/"tc"/'
	;;
esac

# The file of another policy; and many entities.
cat >other <<'END'
backend = "nft";
listeners = ( { name = "telemetry"; interfaces = [ "lo" ]; port = 5000; tag = { offset = 0; length = 4; };
	entities_file = "many"; } );
END
seq 1 60 | awk '{ printf "0x%08x,6001%s\n", $1, $1 == 1 ? ",plant-a" : "" }' >many
sed -i '/0x0000001[0-9a-f],/d' many
is 'another file' "~ config: $tmp/conf -> $tmp/other
~ telemetry: entities +42 -1 ~2
- flows: entities 1" "$("$ENTITYMUX" diff other 2>&1)"
check 'nothing was changed' "$ENTITYMUX" status
is 'nor is in force' "$tmp/conf" "$("$ENTITYMUX" status | sed -n 's/^config: *//p')"
"$ENTITYMUX" diff --json other | "$JSON" >line
says 'each entity as JSON' '\{"change":"added","listener":"telemetry","entity":"0x00000003","tag":"0x00000003","action":"port","port":6001,"takes_back":false\}' "$(cat line)"
is 'an apply of it' "$tmp/other: applied: backend nft (asked for)
  lo: nft-ingress
~ config: $tmp/conf -> $tmp/other
~ telemetry: entities +42 -1 ~2
- flows: entities 1" "$("$ENTITYMUX" apply other 2>&1)"
says 'an apply as JSON' '"diff":\{"config":\{"before":".*/other","after":".*/conf"\},.*"changes":\[.*\{"change":"added","listener":"flows","entities":1\}\]' \
	"$("$ENTITYMUX" apply --json conf | "$JSON")"
is 'nothing of an apply that changes nothing' "$tmp/conf: unchanged: backend nft (asked for)
  lo: nft-ingress" "$("$ENTITYMUX" apply conf 2>&1)"
# Of many entities in another order, the first ones are named.
seq 20 -1 1 | awk '{ printf "0x%08x,6001,e%d\n", $1, $1 }' >many
check 'many entities' "$ENTITYMUX" apply other
seq 20 | awk '{ printf "0x%08x,6001,e%d\n", $1, $1 }' >many
is 'in another order' '~ telemetry: entities e20, e19, e18, e17, e16, e15, e14, e13, ... -> e1, e2, e3, e4, e5, e6, e7, e8, ...' \
	"$("$ENTITYMUX" diff other)"
check 'the first again' "$ENTITYMUX" apply conf
# Whether a file is what is in force.
status() { "$ENTITYMUX" status "$@" 2>&1; }
check 'is in force' "$ENTITYMUX" status --config
says 'said' '^file:  *is what is in force$' "$(status --config)"
says 'JSON' '"config_in_force":true,' "$(status --config --json | "$JSON")"
check 'not asked for' [ -z "$(status --json | grep config_in_force)" ]
check 'another one is not' exits 4 0 '' "$ENTITYMUX" status --config=other
says 'which is said' '^file:  *is not what is in force; see entitymux diff$' "$(status --config=other)"
says 'JSON of that' '"config_in_force":false,' "$(status --config=other --json | "$JSON")"
cp conf kept
sed -i 's/6001/6005/' conf
check 'changed since' exits 4 0 '' "$ENTITYMUX" status --config
sed '3,6{H;d}; ${s/ );$/,/;G;s/,$/ );/}' kept >conf
check 'in another order' exits 4 0 '' "$ENTITYMUX" status --config
says 'JSON of the order' '\{"change":"changed","listener":null,"key":"listeners","before":"telemetry, flows","after":"flows, telemetry"\}' \
	"$("$ENTITYMUX" diff --json conf | "$JSON")"
check 'which status alone does not look at' "$ENTITYMUX" status
sed 's/"nft"/"auto"/' kept >conf
check 'another backend' exits 4 0 '' "$ENTITYMUX" status --config
sed '$d' kept >conf
check 'a mistake' exits 2 1 'conf:[0-9]*: ' "$ENTITYMUX" status --config
rm conf
check 'a file that is gone' exits 1 1 'conf: No such file' "$ENTITYMUX" status --config
mv kept conf
check 'a file that is not there' exits 1 1 'lost.conf: No such file' "$ENTITYMUX" diff lost.conf
rm /run/entitymux/net-*/gen-*/policy.conf
check 'a policy that is not known' exits 1 2 'the policy in force is not known' "$ENTITYMUX" diff conf
sed 's/"nft"/"auto"/' conf >auto
newline='of two
lines'
cp conf "$newline"
check 'a path of two lines' "$ENTITYMUX" apply "$newline"
says 'is known again' ' unchanged: ' "$("$ENTITYMUX" apply "$newline" | tail -n 2)"
check 'to status as well' "$ENTITYMUX" status --config
words="of two words, one of them isn't plain"
cp conf "$words"
check 'a path of words' "$ENTITYMUX" apply "$words"
nft flush table netdev entitymux
mend=$(status | sed -n 's/.*; mend it with: entitymux //p')
is 'is quoted' "apply --backend=nft '$PWD/of two words, one of them isn'\\''t plain'" "$mend"
check 'so that a shell takes it' sh -c "'$ENTITYMUX' $mend"
check 'and mends it' "$ENTITYMUX" status
check 'a backend that the configuration does not ask for' "$ENTITYMUX" apply --backend=nft auto
check 'is not what it says' exits 4 0 '' "$ENTITYMUX" status --config
check 'but what another one says' "$ENTITYMUX" status --config=conf
check 'remove' "$ENTITYMUX" remove
check 'nothing is in force' exits 4 0 '' "$ENTITYMUX" status --config=conf

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
