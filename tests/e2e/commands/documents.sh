#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# What the commands print whatever happens: help for every command; one JSON document with --json, also
# for an error; and paths with any bytes, shown such that no terminal obeys them.
#
# As root, with policies that are applied, in a network namespace and a /run of its own.

: "${ENTITYMUX:=./entitymux}" "${srcdir:=.}"

if [ -z "${documents_inside-}" ] && [ "$(id -u)" -eq 0 ]; then
	documents_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") srcdir=$(realpath "$srcdir")
	JSON=$(realpath tests/e2e/commands/json)
	export documents_inside ENTITYMUX srcdir JSON
	exec timeout 600 unshare --mount --propagation private --net /bin/sh "$0"
fi
: "${JSON:=$PWD/tests/e2e/commands/json}"
page=$(realpath "$srcdir/man/entitymux.8")
ENTITYMUX=$(realpath "$ENTITYMUX")
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
[ -z "${documents_inside-}" ] || mount -t tmpfs documents /run || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

# The bytes of a path: no UTF-8, and what clears a screen.
odd=$(printf 'bad\377\033[2J.conf')
odd_text='bad\\xff\\x1b\[2J\.conf'
odd_json='bad\\\\xff\\u001B\[2J\.conf'

conf() {
	cat <<-EOF
	listeners = ( { name = "a"; interfaces = [ "lo" ]; port = 5000; tag = { offset = $1; length = 4; };
		entities = ( { tag = "0x00000001"; port = 6001; } ); } );
	EOF
}

# document STATUS PATTERN ARGUMENT...: the document that a command prints, in a line
document() {
	status=$1 pattern=$2
	shift 2
	"$ENTITYMUX" "$@" >out 2>err
	seen=$? what=$(printf %s "$*" | tr -d '\033\377')
	is "$what: exit status" "$status" "$seen"
	"$JSON" <out >line 2>&1
	is "$what: a document" 0 $?
	says "$what: what is in it" "$pattern" "$(cat line)"
	for key in $(grep -oE '"[a-z_-]+":' line | tr -d '":' | sort -u); do
		grep -qE -- "(Ql|\") ?$key( |\"|\$)" "$page" || fail "$what: key $key is not in entitymux.8"
	done
}

# text STATUS PATTERN ARGUMENT...: what a command prints for people
text() {
	status=$1 pattern=$2
	shift 2
	"$ENTITYMUX" "$@" >out 2>&1
	seen=$? what=$(printf %s "$*" | tr -d '\033\377')
	is "$what: exit status" "$status" "$seen"
	says "$what: what it says" "$pattern" "$(cat out)"
	is "$what: nothing that a terminal obeys" 0 "$(LC_ALL=C tr -dc '\000-\011\013-\037\177' <out | wc -c)"
}

