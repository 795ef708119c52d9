#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# `entity`: changes to the policy in force, and to its entities file.  As root, in a network namespace and a
# /run of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp tc nft}"

if [ -z "${entity_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	entity_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") JSON=$(realpath tests/e2e/commands/json)
	export entity_inside ENTITYMUX JSON E2E_BACKENDS
	exec timeout 600 unshare --mount --propagation private --net bash "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
mount -t tmpfs entity /run || exit 1
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
ip link set lo up

cat >conf <<'END'
listeners = (
	{ name = "a"; interfaces = [ "lo" ]; port = 5000; tag = { offset = 0; length = 1; };
	  entities = ( { name = "listed"; tag = "0x01"; port = 6001; } ); entities_file = "link"; },
	{ name = "b"; interfaces = [ "lo" ]; port = 5001;
	  formats = ( { name = "v9"; payload = { max = 8; }; tag = { offset = 0; length = 1; };
			entities = (); entities_file = "shared"; },
		      { name = "ipfix"; tag = { offset = 1; length = 1; }; entities = (); entities_file = "./shared"; } ); },
	{ name = "c"; interfaces = [ "lo" ]; port = 5002; tag = { offset = 0; length = 4; }; entities = (); } );
END
file() { printf '# a comment\n 0x02 , 6002 , second\n\n%s' "$1"; }
restore() {
	file '0x03,6003' >entities
	chmod 640 entities
	ln -sf entities link
	: >shared
}
restore

em() { "$ENTITYMUX" "$@"; }
# send BYTE...
send() { for byte; do printf '%b' "\\0$byte" >/dev/udp/127.0.0.1/5000; done; }
counts() { em stats --json a | "$JSON" | grep -oE '"(tag":"0x|packets":)[^,]*' | cut -d: -f2 | tr -d '"' | tr '\n' ' '; }
edited() { em status --json | "$JSON" | grep -o '"edits":[0-9]*' | cut -d: -f2; }
saved() { is "$1" "$(file "$2" | sed "${3-}")" "$(cat entities)"; }

section() {
	title="$1: "
	check 'a policy' em apply --backend="$1" conf
	is 'is not edited' 0 "$(edited)"
	send 001 002 003 004
	is 'add' "$tmp/conf: applied: backend $1
~ live edits: 0 -> 1
+ a/fourth 0x04: 6004" "$(em entity add a 0x04 6004 fourth | sed -e 's/ (.*//' -e '/^  lo/d')"
	send 004
	is 'counts, and all others on' '5 0x01 1 0x02 1 0x03 1 0x04 1 ' "$(counts)"
	says 'once more' ': unchanged: ' "$(em entity add a 0x04 6004 fourth)"
	is 'is no edit' 1 "$(edited)"
	says 'move' '^~ a/fourth 0x04: port 6004 -> drop$' "$(em entity move a 0x04 drop)"
	says 'with another name' '^~ a/last 0x04: name fourth -> last$' "$(em entity move a 0x04 drop last)"
	send 004
	is 'keeps the counts' '6 0x01 1 0x02 1 0x03 1 0x04 2 ' "$(counts)"
	says 'status' '^edited: *live edits: 3, which the configuration does not have$' "$(em status)"
	check 'and is 0' em status
	check 'delete' em entity delete a 0x04
	is 'the last one goes' '6 0x01 1 0x02 1 0x03 1 ' "$(counts)"
	check 'delete the first' em entity delete a 0x01
	send 001 003
	is 'the order of the others stays' '8 0x02 1 0x03 2 ' "$(counts)"
	check 'a rollback' em rollback
	is 'undoes the last' 4 "$(edited)"
	is 'with its counters' '8 0x01 1 0x02 1 0x03 2 ' "$(counts)"
	check 'a range' em entity add a 0x10..0x1f pass
	send 021
	is 'counts' '9 0x01 1 0x02 1 0x03 2 1 ' "$(counts)"
	check 'a range within' em entity add a 0x10/7 6010
	send 020 022
	is 'decides' '11 0x01 1 0x02 1 0x03 2 2 1 ' "$(counts)"
	check 'move a range' em entity move a 0x10/7 6011
	check 'of a format' em entity add b:ipfix 0x0a 7010
	check 'an address' em entity add c 192.0.2.7 7011
	is 'diff' '4 ~ live edits: 9 -> 0 - c/0xc0000207: 7011 (was edited live) ' \
		"$(em diff conf >changes; echo "$? $(grep -E 'edits|c/' changes | tr '\n' ' ')")"
	says 'the range' '^- a/0x10/4: pass \(was edited live\)$' "$(cat changes)"
	says 'of a format' '^- b:ipfix/0x0a: 7010 \(was edited live\)$' "$(cat changes)"
	is 'what is new in the file was not' '+ a/sixth 0x06: 6006' "$(printf '\n0x06,6006,sixth\n' >>entities
		em diff conf | grep sixth)"
	is 'in JSON' 'false true ' "$(em diff --json conf | "$JSON" |
		grep -oE '"entity":"(sixth|0xc0000207)"[^}]*' | sed 's/.*"takes_back"://' | tr '\n' ' ')"
	restore
	says 'an apply takes all of them back' '^~ live edits: 9 -> 0$' "$(em apply --backend="$1" conf | tee changes)"
	says 'each' '^- a/0x10/7: 6011 \(was edited live\)$' "$(cat changes)"
	is 'and says so' 0 "$(edited)"
	is 'diff then' 0 "$(sed -i "1i backend = \"$1\";" conf; em diff conf | wc -l)"
	sed -i 1d conf

	before=$(em showconf)
	says 'dry run' ': would apply: ' "$(em entity add -n --save a 0x04 6004)"
	check 'wait for confirmation' em entity add --confirm=600 a 0x04 6004
	check 'meanwhile no other' exits 1 1 'waits for confirmation' em entity add a 0x05 6005
	check 'undone' em rollback
	is 'as it was' "$before" "$(em showconf)"
	saved 'nothing was saved' '0x03,6003'
	em remove
}

