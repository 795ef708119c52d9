#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The kinds of interface, which hook each gets and why, that datagrams are sorted on it, and that what
# others have on it stays.  forward.c has the datagrams.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp xdp-generic tc nft}"

if [ "$(id -u)" -ne 0 ]; then
	echo 'makes network namespaces: run as root (sudo make check)'
	exit 77
fi
a=em-interfaces-a-$$ b=em-interfaces-b-$$
tmp=$(mktemp -d)
config=$tmp/conf
tunnel=
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
needs ip nft tc ethtool

cleanup()
{
	trap '' INT TERM HUP
	[ -z "$tunnel" ] || kill "$tunnel" 2>/dev/null
	for ns in $a $b; do
		ip netns exec $ns "$ENTITYMUX" remove 2>/dev/null
		ip netns del $ns 2>/dev/null
	done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# usage: policy INTERFACE [KEYS]
policy()
{
	cat >"$config" <<-EOF
	listeners = ( { name = "telemetry"; interfaces = [ "$1" ]; port = 5000; ${2-}
			tag = { offset = 0; length = 4; };
			entities = ( { tag = "0xdeadbeef"; port = 6001; } ); } );
	EOF
}

em()
{
	ip netns exec $b "$ENTITYMUX" "$@"
}

# usage: applies BACKEND INTERFACE HOOK [WORDS-OF-THE-REASON]
applies()
{
	em apply --backend="$1" "$config" >"$tmp/apply" 2>&1 || { cat "$tmp/apply"; return 1; }
	cat "$tmp/apply"
	grep -q "^  $2: $3\$" "$tmp/apply" && grep -qF -- "${4-}" "$tmp/apply" && em status
}

# usage: refuses BACKEND WORDS
refuses()
{
	em apply --backend="$1" "$config" >"$tmp/apply" 2>&1
	status=$?
	cat "$tmp/apply"
	[ $status -eq 3 ] && grep -qF -- "$2" "$tmp/apply"
}

# usage: sorts SENDER-NS FROM TO
sorts()
{
	tests/e2e/interfaces/forward /run/netns/"$1" /run/netns/$b "$2" "$3"
}

has()
{
	case " $E2E_BACKENDS " in *" $1 "*) return 0 ;; esac
	return 1
}

# usage: lacks COMMAND...; succeeds where it prints nothing
prints_nothing()
{
	output=$("$@" 2>&1)
	[ -z "$output" ] || { echo "$output"; return 1; }
}

# usage: sorts_on INTERFACE yes|no SENDER-NS "FROM TO"...
# With each backend, on the hook that is its own; no is for an interface without native XDP, none for
# one without generic XDP as well.
sorts_on()
{
	interface=$1 native=$2 sender=$3
	shift 3
	for backend in $E2E_BACKENDS; do
		title="$interface, $backend: "
		case $native-$backend in
		none-xdp-generic)
			check 'refused' refuses xdp-generic "$interface: VLAN tags are taken off"
			continue
			;;
		no-xdp | none-xdp)
			check 'refused' refuses xdp "$interface"
			check 'auto is tc' applies auto "$interface" tc-ingress "$interface: tc, because"
			;;
		*-xdp) check 'applied' applies xdp "$interface" xdp-native ;;
		*-xdp-generic) check 'applied' applies xdp-generic "$interface" xdp-generic ;;
		*) check 'applied' applies "$backend" "$interface" "$backend-ingress" ;;
		esac
		for pair; do
			# shellcheck disable=SC2086 # two words
			check "sorts from ${pair% *} to ${pair#* }" sorts "$sender" $pair
		done
		em remove
	done
	title=
}

# usage: connect SENDER ADDRESS RECEIVER ADDRESS (the interfaces; the rest of the net is theirs)
connect()
{
	ip -n $a address add "$2"/24 dev "$1"
	ip -n $a link set "$1" up
	ip -n $b address add "$4"/24 dev "$3"
	ip -n $b link set "$3" up
}

for ns in $a $b; do
	ip netns add $ns || exit 1
	ip -n $ns link set lo up
done

