#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# An apply by another version of the program, one with another EM_ABI_VERSION: it is no `unchanged`, and
# nothing that was counted is lost.  As root, in a network namespace and a /run of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp-generic tc nft}"

if [ -z "${upgrade_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	upgrade_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") JSON=$(realpath tests/e2e/commands/json)
	ANOTHER=$(realpath tests/e2e/life/another)
	export upgrade_inside ENTITYMUX ANOTHER JSON E2E_BACKENDS
	exec timeout 600 unshare --mount --propagation private --net /bin/sh "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
mount -t tmpfs upgrade /run || exit 1
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
ip link set lo up
# Native XDP is not for lo; its programs are those of generic XDP.
backends=$(echo "$E2E_BACKENDS" | tr ' ' '\n' | grep -vx xdp)

# conf BACKEND LENGTH: with tags of so many bytes, the last of which tells them apart
conf() {
	zeros=$(printf "%$((2 * ($2 - 1)))s" '' | tr ' ' 0)
	cat <<-END
	backend = "$1";
	listeners = ( { name = "a"; interfaces = [ "lo" ]; port = 5000; payload = { min = $2; };
		tag = { offset = 0; length = $2; };
		entities = ( { tag = "0x${zeros}01"; port = 6001; }, { tag = "0x${zeros}02"; port = "pass"; },
			     { tag = "0x${zeros}10/$(($2 * 8 - 4))"; port = "drop"; } ); } );
	END
}
em() { "$ENTITYMUX" "$@"; }

# send LENGTH TAG...: a datagram each, zeros that end in a byte
send() {
	zeros=$(printf "%$(($1 - 1))s" '' | sed 's/ /\\000/g')
	shift
	for tag; do
		bash -c "printf '$zeros\\$tag' >/dev/udp/127.0.0.1/5000"
	done
}

# counts COMMAND: all of them, without when and by what
counts() { "$1" stats --json | "$JSON" | sed 's/.*"listeners"//; s/"last_seen":[^,}]*//g'; }
packets() { em stats --json | "$JSON" | grep -o '"packets":[0-9]*' | cut -d: -f2 | xargs; }
unknown() { em unknown --json | "$JSON" | grep -o '"tag":"[^"]*"'; }

# upgrade BACKEND CONFIG LENGTH: applied by another version, then by this one, and back
upgrade() {
	title="$1 $2: "
	conf "$1" "$3" >"$2"
	other=$ANOTHER
	[ "$1" = nft ] && other=$ENTITYMUX
	check 'the other version applies' "$other" apply "$2"
	is 'to which it is unchanged then' unchanged "$("$other" apply "$2" | sed -n 's/.*: \(unchanged\): .*/\1/p')"
	# What nft and a version that wrote none has.
	[ "$1" = nft ] && sed -i '/^programs /d' /run/entitymux/net-*/gen-*/record
	send "$3" 001 001 001 002 022 020 077
	send 1 001
	is 'counts' '8 3 1 2' "$(packets)"
	counts "$other" >before
	is 'this version reads the same' "$(cat before)" "$(counts em)"
	says 'and the unknown tags' '3f"' "$(unknown)"
	check 'status' em status
	is 'diff' "~ programs: of another version of entitymux" "$(em diff "$2")"
	check 'diff --json' exits 4 0 '' em diff --json "$2"
	is 'apply' applied "$(em apply "$2" | sed -n 's/.*: \(applied\): .*/\1/p')"
	is 'nothing is lost' "$(cat before)" "$(counts em)"
	is 'then it is unchanged' unchanged "$(em apply "$2" | sed -n 's/.*: \(unchanged\): .*/\1/p')"
	check 'and there is no difference' exits 0 0 '' em diff "$2"
	send "$3" 001 077
	is 'counts on' '10 4 1 2' "$(packets)"
	check 'back to the other version' "$other" apply "$2"
	is 'nothing is lost' '10 4 1 2' "$(packets)"
	for to in $backends; do
		[ "$to" = "$1" ] && continue
		check "to $to" em apply --backend="$to" "$2"
		is 'nothing is lost' '10 4 1 2' "$(packets)"
		check 'and back' "$other" apply "$2"
	done
	check 'remove' em remove
}

# Copies have a map of their own; nft has no programs.
copies() {
	title="$1 copies: "
	conf "$1" 4 | sed 's/port = 6001;/& copies = [ 7001 ];/' >copies.conf
	check 'the other version applies' "$ANOTHER" apply copies.conf
	send 4 001 001 002
	is 'counts' '3 2 1 0' "$(packets)"
	counts "$ANOTHER" >before
	says 'and copies' '"copied":2' "$(cat before)"
	check 'apply' em apply copies.conf
	is 'nothing is lost' "$(cat before)" "$(counts em)"
	check 'remove' em remove
}

# What the record says about this kernel is not tried again.
recorded() {
	title="$1 recorded: "
	conf "$1" 4 >short.conf
	check 'apply' em apply short.conf
	found=$(grep -h '^header_limit ' /run/entitymux/net-*/gen-*/record)
	says 'what was tried' '^header_limit [0-9]+$' "$found"
	sed -i 's/^header_limit .*/header_limit 7/' /run/entitymux/net-*/gen-*/record
	check 'an edit' em entity add a 0x00000003 6003
	is 'is taken from there' 'header_limit 7' "$(grep -h '^header_limit ' /run/entitymux/net-*/gen-*/record | sort -u)"
	check 'remove' em remove
}

for backend in $backends; do
	case $backend in nft) ;; *) [ -x "$ANOTHER" ] || continue ;; esac
	upgrade "$backend" short.conf 4
	upgrade "$backend" long.conf 12
	[ "$backend" = nft ] && continue
	copies "$backend"
	recorded "$backend"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