# Which edits an apply takes back.
marks() {
	title='marks: '
	em apply --backend="$1" conf >/dev/null
	for tag in 04 05 0a; do em entity add a 0x$tag 6004 >/dev/null; done
	em entity delete a 0x04 >/dev/null
	em entity move a 0x02 drop >/dev/null
	em entity delete a 0x03 >/dev/null
	em entity move --save a 0x05 6005 >/dev/null
	file '0x04,6004,fourth' >entities # nor 3, nor 5
	is 'not what was added and deleted, or saved' '~ a/second 0x02: port drop -> 6002 (was edited live)
+ a/fourth 0x04: 6004
- a/0x05: 6005
- a/0x0a: 6004 (was edited live)' "$(em diff conf | grep a/)"
	check 'rollback' em rollback
	is 'a rollback takes back its own' '- a/0x07: 6004 (was edited live)' \
		"$(em entity add a 0x07 6004 >/dev/null; em rollback | grep a/)"
	for tag in 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f 30 31 32 33 34; do em entity add a 0x$tag 6004 >/dev/null; done
	says 'a sum' '^~ a: entities \+1 -2[0-9] ~1 \(were edited live: 2[0-9]\)$' "$(em diff conf)"
	check 'apply' em apply --backend="$1" conf
	em remove
	restore
}

# What is saved, and what is not.
saves() {
	title='save: '
	em apply --backend="$1" conf >/dev/null
	check 'add' em entity add --save a text:t 6004 't, with a comma'
	saved 'the last line gets an end' '0x03,6003
text:t,6004,t, with a comma
'
	check 'a comma' em entity add --save a text:, 6005
	check 'delete' em entity delete --save a text:t
	saved 'as a number' '0x03,6003
0x2c,6005
'
	is 'it has its owner and its permissions' 640 "$(stat -c %a entities)"
	is 'the link stays' entities "$(readlink link)"
	is 'nothing is beside it' '' "$(ls entities.* 2>&-)"
	is 'it is no edit' 0 "$(edited)"
	says 'and an apply is unchanged' ': unchanged: ' "$(em apply --backend="$1" conf)"
	check 'move' em entity move --save a 0x02 drop
	check 'to another name' em entity move --save a 0x03 pass third
	saved 'the tag and all else stays' '0x03,pass,third
0x2c,6005
' 's/^ 0x02 .*/ 0x02 ,drop,second/'
	em entity delete --save a 0x2c >/dev/null
	em entity move --save a 0x02 6002 >/dev/null
	check 'what only is in force' em entity add a 0x07 6007 seventh
	check 'is saved with its name' em entity move --save a 0x07 6008
	saved 'as it is' '0x03,pass,third
0x07,6008,seventh
' 's/^ 0x02 .*/ 0x02 ,6002,second/'
	lines=$(cat entities)
	check 'an entity of the configuration' exits 2 1 'conf:3: the entity is in the configuration itself' \
		em entity move --save a 0x01 6009
	check 'no file' exits 2 1 'conf:8: there is no entities_file to save in' em entity add --save c 0x00000001 1
	check 'a file of two formats' exits 2 1 'has the same entities_file, expected one of its own.*shared' \
		em entity add --save b:v9 0x01 1
	check 'with --confirm' exits 2 1 'does not go with --confirm' em entity add --save --confirm=5 a 0x08 1
	printf '0x08,6008\n' >>entities
	check 'a name that only the file has' em entity add --save a 0x08 6008 eighth
	em entity add a 0x0d 6013 >/dev/null
	printf '0x0d,6013\n' >>entities
	is 'an edit that the file has meanwhile' '~ live edits: 2 -> 0' "$(em diff conf | grep edits)"
	says 'is none after an apply' '^~ live edits: 2 -> 0$' "$(em apply --backend="$1" conf)"
	is 'of the same policy' 0 "$(edited)"
	em entity delete --save a 0x0d >/dev/null
	before=$(em showconf)
	printf '0x09,6009,ninth\n' >>entities
	check 'of another entity' exits 2 1 'the name of another entity already \(.*link:7\)' \
		em entity add --save a 0x0a 6010 ninth
	printf '0x0b,x\n' >>entities
	check 'a mistake in the file' exits 2 1 'link:8: port: "x"' em entity add --save a 0x0a 6010
	is 'it is left alone' "$lines
0x08,6008,eighth
0x09,6009,ninth
0x0b,x" "$(cat entities)"
	is 'and so is the policy' "$before" "$(em showconf)"
	em remove
	restore
}

