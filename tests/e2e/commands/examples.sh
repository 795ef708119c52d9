#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The examples of entitymux(8), as they stand in the page: each command runs, and prints what is shown, but for
# the times, and the backend where that is another one.  And what other sections show is printed by the command
# that they are about.  As root, in network namespaces of its own, with a
# /run and an /etc of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${srcdir:=.}" "${sysconfdir:=/etc}" "${E2E_BACKENDS:=xdp tc nft}"

if [ -z "${examples_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	examples_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") page=$(realpath "$srcdir/man/entitymux.8")
	LISTEN=$(realpath tests/e2e/commands/listen) COMMENTS=$(realpath tests/e2e/commands/comments)
	export examples_inside ENTITYMUX LISTEN COMMENTS page sysconfdir E2E_BACKENDS
	exec timeout 600 unshare --mount --propagation private --net bash "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
# shellcheck source=tests/lib/page.sh
. "$(dirname "$0")/../../lib/page.sh"
needs ip awk
tmp=/run/examples
page_host
trap 'kill $servers; ip netns delete blue' EXIT
servers=
for port in 5000 6001 6002; do
	"$LISTEN" 192.0.2.1 $port &
	servers="$servers $!"
done
cat >good.conf <<'END'
listeners = ( { name = "telemetry"; interfaces = [ "eth0" ]; port = 5000; unknown = "pass";
	checks = ( { offset = 0; bytes = "0x4d58"; }, { offset = 2; length = 1; min = 1; max = 9; } );
	tag = { offset = 4; length = 4; };
	entities = ( { name = "plant-a"; tag = "0xdeadbeef"; port = 6001; },
		     { name = "plant-b"; tag = "text:PLTB"; port = 6002; } ); } );
END
cp good.conf /etc/entitymux.conf
cp good.conf /etc/entitymux-blue.conf

# What the page runs besides; an editor corrects what was pasted.
stub editor "cp $tmp/good.conf /etc/entitymux.conf"
for each in less tshark tcpdump jq; do
	if [ $each = less ] || [ -z "$(command -v $each)" ]; then stub $each 'wc -c'; fi
done

# send N HEADER TAG BYTES: datagrams with so many bytes of payload
send() {
	# shellcheck disable=SC2016 # for that shell
	ip netns exec blue bash -c 'exec 3<>/dev/udp/192.0.2.1/5000
		for ((i = 0; i < $1; i++)); do printf "%b%0*d" "$2$3" $(($4 - 8)) 0 | head -c "$4" >&3; done' \
		send "$@" 2>/dev/null
}

# What the counters of the page are of.
traffic() {
	local valid='MX\x01\x00'

	send 4 "$valid" '\xde\xad\xbe\xef' 8
	send 4 "$valid" PLTB 12
	send 2 "$valid" PLTC 16
	send 1 "$valid" PLTC 4
	send 1 'MX\x0a\x00' PLTC 40
}

first_traffic() {
	entitymux stats >stats # with nft, what comes behind it has been seen
	traffic
	echo once >sent
	within 30 'all arrive' sh -c 'entitymux stats | grep -q "packets 12,"'
}

extract EXAMPLES
check 'the page has examples' test -s 12
for file in [0-9][0-9]; do
	title="$(head -n 1 "$file"): "
	# What would go on forever is interrupted, once there was something to see.
	forever=0 limit=100
	! grep -q '^entitymux sample' "$file" || forever=124 limit=10
	[ $forever -eq 0 ] || { within 8 'begins' copying; traffic; } &
	timeout -s INT $limit bash -o pipefail "$file" >out 2>err
	is 'exit status' $forever $?
	wait $!
	is 'no message but of what was copied, or to wait' '' "$(grep -vE '^entitymux: (sample: |waiting for another )' err)"
	[ $forever -eq 0 ] || says 'copies' '^entitymux: sample: [1-9][0-9]* packets copied' "$(cat err)"
	[ ! -e "$file.shown" ] || is 'prints what is shown' "$(timeless <"$file.shown")" "$(timeless <out)"
	! grep -q '^entitymux apply$' "$file" || [ "$(cat sent 2>&-)" ] || first_traffic
done
title=
check 'remove' entitymux remove

# shows WHAT PATTERN SEEN: the block with that first line
shows() {
	block "$2" >block
	check "$1: a block" test -s block
	is "$1" "$(ageless <block)" "$(printf '%s\n' "$3" | ageless)"
}

