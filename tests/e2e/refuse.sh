#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A kernel without bpf(2), and one that does not permit it: the first is a reason to take nft, the
# second an error, never a reason to fall back.
set -u

if [ "$(id -u)" -ne 0 ]; then
	echo 'makes network namespaces: run as root (sudo make check)'
	exit 77
fi

refuse=tests/e2e/refuse
namespace=em-refuse-$$
work=$(mktemp -d)
config=$work/refuse.conf
passed=0 failed=0

cleanup()
{
	trap '' INT TERM HUP
	ip netns exec "$namespace" "$ENTITYMUX" remove >/dev/null 2>&1
	ip netns del "$namespace" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

in_namespace()
{
	ip netns exec "$namespace" timeout 60 "$@"
}

# Name and outcome of what was tried last; the output of the command after a failure.
judge()
{
	if [ "$2" = yes ]; then
		echo "ok: $1"
		passed=$((passed + 1))
		return
	fi
	echo "FAIL: $1"
	sed 's/^/  /' "$work/output"
	failed=$((failed + 1))
}

# usage: try ERRNO BACKEND STATUS: apply, and the exit status there should be
try()
{
	in_namespace "$refuse" "$1" "$ENTITYMUX" apply --backend="$2" "$config" \
		>"$work/output" 2>&1
	status=$?
	judge "$1, $2: exit status $3" "$([ $status -eq "$3" ] && echo yes || echo "$status")"
}

says()
{
	judge "  says $1" "$(grep -Eq "$1" "$work/output" && echo yes)"
}

nothing_applied()
{
	{
		ip -n "$namespace" -o link show | grep -F xdp
		tc -n "$namespace" filter show dev in0 ingress 2>/dev/null
		in_namespace nft list tables
		in_namespace "$ENTITYMUX" status | grep '^config:'
	} >"$work/left"
	cat "$work/left" >>"$work/output"
	judge '  applies nothing' "$([ -s "$work/left" ] || echo yes)"
}

applied_by_nft()
{
	in_namespace nft list tables >"$work/left"
	judge '  applies by nft' "$(grep -q 'netdev entitymux' "$work/left" && echo yes)"
	# With bpf(2) refused as before: what there is has to be found without it.
	in_namespace "$refuse" "$1" "$ENTITYMUX" remove >"$work/output" 2>&1 && removed=yes ||
		removed=no
	judge '  remove: exit status 0' "$removed"
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
says 'nft'
says 'has no bpf\(2\)'
applied_by_nft ENOSYS

for backend in $E2E_BACKENDS; do
	[ "$backend" != nft ] || continue
	try ENOSYS "$backend" 3
	says 'has no bpf\(2\)'
	nothing_applied
done

for backend in auto $E2E_BACKENDS; do
	[ "$backend" != nft ] || continue
	try EPERM "$backend" 1
	says 'CAP_BPF'
	nothing_applied
done

# Neither is in the way of what needs no bpf(2).
for error in ENOSYS EPERM; do
	try $error nft 0
	applied_by_nft $error
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
