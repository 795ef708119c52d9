#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Copies: each port gets each datagram once, and as the server gets it.  COUNT datagrams; as root, in
# network namespaces and a /run of its own.  nft, which makes no copies, has to say so.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp xdp-generic tc nft}" "${COUNT:=5000}"

if [ -z "${copies_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	copies_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") COPIES=$(realpath tests/e2e/copies/copies)
	EXAMPLE=$(realpath "${srcdir:-.}/etc/examples/recorder.conf")
	export copies_inside EXAMPLE ENTITYMUX COPIES E2E_BACKENDS COUNT
	exec timeout 600 unshare --mount --propagation private --net /bin/sh "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
needs ip ethtool
mount -t tmpfs copies /run || exit 1
# XDP needs it before Linux 5.7.
mount -t bpf copies /sys/fs/bpf 2>/dev/null
tmp=$(mktemp -d) || exit 1
trap 'ip -n server link del wire 2>/dev/null; rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

{ ip netns add client && ip netns add server &&
	ip -n client link add wire type veth peer name wire netns server; } || exit 1
for namespace in client server; do
	last=$([ $namespace = client ]; echo $(($? + 1)))
	ip -n $namespace link set lo up
	ip -n $namespace link set wire up
	ip -n $namespace addr add 192.0.2.$last/24 dev wire
	ip -n $namespace addr add 2001:db8::$last/64 dev wire nodad
	ip -n $namespace addr add fe80::$last/64 dev wire nodad
	ip -n $namespace route add 224.0.0.0/4 dev wire
	# Not every kernel has VLAN devices.
	ip -n $namespace link add link wire name wire.7 type vlan id 7 2>/dev/null || continue
	ip -n $namespace link set wire.7 up
	ip -n $namespace addr add 198.51.100.$last/24 dev wire.7
done
# XDP has to see the tag.
ip netns exec client ethtool -K wire txvlan off >/dev/null 2>&1
ip netns exec server ethtool -K wire rxvlan off >/dev/null 2>&1
settings server net/ipv4/conf/all/rp_filter=1 net/ipv4/conf/wire/rp_filter=1

# listeners INTERFACES
listeners() {
	cat <<-END
		listeners = ( {
			name = "telemetry"; interfaces = [ $1 ]; port = 5000;
			tag = { offset = 0; length = 4; };
			copies = [ 7001 ]; unknown_copies = [ 7003 ];
			entities = ( { name = "a"; tag = "0x00000001"; port = 6001; copies = [ 7002 ]; },
				     { name = "b"; tag = "0x00000002"; port = 6002; },
				     { name = "pass"; tag = "0x00000003"; port = "pass"; },
				     { name = "drop"; tag = "0x00000004"; port = "drop"; },
				     { name = "long"; tag = "0x00000005"; port = 6004; copies = [ 7002 ]; },
				     { name = "range"; tag = "0x00000100..0x000001ff"; port = 6003;
				       copies = [ 7002, 7004, 7005, 7006 ]; } );
		}, {
			name = "vlan"; interfaces = [ "wire" ]; port = 5000; vlan = 7;
			tag = { offset = 0; length = 4; }; copies = [ 7001, 7002 ];
			entities = ( { name = "a"; tag = "0x00000001"; port = 6001; } );
		} );
	END
}
em() { ip netns exec server "$ENTITYMUX" "$@"; }

# exchange ADDRESS TAG COUNT PORT...: and each of the ports gets each of them once
exchange() {
	address=$1
	shift
	"$COPIES" client server "$address" 5000 "$@"
}

# counter LISTENER NAME: of the listener or, in one line, of its entities
counter() {
	em stats --prometheus | sed -n "s/^entitymux_$2_total{listener=\"$1\"[^}]*} //p" | xargs
}

refuses() {
	status=0
	said=$(em apply "--backend=$1" conf 2>&1) || status=$?
	is 'refuses copies' 3 $status
	# Of XDP and TC, such a kernel may lack more than copies.
	if [ -n "${E2E_MAY_REFUSE-}" ] && [ "$1" != nft ]; then
		says 'says why' '^entitymux: .*cannot carry this policy here: ' "$said"
	else
		says 'names the key and its line' '^entitymux: conf:[0-9]*: .*copies: ' "$said"
	fi
	says 'and changes nothing' 'nothing is applied' "$(em status 2>&1)"
}