# The loopback interface.
policy lo
sorts_on lo no $b '127.0.0.1 127.0.0.1' '::1 ::1'

# An interface without Ethernet header.
tests/e2e/interfaces/tunnel /run/netns/$a /run/netns/$b tn0 >"$tmp/tunnel" &
tunnel=$!
for ns in $a $b; do
	host=1
	[ $ns = $a ] || host=2
	tries=0
	while ! ip -n $ns link show tn0 >/dev/null 2>&1 && [ $tries -lt 100 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	ip -n $ns address add 198.51.100.$host/24 dev tn0
	ip -n $ns address add 2001:db8:f::$host/64 dev tn0 nodad
	ip -n $ns link set tn0 up
done
policy tn0
for backend in $E2E_BACKENDS; do
	case $backend in
	xdp | xdp-generic) check "tun: no $backend" refuses $backend 'no Ethernet header' ;;
	tc) check 'tun: auto is tc' applies auto tn0 tc-ingress 'no Ethernet header' ;;
	nft) check 'tun: nft' applies nft tn0 nft-ingress ;;
	esac
	case $backend in
	tc | nft)
		check "tun: sorts IPv4 ($backend)" sorts $a 198.51.100.1 198.51.100.2
		check "tun: sorts IPv6 ($backend)" sorts $a 2001:db8:f::1 2001:db8:f::2
		;;
	esac
	em remove
done
kill $tunnel
tunnel=

# Out of IPsec, with the outer packet's Ethernet header still noted down.
while read -r kind keys; do
	# shellcheck disable=SC2086 # words
	if ip -n $b link add ipsec0 type "$kind" $keys 2>"$tmp/out" &&
		ip -n $b link set ipsec0 up; then
		policy ipsec0
		title="$kind: "
		for backend in $E2E_BACKENDS; do
			case $backend in
			xdp | xdp-generic) check "no $backend" refuses $backend 'no Ethernet header' ;;
			tc) check 'no tc' refuses tc 'out of IPsec' ;;
			nft)
				check 'nft' applies nft ipsec0 nft-ingress
				! has tc || check 'auto is nft' applies auto ipsec0 nft-ingress \
					'eBPF: ipsec0: a packet that comes out of IPsec'
				em remove
				;;
			esac
		done
		title=
		ip -n $b link del ipsec0
	else
		skip "IPsec interfaces of kind $kind: $(cat "$tmp/out")"
	fi
done <<EOF
xfrm dev lo if_id 1
vti local 192.0.2.2 remote 192.0.2.1 key 1
vti6 local 2001:db8::2 remote 2001:db8::1 key 1
EOF

# A bridge port, and the bridge.
ip -n $a link add out0 address 02:00:00:00:00:01 type veth peer name in0 netns $b
ip -n $b link add br0 address 02:00:00:00:00:02 type bridge
ip -n $b link set in0 master br0
ip -n $a address add 192.0.2.1/24 dev out0
ip -n $b address add 192.0.2.2/24 dev br0
for device in in0 br0; do
	ip -n $b link set $device up
done
ip -n $a link set out0 up
ip -n $a neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev out0 nud permanent
ip -n $b neighbour add 192.0.2.1 lladdr 02:00:00:00:00:01 dev br0 nud permanent
policy in0
sorts_on in0 yes $a '192.0.2.1 192.0.2.2'
policy br0
sorts_on br0 none $a '192.0.2.1 192.0.2.2'
ip -n $b link set in0 nomaster
ip -n $b link del br0

# An interface on top of another one, which has the VLAN tags.
if ip -n $b link add mv0 link in0 address 02:00:00:00:00:02 type macvlan 2>"$tmp/out"; then
	ip -n $b address add 192.0.2.2/24 dev mv0
	ip -n $b link set mv0 up
	ip -n $b neighbour add 192.0.2.1 lladdr 02:00:00:00:00:01 dev mv0 nud permanent
	policy mv0
	sorts_on mv0 none $a '192.0.2.1 192.0.2.2'
	ip -n $b link del mv0
