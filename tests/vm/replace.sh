#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Whether a policy that replaces another one is whole, leaves nothing of it, and goes without a trace.
#
# usage: replace.sh BACKEND
set -u

: "${ENTITYMUX:=./entitymux}"
backend=$1 failures=0

fail() {
	echo "not ok: $1"
	failures=$((failures + 1))
}

write_policy() {
	cat >/run/replace.conf <<-END
		listeners = ( { name = "t"; interfaces = [ "em0" ]; port = 5000;
		sources = [ "192.0.2.0/24", "2001:db8::/32" ];
		tag = { offset = 0; length = 4; }; checks = ( { offset = 4; bytes = "0x4d58"; } );
		entities = ( { tag = "text:some"; port = $1; }, { tag = "text:none"; port = "drop"; } $2 ); } );
	END
}

no_table() {
	! nft list tables | grep entitymux || fail "$1 left a table"
}

# What is refused changes nothing.
apply_policy() {
	write_policy "$@"
	"$ENTITYMUX" apply --backend="$backend" /run/replace.conf 2>/run/replace.err
	case $? in
	0)
		! grep . /run/replace.err || fail "apply said something"
		"$ENTITYMUX" status || fail "status"
		;;
	3)
		sed 's/^/skip /' /run/replace.err
		[ "$applied" ] || no_table "a refusal"
		return
		;;
	*) fail "apply" ;;
	esac
	applied=yes
}

ip link add em0 type veth peer name em1
ip link set em0 up
ip link set em1 up
applied=
# On Linux 4.14, nft refuses these.
apply_policy 6001 ', { tag = "0x01020000/16"; port = 7001; }, { tag = "0x01020300/24"; port = 7002; }'
for port in 6001 6002 6003; do
	apply_policy $port ''
done
"$ENTITYMUX" remove || fail remove
no_table remove
ip link del em0
[ "$failures" -eq 0 ]