# each_action ADDRESS COUNT
each_action() {
	check "$1: entity" exchange "$1" 1 "$2" 6001 7001 7002
	check "$1: entity without copies of its own" exchange "$1" 2 100 6002 7001
	check "$1: left at its port" exchange "$1" 3 100 5000 7001
	check "$1: dropped" exchange "$1" 4 100 7001
	check "$1: more than one tag, five copies" \
		exchange "$1" 17f 100 6003 7001 7002 7004 7005 7006
	check "$1: unknown" exchange "$1" 9 100 5000 7001 7003
}

# Whether nf_tables has chains at egress, and the kernel ifb devices.
nft_can_copy() {
	em probe 2>/dev/null | grep -q 'netdev-egress  *yes' || return 1
	ip -n client link add try type ifb 2>/dev/null && ip -n client link del try
}

# can_copy BACKEND; E2E_MAY_REFUSE is set on kernels of which nothing is known
can_copy() {
	case $1 in
	nft) nft_can_copy ;;
	*) [ -z "${E2E_MAY_REFUSE-}" ] || em apply -n "--backend=$1" conf >/dev/null 2>&1 || [ $? -ne 3 ] ;;
	esac
}

each_once() {
	for address in 192.0.2.2 2001:db8::2; do
		each_action $address "$COUNT"
		check "$address: fragments" "$COPIES" -f client server $address 5000 5 10 6004
	done
	if ip -n server link show wire.7 >/dev/null 2>&1; then
		check 'VLAN' exchange 198.51.100.2 1 100 6001 7001 7002
		is 'counts of the VLAN' '100 100' \
			"$(counter vlan packets) $(counter vlan copied_packets)"
	else
		skip 'VLAN'
	fi
	for address in 192.0.2.255 224.0.0.1 ff02::1%wire fe80::2%wire; do
		check "$address" exchange $address 1 100 6001 7001 7002
	done
	check 'no checksum' "$COPIES" -n client server 192.0.2.2 5000 1 100 6001 7001 7002
	if [ "$1" != xdp ]; then
		check 'loopback' "$COPIES" server server 127.0.0.1 5000 1 100 6001 7001 7002
		check 'IPv6 loopback' "$COPIES" server server ::1 5000 1 100 6001 7001 7002
	fi
	ip netns exec client ethtool -K wire tx off >/dev/null 2>&1
	subtitle=$title
	title="$title""complete checksums: "
	each_action 192.0.2.2 "$COUNT"
	each_action 2001:db8::2 100
	title=$subtitle
	ip netns exec client ethtool -K wire tx on >/dev/null 2>&1
	check 'a copy without a server' exchange 192.0.2.2 1 "$COUNT" 6001 7001
	check 'a recorder is killed' "$COPIES" -k client server 192.0.2.2 5000 1 "$COUNT" 6001 7002 7001
	check 'IPv6: a recorder is killed' \
		"$COPIES" -k client server 2001:db8::2 5000 1 200 6001 7002 7001
}

counts() {
	more=800
	[ "$1" = xdp ] && more=600
	is 'copied, but for fragments' "$((5 * COUNT + 200 + more)) 400 400 400 0 400" \
		"$(counter telemetry entity_copied_packets)"
	is 'copied of the listener' $((5 * COUNT + 200 + more + 4 * 400 + 400)) "$(counter telemetry copied_packets)"
	is 'no copy is counted' $(($(counter telemetry copied_packets) + 20)) "$(counter telemetry packets)"
	is 'no errors' 0 "$(counter telemetry copy_errors)"
	check 'the same again' em apply "--backend=$1" conf
	is 'counts go on' $((5 * COUNT + 200 + more + 2000)) "$(counter telemetry copied_packets)"
}

REPLACED=40000 # for a second or so

# Datagrams that have come to a port that nobody has.
no_ports() { ip netns exec server sed -n 's/^Udp: [0-9]* \([0-9]*\) .*/\1/p' /proc/net/snmp; }

# replaced_under BACKEND TAG PORT...: policies, and backends, change while datagrams are on their way
replaced_under() {
	em stats --reset >/dev/null
	backend=$1 tag=$2
	shift 2
	exchange 192.0.2.2 "$tag" $REPLACED "$@" >exchanged 2>&1 &
	exchange=$!
	case " $E2E_BACKENDS " in *' tc '*)
		check 'another backend' em apply --backend=tc conf
		check 'and back' em apply "--backend=$backend" conf
	esac
	for _ in 1 2 3; do
		check 'another policy' em apply "--backend=$backend" another
		check 'and back' em apply "--backend=$backend" conf
	done
	status=0
	wait $exchange || status=$?
	[ $status -eq 0 ] || cat exchanged
	is 'each once while policies change' 0 $status
	is 'and counted once' "$REPLACED $REPLACED 0" "$(counter telemetry packets) $(counter \
		telemetry copied_packets) $(counter telemetry copy_errors)"
}

