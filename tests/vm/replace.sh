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
		entities = ( { tag = "text:some"; port = $1; }, { tag = "text:none"; port = "drop"; } ); } );
	END
}

ip link add em0 type veth peer name em1
ip link set em0 up
ip link set em1 up
for port in 6001 6002 6003; do
	write_policy $port
	"$ENTITYMUX" apply --backend="$backend" /run/replace.conf 2>/run/replace.err
	case $? in
	0) ;;
	3)
		sed 's/^/skip /' /run/replace.err
		break
		;;
	*) fail "apply, port $port" ;;
	esac
	! grep . /run/replace.err || fail "apply said something"
	"$ENTITYMUX" status || fail "status, port $port"
done
"$ENTITYMUX" remove || fail remove
! nft list tables | grep entitymux || fail 'remove left a table'
ip link del em0
[ "$failures" -eq 0 ]