helps() {
	for command in $("$ENTITYMUX" --help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'); do
		"$ENTITYMUX" "$command" --help >expected
		is "$command --help" 0 $?
		for help in help --help -h; do
			is "$help $command" "$(cat expected)" "$("$ENTITYMUX" $help "$command")"
		done
		says "$command --help: options" '^  -h, --help  ' "$(cat expected)"
	done
	text 0 '^ *--backend=BACKEND .*: auto, xdp, xdp-generic, tc, nft$' apply --help
	text 0 '^  -n, --dry-run  ' apply --help
}

mistakes() {
	text 2 'unknown command aply; did you mean apply\?$' aply
	text 2 'unknown command aply; did you mean apply\?$' help aply
	text 2 'unknown command frobnicate; see entitymux --help$' frobnicate
	text 2 'apply: unknown option --jsn; did you mean --json\?$' apply --jsn
	text 2 'apply: unknown option -x; see entitymux apply --help$' apply -x
	text 2 'apply: option --json takes no argument; see' apply --json=yes
	text 2 'apply: option --backend needs an argument; see' apply --backend
	text 2 'backend=nftables: expected auto, .*, nft; did you mean nft\?$' apply --backend=nftables
	text 2 'remove: unknown option --json;' remove --json
	text 2 'check: unexpected argument .*bad\\xff' check a "$odd"
	is 'each mistake' 3 "$("$ENTITYMUX" apply --fast --jsn a b 2>&1 | wc -l)"
}

errors() {
	usage='^\{"schema":1,"error":"usage","messages":\['
	document 2 "$usage"'\{"file":null,"line":null,"text":"apply: unknown option --fast' apply --fast --json
	document 2 "$usage"'.*unexpected argument b' check --json a b
	document 2 "$usage"'.*unexpected argument b' status --json b
	document 2 "$usage"'.*unknown command aply; did you mean apply' aply --json x.conf
	document 2 "$usage"'.*unknown command --json; see' --json status
	document 1 '^\{"schema":1,"error":"failed","messages":\[.*lost.conf.*No such file' check --json lost.conf
	printf 'listeners = (\n{ name = "a"; prot = 1; } );' >"$odd"
	document 2 "$usage"'\{"file":"'"$odd_json"'","line":2,"text":' check --json "$odd"
	text 2 "^entitymux: $odd_text:2: " check "$odd"
}

odd_paths() {
	conf 4 >"$odd"
	text 0 "^$odd_text: correct: listeners: 1, entities: 1\$" check "$odd"
	document 0 '"config":"'"$odd_json"'","listeners":1,"entities":1\}$' check --json "$odd"
	[ -n "${documents_inside-}" ] || return
	ip link set lo up
	document 1 '"error":"failed",.*"nothing is applied"' stats --json
	document 0 '^\{"schema":1,"applied":false,"whole":false,"interfaces":\[\]' status --json
	config="\"config\":\"$tmp/$odd_json\""
	document 0 "$config,\"result\":\"applied\",\"backend\":\"nft\"" apply --backend=nft --json "$odd"
	text 0 "/$odd_text: unchanged: backend nft" apply --backend=nft "$odd"
	text 0 "^config:      $tmp/$odd_text\$" status
	document 0 "\"whole\":true,$config,\"applied_at\":" status --json
	text 0 "^config:      $tmp/$odd_text\$" stats
	document 0 "\"backend\":\"nft\",$config,.*\"entities\":\[\{\"name\":\"0x00000001\"" stats --json
	document 0 '^\{"schema":1,"reset":true\}$' stats --reset --json
	is 'stats --reset: nothing for people' '' "$("$ENTITYMUX" stats --reset 2>&1)"
	text 0 "^$tmp/$odd_text\$" probe "$odd"
	document 0 "$config,.*\"backends\":" probe --json "$odd"
	nft delete table netdev entitymux
	document 4 '"applied":true,"whole":false' status --json
	"$ENTITYMUX" remove
	conf 1000 >far.conf
	"$ENTITYMUX" apply -n --backend=nft far.conf >/dev/null 2>&1
	[ $? -ne 3 ] || document 3 '"error":"unsupported"' apply -n --json --backend=nft far.conf
}

# A result that cannot be written is an error.
full() {
	conf 4 >full.conf
	for words in --help --version 'help apply' 'apply --help' 'check full.conf' \
		'check --json full.conf' 'ruleset full.conf'; do
		# shellcheck disable=SC2086 # several words
		"$ENTITYMUX" $words 2>err >/dev/full
		is "$words > /dev/full: exit status" 1 $?
		is "$words > /dev/full" 'entitymux: standard output: No space left on device' \
			"$(tail -n 1 err)"
	done
}

# What was done remains, and that is said.
full_afterwards() {
	[ -n "${documents_inside-}" ] || return
	ip link set lo up
	for words in 'apply --backend=nft full.conf' 'apply --backend=nft --json full.conf' 'stats --reset --json'; do
		# shellcheck disable=SC2086 # several words
		"$ENTITYMUX" $words 2>err >/dev/full
		is "$words > /dev/full: exit status" 1 $?
		is "$words > /dev/full" 'entitymux: standard output: No space left on device' \
			"$(head -n 1 err)"
		says "$words > /dev/full" 'entitymux: the .* all the same$' "$(tail -n 1 err)"
	done
	text 0 'in place' status
	"$ENTITYMUX" remove
}

# What is in force, as a configuration: applied, it is the same policy.
showconf() {
	[ -n "${documents_inside-}" ] || return
	text 1 '^entitymux: nothing is applied$' showconf
	cat >shown.conf <<-'EOF'
	listeners = ( { name = "a"; interfaces = [ "lo" ]; port = 5000; sources = [ "192.0.2.0/24" ]; replies = false;
		checks = ( { offset = 0; length = 8; min = "0xf000000000000000"; } ); formats = (
		{ name = "x"; payload = { min = 9; }; tag = { offset = 2; length = 2; }; unknown = 9;
			entities_file = "shown.entities"; },
		{ name = "y"; payload = { max = 8; }; tag = ( { offset = 0; length = 1; mask = "0xf0"; },
			{ offset = 3; length = 1; } ); entities = ( ); } ); } );
	EOF
	printf '0x0001,6001,a b\n0x0002,drop\n' >shown.entities
	"$ENTITYMUX" apply --backend=nft shown.conf >/dev/null && "$ENTITYMUX" showconf >again.conf
	is 'showconf: exit status' 0 $?
	says 'showconf: entities' 'name = "a b"; tag = "0x0001"; port = 6001;' "$(cat again.conf)"
	is 'showconf: the same policy' "$("$ENTITYMUX" ruleset shown.conf)" "$("$ENTITYMUX" ruleset again.conf)"
	"$ENTITYMUX" apply --backend=nft again.conf >/dev/null
	is 'showconf: the same text' "$(cat again.conf)" "$("$ENTITYMUX" showconf)"
	is 'showconf > /dev/full' 'entitymux: standard output: No space left on device' \
		"$("$ENTITYMUX" showconf 2>&1 >/dev/full)"
	"$ENTITYMUX" remove
}

full
full_afterwards
showconf
helps
mistakes
errors
odd_paths
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