replaced() {
	sed 's/0x00000002/0x00000012/' conf >another
	check 'applied again' em apply "--backend=$1" conf
	ip netns exec client ethtool -K wire tx off >/dev/null 2>&1 # so that XDP decides
	replaced_under "$1" 1 6001 7001 7002
	before=$(no_ports)
	replaced_under "$1" 4 7001
	is 'and none arrives that is dropped' 0 $(($(no_ports) - before))
	ip netns exec client ethtool -K wire tx on >/dev/null 2>&1
}

# Behind XDP, a program at TC makes the copies.
behind() {
	command -v tc >/dev/null || return # as in the virtual machines
	ip netns exec server tc qdisc del dev wire clsact
	status=0
	said=$(em status 2>&1) || status=$?
	is 'without the program at TC: status' 4 $status
	says 'without the program at TC: says so' 'TC ingress' "$said"
	check 'without the program at TC: applied' em apply "--backend=$1" conf
	check 'and whole again' em status
	check 'and copies' exchange 192.0.2.2 1 100 6001 7001 7002
}

# Each server answers; the answers of the first one come from where the sender has sent to.
answered() {
	listeners '"wire"' | sed '/name = "telemetry"/s/port = 5000;/& replies = true;/' >replies
	check 'with replies' em apply "--backend=$1" replies
	for address in 192.0.2.2 2001:db8::2; do
		check "$address: answers" "$COPIES" -a client server $address 5000 1 1000 6001 7001 7002
	done
	ip netns exec client ethtool -K wire tx off >/dev/null 2>&1
	check 'complete checksums: answers' \
		"$COPIES" -a client server 192.0.2.2 5000 1 1000 6001 7001 7002
	ip netns exec client ethtool -K wire tx on >/dev/null 2>&1
	check 'answered: removed' em remove
}

# The example, with text and a tag of two bytes.
example() {
	sed 's/"eth0"/"wire"/' "$EXAMPLE" >example
	check 'example' em apply "--backend=$1" example
	check 'example: plant-a' exchange 192.0.2.2 544d0001 100 6001 7001 7002
	check 'example: plant-b' exchange 192.0.2.2 544d0002 100 6002 7001
	check 'example: unknown' exchange 192.0.2.2 544d0003 100 7001 7003
	is 'example: counters' '300 300 100' "$(counter telemetry packets) $(counter telemetry \
		copied_packets) $(counter telemetry unknown_packets)"
	check 'back' em apply "--backend=$1" conf
}

# A policy in which the port of a copy is a listener's comes into force, and goes again.
changes() {
	sed 's/ copies = \[ 7002 \];//' conf >less
	says 'diff' '^~? *.*copies' "$(em diff less)"
	check 'fewer copies' em apply "--backend=$1" less
	check 'no second copy' exchange 192.0.2.2 1 100 6001 7001
	is 'showconf says the same' "$(em showconf | sed '/^#/d')" \
		"$(em showconf >shown && em apply "--backend=$1" shown >/dev/null && em showconf | sed '/^#/d')"
	check 'removed' em remove
	check 'nothing is left' exchange 192.0.2.2 1 100 5000
}

for backend in $E2E_BACKENDS; do
	title="$backend: "
	# Native XDP is not for lo.
	listeners "$([ "$backend" = xdp ] && echo '"wire"' || echo '"wire", "lo"')" >conf
	if ! can_copy "$backend"; then
		refuses "$backend"
		continue
	fi
	check 'applied' em apply "--backend=$backend" conf
	each_once "$backend"
	counts "$backend"
	replaced "$backend"
	case $backend in xdp*) behind "$backend" ;; esac
	changes "$backend"
	check 'applied again' em apply "--backend=$backend" conf
	answered "$backend"
	example "$backend"
	check 'removed' em remove
done
title='auto: '
listeners '"wire"' >conf
case " $E2E_BACKENDS " in *' xdp '*)
	if can_copy xdp; then
		says 'takes XDP' 'wire: xdp-native' "$(em apply conf)"
		check 'entity' exchange 192.0.2.2 1 100 6001 7001 7002
		check 'removed' em remove
	fi
esac
echo "1..$((passed + failed))"
[ $failed -eq 0 ]
