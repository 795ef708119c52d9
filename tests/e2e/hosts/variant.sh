#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# A kernel that takes the programs with functions gets them.  Where its verifier rejected them, those for
# older kernels would take their place, slower, and nobody would see it.  As root.
set -u

: "${ENTITYMUX:=./entitymux}" "${BPFTOOL:=bpftool}"
PATH=$PATH:/usr/sbin:/sbin
# Ubuntu's runs the one that belongs to the kernel of the host; any will do.
"$BPFTOOL" version >/dev/null 2>&1 || PATH=$(printf '%s:' /usr/lib/linux-tools/*/)$PATH

[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
if [ -z "${variant_inside-}" ]; then
	variant_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX")
	export variant_inside ENTITYMUX BPFTOOL
	exec timeout 300 unshare --mount --propagation private --net /bin/sh "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
needs ip "$BPFTOOL"
[ -e /sys/kernel/btf/vmlinux ] || { echo 'this kernel has no BTF: its programs have no functions'; exit 77; }
mount -t tmpfs variant /run && mount -t tmpfs variant /tmp && cd /tmp || exit 1
ip link add in0 type veth peer name out0 && ip link set in0 up && ip link set out0 up || exit 1

# conf LISTENER-KEYS ENTITIES
conf() {
	cat <<-END
	listeners = ( { name = "a"; interfaces = [ "in0" ]; port = 5000; $1
		tag = { offset = 0; length = 4; }; entities = ( { tag = "0x00000001"; port = 6001; } $2 ); } );
	END
}
conf '' '' >plain
conf 'copies = [ 7001 ];' '' >copies
conf 'replies = true;' '' >replies
conf '' ', { tag = "0x00000100..0x000001ff"; port = 6002; }' >ranges
conf 'checks = ( { offset = 4; bytes = "text:TM"; }, { offset = 6; length = 1; min = 1; max = 9; } );' '' >checks
conf 'copies = [ 7001 ]; replies = true; unknown = "drop";' ', { tag = "0x00000100..0x000001ff"; port = 6002; }' >all

# Without functions, none calls another.
functions() {
	ids=$("$BPFTOOL" net show dev in0 | grep -o 'entitymux_[a-z]* *id [0-9]*\|driver id [0-9]*' | grep -o '[0-9]*$')
	[ -n "$ids" ] || return 1
	for id in $ids; do
		"$BPFTOOL" prog dump xlated id "$id" | grep -q 'call pc' || return 1
	done
}

for backend in xdp xdp-generic tc; do
	title="$backend: "
	for policy in plain copies replies ranges checks all; do
		check "$policy: applied" "$ENTITYMUX" apply --backend=$backend $policy
		check "$policy: with functions" functions
	done
	check 'removed' "$ENTITYMUX" remove
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
