#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Datagrams of a local sender, sorted and then forwarded out of another interface, reach a receiver
# that verifies their checksums; with a sender that leaves the checksum to the device and with one
# that does not.  forward.c has the datagrams.  And a second host that sorts them on their way does it
# once, where the first one is a bridge.  unfinished.c has single frames.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp xdp-generic tc nft}"

if [ "$(id -u)" -ne 0 ]; then
	echo 'makes network namespaces: run as root (sudo make check)'
	exit 77
fi
a=em-forward-a-$$ b=em-forward-b-$$ c=em-forward-c-$$
tmp=$(mktemp -d)
config=$tmp/config second=$tmp/second other=$tmp/other
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
needs ip nft tc ethtool

cleanup()
{
	trap '' INT TERM HUP
	for ns in $b $c; do
		ip netns exec "$ns" "$ENTITYMUX" remove 2>/dev/null
	done
	for ns in $a $b $c; do
		ip netns del "$ns" 2>/dev/null
	done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

for ns in $a $b $c; do
	ip netns add "$ns" || exit 1
done
# Neighbours are known from the start: while one is looked up, only so many datagrams wait for it.
# The receiving ends have the same number: what is kept with a packet must not depend on that.
# usage: link NS-1 IF-1 NS-2 IF-2 NETWORK
link()
{
	ip -n "$1" link add "$2" address "02:00:00:00:0$5:01" type veth \
		peer name "$4" index 100 address "02:00:00:00:0$5:02" netns "$3"
	end "$1" "$2" "$5" 1 2
	end "$3" "$4" "$5" 2 1
}
# usage: end NS IF NETWORK HOST PEER
end()
{
	ip -n "$1" address add "192.0.2.$(($3 + $4))/30" dev "$2"
	ip -n "$1" address add "2001:db8:$3::$4/64" dev "$2" nodad
	ip -n "$1" link set "$2" up
	ip -n "$1" neighbour add "192.0.2.$(($3 + $5))" lladdr "02:00:00:00:0$3:0$5" \
		dev "$2" nud permanent
	ip -n "$1" neighbour add "2001:db8:$3::$5" lladdr "02:00:00:00:0$3:0$5" \
		dev "$2" nud permanent
}
link "$a" out "$b" in0 0
link "$b" out0 "$c" in 4
for ns in $a $c; do
	gateway=2
	[ "$ns" = "$a" ] || gateway=5
	ip -n "$ns" route add default via 192.0.2.$gateway
done
ip -n "$a" -6 route add default via 2001:db8:0::2
ip -n "$c" -6 route add default via 2001:db8:4::1
settings "$b" net/ipv4/ip_forward=1 net/ipv6/conf/all/forwarding=1
ip netns exec "$b" ethtool -K out0 tx off >/dev/null
ip netns exec "$c" ethtool -K in rx off >/dev/null 2>&1

cat >"$config" <<'EOF'
listeners = ( { name = "telemetry"; interfaces = [ "in0" ]; port = 5000; tag = { offset = 0; length = 4; };
		entities = ( { tag = "0xdeadbeef"; port = 6001; } ); } );
EOF
# The second host's: whatever is sorted twice is counted by `again`.
sed 's/"in0"/"in"/; s/ );$/,/' "$config" >"$second"
cat >>"$second" <<'EOF'
	      { name = "again"; interfaces = [ "in" ]; port = 6001; tag = { offset = 0; length = 4; };
		entities = ( { tag = "0x00000001"; port = 6002; } ); } );
EOF
# The first host's then: it looks at the datagrams and passes them on.
sed 's/0xdeadbeef/0x00000001/' "$config" >"$other"

# usage: counted NS LISTENER: how many packets
counted()
{
	ip netns exec "$1" "$ENTITYMUX" stats |
		sed -n "/^listener $2,/{n;s/^ *packets \([0-9]*\),.*/\1/p;}"
}

for backend in $E2E_BACKENDS; do
	title="$backend: "
	check 'apply' ip netns exec "$b" "$ENTITYMUX" apply --backend="$backend" "$config"
	for tx in on off; do
		ip netns exec "$a" ethtool -K out tx $tx >/dev/null
		for addresses in '192.0.2.1 192.0.2.6' '2001:db8:0::1 2001:db8:4::2'; do
			# shellcheck disable=SC2086 # two words
			check "sender's checksum offload $tx, $addresses" \
				tests/e2e/interfaces/forward /run/netns/"$a" /run/netns/"$c" $addresses
		done
	done
	ip netns exec "$b" "$ENTITYMUX" remove
done

# What is kept with a packet stays with it on a bridge.
ip -n "$b" link add bridge type bridge
ip -n "$b" link set in0 master bridge
ip -n "$b" link set out0 master bridge
ip -n "$b" link set bridge up
ip -n "$a" route replace default dev out
ip -n "$a" neighbour add 192.0.2.6 lladdr 02:00:00:00:04:02 dev out nud permanent
ip netns exec "$a" ethtool -K out tx on >/dev/null
for backend in $E2E_BACKENDS; do
	title="$backend, bridge: "
	check 'apply' ip netns exec "$b" "$ENTITYMUX" apply --backend="$backend" "$config"
	for case in own4 own6 inner4 inner6 route; do
		# The kernel's rewriting takes any unfinished checksum for the datagram's.
		[ "$backend" = nft ] && [ "${case%?}" = inner ] && continue
		check "unfinished checksum, $case" tests/e2e/interfaces/unfinished \
			/run/netns/"$a" out /run/netns/"$c" in $case
	done
	ip netns exec "$b" "$ENTITYMUX" remove
	check 'apply, to pass' ip netns exec "$b" "$ENTITYMUX" apply --backend="$backend" "$other"
	check 'apply on the second host' \
		ip netns exec "$c" "$ENTITYMUX" apply --backend="$backend" "$second"
	check 'sorted by the second host' \
		tests/e2e/interfaces/forward /run/netns/"$a" /run/netns/"$c" 192.0.2.1 192.0.2.6
	is 'seen by the first one' 2000 "$(counted "$b" telemetry)"
	is 'sorted once' '2000 0' "$(counted "$c" telemetry) $(counted "$c" again)"
	for ns in $b $c; do
		ip netns exec "$ns" "$ENTITYMUX" remove
	done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
