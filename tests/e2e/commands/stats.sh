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
	EXCHANGE=$(realpath tests/e2e/replies/exchange) ETC=$(realpath "${srcdir:-.}/etc")
	export stats_inside ENTITYMUX EXCHANGE ETC E2E_BACKENDS
	exec timeout 600 unshare --mount --propagation private --net /bin/sh "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
needs script bash fish zsh
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
	/^[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)+\})? [0-9]+(\.[0-9]+)?$/ {
		if (substr($0, 1, match($0, /[{ ]/) - 1) != family) print "sample: " $0
		if (series[$0]++) print "twice: " $0
		next
	}
	{ print "line: " $0 }' "$1"
	[ "$(tail -c 1 "$1" | od -An -tx1)" = ' 0a' ] || echo 'no newline at the end'
	! command -v promtool >/dev/null || promtool check metrics <"$1" 2>&1
}

mistakes() {
	is 'nothing is applied' 'entitymux: nothing is applied' "$(stats)"
	is 'which is a metric, too' 'entitymux_policy_whole 0' "$(stats --prometheus | grep -v '^#')"
	check 'top' exits 2 1 'top: expected a number' "$ENTITYMUX" stats --top=0
	check 'sort' exits 2 1 'expected config, name, packets, bytes, last' "$ENTITYMUX" stats --sort=size
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
	check 'nobody' exits 1 1 'no entity is named telemetry/x' \
		"$ENTITYMUX" stats telemetry/x
}

# Without what differs from one moment to the next.
timeless() { sed 's/"last_seen": [0-9.]*//; s/^\(entitymux_entity_last_seen.*\) .*/\1/'; }

metrics() {
	stats --prometheus >metrics
	is 'text of Prometheus' '' "$(grammar metrics)"
	is 'packets of a listener' 'entitymux_packets_total{listener="telemetry"} 5' \
		"$(grep '^entitymux_packets_total{listener="t' metrics)"
	is 'packets of an entity' 'entitymux_entity_packets_total{listener="telemetry",entity="plant-a"} 3' \
		"$(grep '^entitymux_entity_packets.*plant-a' metrics)"
	says 'formats' 'entity_packets_total\{listener="flows",format="v9",entity="r"\} 0$' "$(cat metrics)"
	says 'what becomes of them' 'entity="plänt c",tag="0x0000000a",action="drop"\} 1$' "$(cat metrics)"
	is 'all of it is in place' 'entitymux_policy_whole 1' "$(grep '^entitymux_policy_whole' metrics)"
	is 'nobody listens' "$("$ENTITYMUX" status --json | sed -n 's/.*ports_without_socket": \[ \(.*\) \].*/\1/p')" \
		"$(sed -n 's/^entitymux_port_without.*"\(.*\)".*/\1/p' metrics | paste -s -d , | sed 's/,/, /g')"
	stats --prometheus --output=file
	is 'a file' "$(timeless <metrics)" "$(timeless <file)"
	is 'that others may read' 644 "$(stat -c %a file)"
	stats --json --output=file
	is 'another file in its place' "$(stats --json | timeless)" "$(timeless <file)"
	is 'and nothing else' 'conf err file metrics out' "$(find . -type f | sed 's/^..//' | sort | xargs)"
	check 'no folder' exits 1 1 'lost/x: No such file' "$ENTITYMUX" stats --output=lost/x
	# Whose file it is, and where it is, stays; what is no file stays as well.
	chown 1000:1000 file && chmod 640 file && ln -sf file link && mkfifo pipe
	(umask 077 && stats --json --output=link)
	is 'owner and permissions' '1000 640 symbolic link' "$(stat -c '%u %a' file) $(stat -c %F link)"
	ln -s nowhere dangling
	check 'a link to nothing' exits 1 1 'dangling: not a regular file' "$ENTITYMUX" stats --output=dangling
	check 'a FIFO' exits 1 1 'pipe: not a regular file' "$ENTITYMUX" stats --output=pipe
	is 'it stays' fifo "$(stat -c %F pipe)"
	rm file link pipe dangling
}

# What is printed on a terminal, without carriage returns.
on_terminal() { script -qec "$1 '$ENTITYMUX' stats" typed </dev/null | tr -d '\r'; }

colours() {
	escape=$(printf '\033')
	says 'colours' "listener $escape\[1mtelemetry$escape\[0m, port" "$(on_terminal 'TERM=xterm NO_COLOR=')"
	for plain in 'TERM=xterm NO_COLOR=1' 'TERM=dumb'; do
		says "$plain" 'listener telemetry, port' "$(on_terminal "$plain")"
		is "$plain: no colours" '' "$(grep "$escape" typed)"
	done
	rm -f typed
}

# in_fish WORD: without what this host adds; before 3.2, fish has no option for that, nor passes arguments
# shellcheck disable=SC2016 # of fish
in_fish() {
	env -u XDG_CONFIG_HOME -u XDG_DATA_HOME HOME="$tmp" word="$1" fish -c 'set fish_complete_path
		source $ETC/completion.fish
		complete -C "entitymux stats $word" | string match -r "^$word.*"'
}

# completes WORD CANDIDATES: the same in each shell; ":" breaks words of bash
# shellcheck disable=SC2016 # of other shells
completes() {
	is "bash: $1" "$2" "$(bash -c '. "$1/completion.bash"
		read -r -a COMP_WORDS <<<"entitymux stats ${2/:/ : }"
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_entitymux && printf "%s\n" "${COMPREPLY[@]/#/${2%"${2##*:}"}}"' bash "$ETC" "$1" | tr '\n' ' ')"
	is "fish: $1" "$(printf '%s' "$2" | tr ' ' '\n' | sort | xargs)" "$(in_fish "$1" | sort | xargs)"
	is "zsh: $1" "$2" "$(zsh -fc 'compadd() { print -rl -- ${(M)${(P)2}:#$PREFIX*} }
		_arguments() {}
		PREFIX=$2 words=(entitymux stats) CURRENT=3
		. $1/completion.zsh
		_entitymux_names' zsh "$ETC" "$1" | tr '\n' ' ')"
}

completions() {
	PATH=$(dirname "$ENTITYMUX"):$PATH
	completes tele 'telemetry '
	completes telemetry/plant 'telemetry/plant-b telemetry/plant-a '
	completes flows:v9/ 'flows:v9/r '
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
	colours
	completions
	check 'remove' "$ENTITYMUX" remove
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