else
	skip "macvlan: $(cat "$tmp/out")"
fi
ip -n $b address add 192.0.2.2/24 dev in0
ip -n $b link set in0 address 02:00:00:00:00:02
ip -n $b neighbour add 192.0.2.1 lladdr 02:00:00:00:00:01 dev in0 nud permanent

# The peer gets the first free name of its own kind.
if ip -n $b link add pair0 type netkit 2>"$tmp/out"; then
	ip -n $b link set pair0 netns $a
	connect pair0 203.0.113.1 nk0 203.0.113.2
	policy nk0
	sorts_on nk0 no $a '203.0.113.1 203.0.113.2'
	ip -n $a link del pair0
else
	case $(uname -r) in
	[45].* | 6.[0-6].*) ;; # before there was netkit
	*) skip "netkit: $(cat "$tmp/out")" ;;
	esac
fi

# Settings that make a tag, or a datagram, invisible.
if has xdp; then
	ip netns exec $b ethtool -K in0 rxvlan on >/dev/null
	policy in0 'vlan = 5;'
	check 'rx-vlan-offload: auto is tc' applies auto in0 tc-ingress 'ethtool -K in0 rxvlan off'
	em remove
	for backend in xdp xdp-generic; do
		check "rx-vlan-offload: no $backend" refuses $backend 'ethtool -K in0 rxvlan off'
	done
	ip netns exec $b ethtool -K in0 rxvlan off >/dev/null
	check 'no rx-vlan-offload: auto is xdp' applies auto in0 xdp-native
	em remove
fi
policy in0
for glue in rx-gro-list rx-udp-gro-forwarding; do
	ip netns exec $b ethtool -K in0 $glue on >"$tmp/out" 2>&1 || continue
	# Native XDP of a veth leaves datagrams of senders on this host to TC, behind GRO.
	for backend in $E2E_BACKENDS auto; do
		check "$glue: no $backend" refuses $backend "ethtool -K in0 $glue off"
	done
	# It merges for those on top of it as well.
	ip -n $b link add br0 up type bridge
	ip -n $b link set in0 master br0
	ip -n $b link add above link br0 up type macvlan
	for top in br0 above; do
		policy $top
		for backend in $E2E_BACKENDS auto; do
			[ $backend = xdp ] || check "$glue below $top: no $backend" refuses $backend "ethtool -K in0 $glue off"
		done
	done
	policy in0
	ip -n $b link del above
	ip -n $b link del br0
	ip netns exec $b ethtool -K in0 $glue off
done

# usage: set_mtu MTU (of both ends)
set_mtu()
{
	ip -n $a link set out0 mtu "$1" && ip -n $b link set in0 mtu "$1"
}

# usage: sorts_frame DESCRIPTION
sorts_frame()
{
	ip netns exec $a tests/e2e/interfaces/frame out0 "$1"
	sleep 0.1
	em stats | tee "$tmp/stats"
	grep -q 'packets 1,.* rewritten 1,' "$tmp/stats"
}

# An MTU for which one buffer is too small.
if has xdp; then
	set_mtu 9000
	check 'MTU of 9000: auto finds a way' em apply --backend=auto "$config"
	echo "$said"
	check 'MTU of 9000: sorts' sorts $a 192.0.2.1 192.0.2.2
	em remove
	# GRO makes another linear part for a header so deep, and loses the mark that XDP has left.
	ip netns exec $b ethtool -K in0 gro on 2>/dev/null
	for backend in $E2E_BACKENDS; do
		em apply --backend=$backend "$config" >/dev/null 2>&1 || continue
		check "MTU of 9000, $backend: a header behind 3.5 kB" \
			sorts_frame 'ip6 hbh=2032 dopt=1456 udp sum=pseudo hex:deadbeef fill:0*1000'
		em remove
	done
	ip netns exec $b ethtool -K in0 gro off 2>/dev/null
	set_mtu 1500

	# And one for which it is with a VLAN tag.
	policy in0 'vlan = 5;'
	check 'MTU of 1500: auto is xdp' applies auto in0 xdp-native
	for mtu in 3504 3498 3506 3507; do
		set_mtu $mtu
		check "MTU of $mtu: auto finds a way" em apply --backend=auto "$config"
		check "MTU of $mtu: sorts the longest frames with a tag" \
			sorts_frame "vlan=5 ip4 udp hex:deadbeef fill:0*$((mtu - 32))"
		em remove
	done
	set_mtu 1500