# Two at a time: none is lost.
both() {
	title='two at a time: '
	em apply --backend="$1" conf >/dev/null
	for i in 1 2 3 4 5 6; do
		"$ENTITYMUX" entity add --save a "0x4$i" "604$i" >/dev/null 2>&1 &
		"$ENTITYMUX" entity add --save a "0x5$i" "605$i" >/dev/null 2>&1 &
		wait
	done
	is 'all are in force' 12 "$(em showconf | grep -c '"0x[45]')"
	is 'and saved' 12 "$(grep -c '^0x[45]' entities)"
	em remove
	restore
}

mistakes() {
	title='mistakes: '
	check 'nothing is applied' exits 1 1 'nothing is applied' em entity add a 0x04 6004
	em apply --backend="$1" conf >/dev/null
	before=$(em showconf)
	while IFS='|' read -r words expected; do
		# shellcheck disable=SC2086 # words
		check "$words" exits 2 1 "$expected" em entity $words
	done <<-'END'
		|entity: expected add, move or delete
		change a 0x04 1|entity: "change": expected add, move or delete
		add a 0x04|entity add: expected LISTENER\[:FORMAT\] TAG PORT \[NAME\]
		delete a|entity delete: expected LISTENER\[:FORMAT\] TAG$
		delete a 0x01 6001|entity delete: expected LISTENER\[:FORMAT\] TAG$
		add a 0x04 1 n o|unexpected argument o
		add aa 0x04 1|aa: no such listener; did you mean a\?
		add zzzz 0x04 1|zzzz: no such listener$
		add b 0x04 1|b: expected b:FORMAT, of v9, ipfix$
		add b:x 0x04 1|b:x: expected b:FORMAT, of v9, ipfix$
		add a:x 0x04 1|a:x: listener "a" has no formats, expected a alone$
		add a 0x0401 1|tag: 2 bytes, expected 1
		add a 4 1|tag: "4": expected bytes as
		add a 0x04 0|port: "0": expected pass, drop or a port
		add a 0x04 65536|port: "65536": expected pass, drop or a port
		add a 0x04 ""|port: """": expected pass
		add a 0x04 1 a"b|name: "a"b": expected a name without
		add a 0x01 6009|tag: 0x01 is the tag of "listed" already \(in force\)
		add a 0x09 6009 second|name: "second" is the name of another entity already \(in force\)
		move a 0x09 6009|listener "a": no entity has the tag 0x09$
		move a 0x01 6009 second|name: "second" is the name of another entity already \(in force\)
		delete b:v9 0x20..0x2f|listener "b":v9: no entity has the tag 0x20/4$
		add --confirm=0 a 0x09 1|--confirm=0: expected seconds, 1-86400
	END
	check 'a range' em entity add a 0x20..0x2f 1
	check 'that overlaps' exits 2 1 'tag: 0x28..0x37 overlaps 0x20/4 of "0x20/4" \(in force\), expected' \
		em entity add a 0x28..0x37 1
	check 'and is gone' em entity delete a 0x20/4
	is 'nothing has changed' "$before" "$(em showconf)"
	is 'an error as JSON' '"error"' "$(em entity --json add a 0x01 6009 2>&- | "$JSON" | grep -o '"error"')"
	says 'JSON' '"result":"applied".*"edits":\{"before":2,"after":3\}' "$(em entity --json add a 0x09 6009 | "$JSON")"
	em remove
}

for backend in $E2E_BACKENDS; do
	case $backend in
	xdp) section xdp-generic ;;
	tc | nft) section "$backend" ;;
	esac
done
saves nft
marks nft
both nft
mistakes nft

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
