#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The examples of entitymux(8), as they stand in the page: each command runs, and prints what is shown, but for
# the times, and the backend where that is another one.  As root, in network namespaces of its own, with a
# /run and an /etc of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${srcdir:=.}" "${sysconfdir:=/etc}" "${E2E_BACKENDS:=xdp tc nft}"

if [ -z "${examples_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	examples_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") page=$(realpath "$srcdir/man/entitymux.8")
	LISTEN=$(realpath tests/e2e/commands/listen)
	export examples_inside ENTITYMUX LISTEN page sysconfdir E2E_BACKENDS
	exec timeout 600 unshare --mount --propagation private --net bash "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
needs ip awk
tmp=/run/examples
mount -t tmpfs examples /run && mkdir -p /run/netns $tmp/{upper,work,bin} &&
	mount -t overlay -o lowerdir=/etc,upperdir=$tmp/upper,workdir=$tmp/work examples /etc || exit 1
mount -t bpf examples /sys/fs/bpf 2>/dev/null
# Where the program was configured for another folder than /etc.
[ "$sysconfdir" = /etc ] || { mkdir -p "$sysconfdir" && mount --bind /etc "$sysconfdir"; } || exit 1
cd $tmp || exit 1

# The host of the page, and another one, that sends.
ip netns add blue || exit 1
trap 'kill $servers; ip netns delete blue' EXIT
servers=
ip link add eth0 type veth peer eth0 netns blue
ip address add 192.0.2.1/24 dev eth0
ip link set eth0 up
ip -n blue address add 192.0.2.2/24 dev eth0
ip -n blue link set eth0 up
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
ln -s "$ENTITYMUX" bin/entitymux
stub() { printf '#!/bin/sh\n%s\n' "$2" >"bin/$1" && chmod 755 "bin/$1"; }
stub editor "cp $tmp/good.conf /etc/entitymux.conf"
for each in less tshark tcpdump jq; do
	if [ $each = less ] || [ -z "$(command -v $each)" ]; then stub $each 'wc -c'; fi
done
PATH=$tmp/bin:$PATH

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

# The commands of the section in order, a file each, and what is shown of it in another.
extract() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$page" | sed 's/\\e/\\/g; s/\\&//g' | awk '
		sub(/^\.Dl /, "") { line = $0; shown = 1 }
		/^\.Bd/ { shown = 1; next }
		/^\.Ed/ { shown = 0; next }
		!shown { next }
		line { $0 = line; line = ""; shown = 0 }
		more { print >file; more = /[|\\]$/; next }
		/^[#$] / { file = sprintf("%02d", ++n); print substr($0, 3) >file; more = /[|\\]$/; next }
		{ print >(file ".shown") }'
}

# Without times, and how long ago something was; the page has XDP.
timeless() {
	sed -E "s|$sysconfdir/|/etc/|g;"'s/[[:space:]]+$//; s/[0-9]{4}-[0-9-]+T[0-9:]+Z/TIME/; s/ +[0-9]+[sm]$/ AGO/' |
		case " $E2E_BACKENDS " in
		*' xdp '*) cat ;;
		*) sed -E 's/(xdp-native|tc-ingress|nft-ingress)/HOOK/; s/(backend:? +)(xdp|tc|nft)/\1BACKEND/' ;;
		esac
}

extract
check 'the page has examples' test -s 12
for file in [0-9][0-9]; do
	title="$(head -n 1 "$file"): "
	# What would go on forever is interrupted, once there was something to see.
	forever=0 limit=100
	! grep -q '^entitymux sample' "$file" || forever=124 limit=10
	[ $forever -eq 0 ] || { sleep 1; traffic; } &
	timeout -s INT $limit bash -o pipefail "$file" >out 2>err
	is 'exit status' $forever $?
	wait $!
	is 'no message but of what was copied' '' "$(grep -v '^entitymux: sample: ' err)"
	[ $forever -eq 0 ] || says 'copies' '^entitymux: sample: [1-9][0-9]* packets copied' "$(cat err)"
	[ ! -e "$file.shown" ] || is 'prints what is shown' "$(timeless <"$file.shown")" "$(timeless <out)"
	! grep -q '^entitymux apply$' "$file" || [ "$(cat sent 2>&-)" ] || first_traffic
done
title=
check 'remove' entitymux remove
check 'remove the other one' ip netns exec blue entitymux remove
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