fi

# An interface on top of another one that is a VLAN of it.
if ip -n $b link add link in0 name in0.5 type vlan id 5 2>"$tmp/out"; then
	# Else the tag is beside the frame, where XDP does not see it: out0 leaves it there, not in0.
	ip netns exec $b ethtool -K in0 rxvlan off >/dev/null
	ip netns exec $a ethtool -K out0 txvlan off >/dev/null
	ip -n $a link add link out0 name out0.5 type vlan id 5
	connect out0.5 198.51.100.1 in0.5 198.51.100.2
	policy in0.5
	sorts_on in0.5 no $a '198.51.100.1 198.51.100.2'
	policy in0 'vlan = 5;'
	sorts_on in0 yes $a '198.51.100.1 198.51.100.2'
	ip -n $a link del out0.5
	ip -n $b link del in0.5
else
	skip "VLAN interfaces: $(cat "$tmp/out")"
fi

# A bond, and its member.
if ip -n $b link add bond0 type bond mode active-backup miimon 100 2>"$tmp/out"; then
	ip -n $a link add out1 type veth peer name in1 netns $b
	ip -n $b link set in1 master bond0
	ip -n $b link set in1 up
	connect out1 203.0.113.1 bond0 203.0.113.2
	policy bond0
	sorts_on bond0 none $a '203.0.113.1 203.0.113.2'
	policy in1
	sorts_on in1 yes $a '203.0.113.1 203.0.113.2'
	ip -n $b link del bond0
	ip -n $a link del out1
else
	skip "bonds: $(cat "$tmp/out")"
fi

# Others on the same hook.
policy in0
if has tc; then
	check 'tc: without a qdisc' applies tc in0 tc-ingress
	em remove
	check 'tc: the qdisc of ours is gone' prints_nothing sh -c \
		"ip netns exec $b tc qdisc show dev in0 | grep clsact"
	ip netns exec $b tc qdisc add dev in0 clsact
	check 'tc: on a qdisc that was there' applies tc in0 tc-ingress
	em remove
	check 'tc: that qdisc stays' sh -c "ip netns exec $b tc qdisc show dev in0 | grep clsact"
	ip netns exec $b tc qdisc del dev in0 clsact
	check 'tc: with a guest to come' applies tc in0 tc-ingress
	ip -n $b link add ifb0 type ifb && ip -n $b link set ifb0 up
	# What our filter passes, another one still sees: it gets a copy of each packet.
	check 'tc: a filter of somebody else' ip netns exec $b tc filter add dev in0 ingress \
		prio 60000 u32 match u32 0 0 action mirred egress mirror dev ifb0
	check 'tc: sorts before it' sorts $a 192.0.2.1 192.0.2.2
	check 'tc: which sees the packets' sh -c \
		"ip -n $b -s link show ifb0 | grep -qE '^ +[0-9]+ +[12][0-9]{3} '"
	em remove
	check 'tc: its filter stays' sh -c \
		"ip netns exec $b tc filter show dev in0 ingress | grep mirred"
	check 'tc: and none of ours' prints_nothing sh -c \
		"ip netns exec $b tc filter show dev in0 ingress | grep entitymux"
	ip netns exec $b tc qdisc del dev in0 clsact
fi
if has xdp; then
	check 'an XDP program of somebody else' ip netns exec $b tests/e2e/life/life attach in0 native
	check 'beside it: no XDP' refuses xdp 'another XDP program is on the interface'
	check 'beside it: auto is tc' applies auto in0 tc-ingress 'another XDP program'
	check 'beside it: sorts' sorts $a 192.0.2.1 192.0.2.2
	em remove
	check 'and it stays' sh -c "ip -n $b link show in0 | grep xdp"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