block '^\$ entitymux explain' >block
is 'explain' "$(sed 1d block)" "$(sed -n '1s/^\$ //p' block | bash | head -n 1)"
ip address add 2001:db8::1/64 dev eth0 nodad
ip -n blue address add 2001:db8::5/64 dev eth0 nodad
ip -n blue address add 192.0.2.9/24 dev eth0
ip -n blue route replace 192.0.2.1/32 dev eth0 src 192.0.2.9
entitymux apply >out || fail 'apply' "$(cat out)"
send 12 'MX\x01\x00' PLTC 12
ip netns exec blue bash -c 'printf "MX\x01\x00\xde\xad\xbe\xff" >/dev/udp/2001:db8::1/5000'
within 10 'all arrive' sh -c 'entitymux stats | grep -q "unknown 13,"'
shows 'unknown' '^listener telemetry, port 5000' "$(entitymux unknown)"
shows 'unknown --config' '^# listener telemetry' "$(entitymux unknown --config)"
block '^[{] "schema": 1, "backend": "xdp"' | grep -o '"[a-z_]*":' >keys
is 'the keys of stats --json' "$(cat keys)" "$(entitymux stats --json | grep -o '"[a-z_]*":')"
block '^telemetry: invalid: check: check 2' | sort >block
entitymux sample -c 3 -w copied telemetry telemetry/plant-a 2>err &
sampler=$!
within 10 'copies' copying
send 1 'MX\x0c\x00' '\xde\xad\xbe\xef' 8
send 1 'MX\x01\x00' PLTC 8
send 1 'MX\x01\x00' '\xde\xad\xbe\xef' 8
within 10 'all are copied' sh -c "! kill -0 $sampler"
is 'sample' "$(cat block)" "$("$COMMENTS" <copied | grep -o 'telemetry: .*[^ ]' | sort)"

# What other tools print of a datagram that is dropped, and of the programs.
numberless() { sed -E 's/ \.\.\. \(| rule .* \(/ ... (/; s/v[0-9]+-/vN-/g; s/\([0-9]+\)/(N)/; s/ id [0-9]+/ id N/'; }
if command -v nft >bin/path; then
	entitymux apply --backend=nft >out || fail 'apply' "$(cat out)"
	nft add table netdev watch
	nft add chain netdev watch c '{ type filter hook ingress device eth0 priority -500; }'
	nft add rule netdev watch c udp dport 5000 meta nftrace set 1
	nft monitor trace >traced &
	tracer=$!
	sleep 1
	send 1 'XX\x01\x00' '\xde\xad\xbe\xef' 8
	within 5 'is traced' grep -q 'verdict drop' traced
	kill $tracer
	nft delete table netdev watch
	block '^# nft add table netdev watch' | grep '^netdev' | numberless >block
	is 'nft monitor trace' "$(cat block)" "$(grep -o 'netdev entitymux.*verdict.*' traced | numberless)"
fi
case " $E2E_BACKENDS " in
*' xdp '*)
	sed 's/unknown = /replies = true; &/' good.conf >replies.conf
	entitymux apply --backend=xdp replies.conf >out || fail 'apply' "$(cat out)"
	block '^# bpftool net show' | grep '^eth0' | numberless >block
	# Ubuntu's runs the one that belongs to the kernel of the host.
	bpftool version >/dev/null 2>&1 || PATH=$(printf '%s:' /usr/lib/linux-tools/*/)$PATH
	[ -z "$(command -v bpftool)" ] ||
		is 'bpftool net show' "$(cat block)" "$(bpftool net show dev eth0 | grep '^eth0' | numberless)"
	;;
esac

case "  $(echo "$E2E_BACKENDS" | sed 's/ /  /g')  " in
*' tc '*' nft '*)
	cat >/etc/entitymux.conf <<-'END'
	backend = "tc";
	listeners = ( { name = "telemetry"; interfaces = [ "eth0" ]; port = 5000; tag = { offset = 0; length = 4; };
		entities = ( { name = "plant-a"; tag = "0x00000001"; port = 6001; } ); },
		{ name = "flows"; interfaces = [ "eth0" ]; port = 2055; tag = { offset = 0; length = 1; };
		entities = ( { tag = "0x01"; port = 6001; }, { tag = "0x02"; port = 6002; } ); } );
	END
	entitymux apply >out || fail 'apply' "$(cat out)"
	cat >/etc/entitymux.conf <<-'END'
	backend = "nft";
	listeners = ( { name = "telemetry"; interfaces = [ "eth0" ]; port = 5001; tag = { offset = 0; length = 4; };
		entities = ( { name = "plant-a"; tag = "0x00000001"; port = 6005; },
			     { name = "plant-c"; tag = "0x504c5443"; port = 6003; } ); } );
	END
	shows 'diff' '^~ backend: tc -> nft' "$(entitymux diff)"
	;;
esac
check 'remove at last' entitymux remove
check 'remove the other one' ip netns exec blue entitymux remove
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
