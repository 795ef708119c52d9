# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
# shellcheck shell=sh
#
# What replies.sh and surroundings.sh stand on: four hosts, and the configurations.
#
#	client  tx0 ---- in0  router   out0 ---- eth0  behind
#	other   tx0 ---- in1  (entitymux)
#
# The server is on the router or on the host behind it.  All leave checksums to their devices, but
# the other sender, and the router on in0: there they are completed when a packet has passed all that
# is on the interface, and can be seen whole behind it.
#
# Runs the script as root in a mount namespace with a /run of its own, where its network namespaces are
# named as well: whatever becomes of it, nothing stays behind.

: "${ENTITYMUX:=./entitymux}" "${REPLIES:=tests/e2e/replies/replies}" "${LIFE:=tests/e2e/life/life}"
: "${EXCHANGE:=tests/e2e/replies/exchange}" "${EXCHANGES:=20000}"
: "${E2E_BACKENDS:=xdp xdp-generic tc nft}"

if [ -z "${replies_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root'; exit 77; }
	for tool in ip nft tc ethtool unshare; do
		command -v $tool >/dev/null || { echo "needs $tool"; exit 77; }
	done
	replies_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") REPLIES=$(realpath "$REPLIES")
	LIFE=$(realpath "$LIFE") EXCHANGE=$(realpath "$EXCHANGE")
	export replies_inside ENTITYMUX REPLIES LIFE EXCHANGE EXCHANGES E2E_BACKENDS
	exec timeout $((600 + EXCHANGES / 1000)) unshare --mount --propagation private /bin/sh "$0" "$@"
fi

mount -t tmpfs -o size=64m replies /run
tmp=/run/replies
mkdir $tmp
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
# shellcheck source=tests/lib/nft.sh
. "$(dirname "$0")/../../lib/nft.sh"

in_router() { ip netns exec router "$@"; }
em() { in_router "$ENTITYMUX" "$@"; }

# wire NETWORK HOST INTERFACE ROUTER-INTERFACE: 192.0.2.0/24 and so on, see below
wire() {
	ip link add "$4" netns router type veth peer name "$3" netns "$2"
	ends "$1" "$2" "$3" 9 10
	ends "$1" router "$4" 1 2
	ip -n router address add fe80::1/64 dev "$4" nodad
	ip -n "$2" address add fe80::9/64 dev "$3" nodad
	ip -n "$2" route add default via "$net.1"
	ip -n "$2" -6 route add default via "2001:db8:$1::1"
}

# ends NETWORK HOST INTERFACE ADDRESS...: a host's end of a wire
ends() {
	case $1 in
	1) net=192.0.2 ;;
	2) net=198.51.100 ;;
	3) net=203.0.113 ;;
	5) net=10.0.5 ;;
	esac
	ip -n "$2" link set "$3" up
	for address in "$4" "$5"; do
		ip -n "$2" address add "$net.$address/24" dev "$3"
		ip -n "$2" address add "2001:db8:$1::$(printf %x "$address")/64" dev "$3" nodad
	done
}

# Not every kernel has VLAN devices; replies.c looks.
vlan() {
	ip -n client link add link tx0 name tx0.5 type vlan id 5 2>/dev/null || return 0
	ip -n router link add link in0 name in0.5 type vlan id 5
	ends 5 client tx0.5 9 10
	ends 5 router in0.5 1 2
}

hosts() {
	for host in client other router behind; do
		ip netns add $host
		ip -n $host link set lo up
		# Link-local addresses are asked about by nobody, and ready at once.
		settings $host net/ipv6/conf/default/accept_dad=0
	done
	wire 1 client tx0 in0
	wire 2 other tx0 in1
	wire 3 behind eth0 out0
	vlan
	settings router net/ipv4/ip_forward=1 net/ipv6/conf/all/forwarding=1
	in_router ethtool -K in0 tx off >/dev/null
	ip netns exec other ethtool -K tx0 tx off >/dev/null
	# Native XDP sees no tag that a device has put beside the packet.
	ip netns exec client ethtool -K tx0 txvlan off >/dev/null
	in_router ethtool -K in0 rxvlan off >/dev/null
	# An ICMP error for each datagram, however many.
	for host in router behind; do
		settings $host net/ipv4/icmp_ratelimit=0 net/ipv6/icmp/ratelimit=0
	done
}

# New ones.  Connection tracking remembers what others had it see, and gives a sender that it knows from
# there a port of its own when nft translates its datagrams.
other_hosts() {
	for host in client other router behind; do
		ip netns del $host
	done
	hosts
}

# listener NAME PORT 'OTHER KEYS' TAG:PORT...
listener() {
	echo "  $comma{ name = \"$1\"; interfaces = [ \"in0\", \"in1\" ]; port = $2;"
	echo "    tag = { offset = 4; length = 4; }; $3"
	echo '    entities = ('
	shift 3
	inner=
	for entity; do
		printf '      %s{ tag = "0x%08x"; port = %s; }\n' "$inner" "${entity%:*}" "${entity#*:}"
		inner=', '
	done
	echo '    ); }'
	comma=', '
}

# conf NAME FUNCTION: writes a configuration
conf() {
	comma=
	{ echo 'listeners = ('; "$2"; echo ');'; } >$tmp/"$1".conf
}

first='replies = true; unknown = 6008;'
also='replies = true;'
others() {
	listener second 5001 "$also" 1:6101 2:6102 4:5001
	listener plain 5002 '' 1:6201
}
base() {
	listener first 5000 "$first" 1:6001 2:6002 3:5001 4:5000 9:6009
	others
	listener tagged 5000 "$first vlan = 5;" 1:6001 2:6002 | sed 's/, "in1"//'
}
# Without the tagged one, which would have conversations with the same ports.
moved() {
	listener first 5000 "$first" 1:7001 2:6002 3:5001 4:5000 9:6009
	others
}
more() {
	listener first 5000 "$first" 1:6001 2:6002 3:5001 4:5000 5:7001 9:6009
	others
}
# What has tag 100 is invalid.
actions() {
	listener first 5000 "$first invalid = 7001;
		checks = ( { offset = 4; length = 4; max = 99; } );" \
		1:6001 2:'"pass"' 3:'"drop"' 100:6002
}
single() { listener first 5000 "$first" 1:6001 2:6002; }
without() { listener first 5000 '' 1:6001 2:6002; }
short() { listener first 5000 "$first flow_timeout = 2;" 1:6001; }
links() {
	listener first 5000 "$also" 1:6001 9:6009
	listener second 5001 "$also" 1:6001 9:6009
}
small() { listener first 5000 "$first flows = 1024;" 1:6001 2:6002; }

for name in base actions links moved more single without short small; do
	conf $name $name
done
# Without them there is nothing to test.
set -e
hosts
set +e
