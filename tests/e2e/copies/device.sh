#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The device through which nft makes copies: it comes and goes with the policy, `status` and `heal` see to
# it, and one of somebody else stays what it is.  As root, in network namespaces and a /run of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp xdp-generic tc nft}"

case " $E2E_BACKENDS " in *' nft '*) ;; *) echo 'not of nft'; exit 77 ;; esac
if [ -z "${device_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	device_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") COPIES=$(realpath tests/e2e/copies/copies)
	export device_inside ENTITYMUX COPIES E2E_BACKENDS
	exec timeout 300 unshare --mount --propagation private --net /bin/sh "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
needs ip nft
mount -t tmpfs device /run || exit 1
tmp=$(mktemp -d) || exit 1
trap 'ip -n server link del wire 2>/dev/null; rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

{ ip netns add client && ip netns add server &&
	ip -n client link add wire type veth peer name wire netns server; } || exit 1
last=0
for namespace in client server; do
	last=$((last + 1))
	ip -n $namespace link set wire up
	ip -n $namespace addr add 192.0.2.$last/24 dev wire
done

# conf COPIES
conf() {
	cat <<-END
		listeners = ( { name = "telemetry"; interfaces = [ "wire" ]; port = 5000;
			tag = { offset = 0; length = 4; }; $1
			entities = ( { tag = "0x00000001"; port = 6001; }, { tag = "0x00000002"; port = "drop"; } );
		} );
	END
}
conf '' >plain
conf 'copies = [ 7001 ];' >copied

em() { ip netns exec server "$ENTITYMUX" "$@"; }
arrives() { "$COPIES" client server 192.0.2.2 5000 "$@"; }
device() { ip -n server link show entitymux 2>/dev/null | sed -n 's/.*\(qlen [0-9]*\).*/\1/p'; }
exits() {
	status=0
	said=$("$@" 2>&1) || status=$?
}

# A device that does not work is named, and mended: damaged WHAT SAID COMMAND...
damaged() {
	title="$1: "
	said_then=$2
	shift 2
	check 'damage' ip -n server link "$@"
	exits em status
	is 'status sees it' 4 $status
	says 'and says so' "$said_then" "$said"
	check 'applied again' em apply --backend=nft copied
	exits em status
	is 'whole' 0 $status
	check 'copies' arrives 1 100 6001 7001
}

exits em apply --backend=nft copied
if [ $status -eq 3 ]; then
	says 'refusal names the key' 'copied:[0-9]*: .*copies: ' "$said"
	is 'and leaves no device' '' "$(device)"
	echo "1..$((passed + failed))"
	exit $failed
fi
is 'applied' 0 $status
is 'room for a burst' 'qlen 10000' "$(device)"
check 'copies' arrives 1 1000 6001 7001
check 'what is dropped' arrives 2 100 7001
damaged 'down' 'ip link set entitymux up' set entitymux down
damaged 'short' 'txqueuelen 10000' set entitymux txqueuelen 32
damaged 'deleted' 'interface entitymux.*missing' del entitymux

title='goes: '
check 'without copies' em apply --backend=nft plain
is 'no device' '' "$(device)"
check 'with copies' em apply --backend=nft copied
check 'back' em rollback
is 'no device after a rollback' '' "$(device)"
check 'with copies again' em apply --backend=nft copied
check 'removed' em remove
is 'no device after remove' '' "$(device)"
is 'nor a table' '' "$(ip netns exec server nft list tables)"

title='a run that died: '
check 'device' ip -n server link add entitymux type ifb
check 'is of ours' ip -n server link set entitymux alias 'entitymux: copies of datagrams'
check 'removed' em remove
is 'no device' '' "$(device)"

# What others see of the note, and what they drop.
priority() {
	check 'another table' ip netns exec server nft 'table netdev others {
	chain before { type filter hook ingress device "wire" priority -10; meta priority != none counter accept; }
	chain again { type filter hook ingress device "wire" priority -9; udp dport 7001 counter accept; }
	chain there { type filter hook egress device "entitymux" priority 10; meta priority != none counter accept; }
}'
	check 'copies' arrives 1 100 6001 7001
	says 'is a note at ingress' 'packets 100 ' "$(ip netns exec server nft list chain netdev others before)"
	says 'no copy comes by again' 'packets 0 ' "$(ip netns exec server nft list chain netdev others again)"
	says 'and gone behind it' 'packets 0 ' "$(ip netns exec server nft list chain netdev others there)"
	check 'others drop' ip netns exec server nft insert rule netdev others before udp dport 6001 drop
	exits arrives 1 10 7001
	is 'then nothing is copied' 1 $status
}

title='priority: '
check 'with copies' em apply --backend=nft copied
# Not every nft knows chains at egress.
if ip netns exec server nft -c 'table netdev others {
	chain there { type filter hook egress device "entitymux" priority 10; }
}' 2>/dev/null; then
	priority
else
	skip 'an nft without chains at egress'
fi
check 'removed' em remove

title='of somebody else: '
check 'device' ip -n server link add entitymux type ifb
exits em apply --backend=nft copied
is 'refused' 1 $status
says 'says so' 'somebody else' "$said"
says 'stays' 'qlen 32' "$(device)"
check 'without copies' em apply --backend=nft plain
check 'removed' em remove
says 'still stays' 'qlen 32' "$(device)"
echo "1..$((passed + failed))"
[ $failed -eq 0 ]
