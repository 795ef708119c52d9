#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# A kernel without bpf(2), and one that does not permit it: the first is a reason to take nft, the
# second an error, never a reason to fall back.  And what a kernel has but is not to be trusted with.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp xdp-generic tc nft}"

if [ "$(id -u)" -ne 0 ]; then
	echo 'makes network namespaces: run as root (sudo make check)'
	exit 77
fi

refuse=tests/e2e/hosts/refuse
namespace=em-refuse-$$
tmp=$(mktemp -d)
config=$tmp/refuse.conf
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
needs ip

cleanup()
{
	trap '' INT TERM HUP
	ip netns exec "$namespace" "$ENTITYMUX" remove >/dev/null 2>&1
	ip netns del "$namespace" 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

in_namespace()
{
	ip netns exec "$namespace" timeout 60 "$@"
}

# usage: try ERRNO BACKEND STATUS: apply, and the exit status there should be
try()
{
	title="$1, $2: "
	said=$(in_namespace "$refuse" "$1" "$ENTITYMUX" apply --backend="$2" "$config" 2>&1)
	seen=$?
	if [ $seen -eq "$3" ]; then
		pass "exit status $3"
	else
		fail "exit status $3" "seen: $seen" "$said"
	fi
}

all_of_ours()
{
	ip -n "$namespace" -o link show | grep -F xdp
	tc -n "$namespace" filter show dev in0 ingress 2>/dev/null
	in_namespace nft list tables
	in_namespace "$ENTITYMUX" status | grep '^config:'
}

nothing_applied()
{
	is 'nothing applied' '' "$(all_of_ours)"
}

applied_by_nft()
{
	says 'applied by nft' 'netdev entitymux' "$(in_namespace nft list tables)"
	# With bpf(2) refused as before: what there is has to be found without it.
	check 'remove' in_namespace "$refuse" "$1" "$ENTITYMUX" remove
	nothing_applied
}

cat >"$config" <<'EOF'
listeners = ( { name = "telemetry"; interfaces = [ "in0" ]; port = 5000;
		tag = { offset = 0; length = 4; };
		entities = ( { name = "plant-a"; tag = "0xdeadbeef"; port = 6001; } ); } );
EOF
if ! { ip netns add "$namespace" &&
	ip -n "$namespace" link add in0 type veth peer name out0 &&
	ip -n "$namespace" link set in0 up && ip -n "$namespace" link set out0 up; }; then
	echo 'cannot make a network namespace'
	exit 1
fi

try ENOSYS auto 0
says 'the backend' 'nft' "$said"
says 'why' 'has no bpf\(2\)' "$said"
applied_by_nft ENOSYS

for backend in $E2E_BACKENDS; do
	[ "$backend" != nft ] || continue
	try ENOSYS "$backend" 3
	says 'why' 'has no bpf\(2\)' "$said"
	nothing_applied
done

for backend in auto $E2E_BACKENDS; do
	[ "$backend" != nft ] || continue
	try EPERM "$backend" 1
	says 'what is missing' 'CAP_BPF' "$said"
	nothing_applied
done

# Neither is in the way of what needs no bpf(2).
for error in ENOSYS EPERM; do
	try $error nft 0
	applied_by_nft $error
done

# Without chains at egress, replies do not go with several formats for nft.
cat >"$config" <<'EOF'
listeners = ( { name = "telemetry"; interfaces = [ "in0" ]; port = 5000; replies = true;
	formats = ( { name = "a"; checks = ( { offset = 0; length = 1; max = 3; } );
		      tag = { offset = 1; length = 4; }; entities = (); },
		    { name = "b"; tag = { offset = 0; length = 4; }; entities = (); } ); } );
EOF
em() { in_namespace "$ENTITYMUX" "$@"; }
if has_egress; then
	check 'replies and several formats' em apply --backend=nft "$config"
	em remove
else
	said=$(em apply --backend=nft "$config" 2>&1)
	is 'exit status of apply' 3 "$?"
	says 'why' 'replies do not go with several formats' "$said"
fi
nothing_applied

# RHEL 8 has ranges in tags of several pieces, and has crashed with them: its version has to do.
cat >"$config" <<'EOF'
listeners = ( { name = "telemetry"; interfaces = [ "in0" ]; port = 5000;
		tag = ( { offset = 0; length = 1; }, { offset = 2; length = 1; } );
		entities = ( { name = "plant-a"; tag = "0x6100..0x61ff"; port = 6001; } ); } );
EOF
if command -v setarch >/dev/null; then
	said=$(in_namespace setarch --uname-2.6 "$ENTITYMUX" apply --backend=nft "$config" 2>&1)
	is 'exit status of apply where the version is old' 3 "$?"
	says 'why' ':3: .*joined ranges' "$said"
	nothing_applied
else
	skip 'an old version'
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
