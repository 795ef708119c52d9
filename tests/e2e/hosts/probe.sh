#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# What `entitymux probe` and a dry run announce is what apply then does, for interfaces of many
# kinds and each backend; and they change nothing that another program could see.
#
# Runs as root, in a network and a mount namespace of its own, with a /run of its own, where its
# other network namespaces are named as well: whatever becomes of it, nothing stays behind.

: "${ENTITYMUX:=./entitymux}" "${srcdir:=.}"

if [ -z "${probe_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root'; exit 77; }
	for tool in ip tc nft ethtool setpriv unshare; do
		command -v $tool >/dev/null || { echo "needs $tool"; exit 77; }
	done
	probe_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") srcdir=$(realpath "$srcdir")
	export probe_inside ENTITYMUX srcdir
	exec timeout 600 unshare --mount --propagation private --net /bin/sh "$0"
fi

mount -t tmpfs probe /run || exit 1
tmp=/run/probe
mkdir $tmp
chmod 755 $tmp
# Where everybody may run it.
cp "$ENTITYMUX" $tmp/entitymux
host=probe-host
far=probe-far
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"

in_host() { ip netns exec $host "$@"; }
em() { in_host $tmp/entitymux "$@"; }

# conf FILE OFFSET INTERFACE...
conf() {
	conf_file=$1 conf_offset=$2
	shift 2
	printf 'listeners = ( { name = "a"; interfaces = [ %s ]; port = 5000;
	tag = { offset = %s; length = 4; }; entities = ( { tag = "0x00000001"; port = 6001; } );
	} );\n' "$(printf '"%s", ' "$@" | sed 's/, $//')" "$conf_offset" >"$conf_file"
}

# A kernel may lack a kind; then it is left out.
add() {
	interface=$1
	shift
	if "$@" 2>$tmp/err; then
		interfaces="$interfaces $interface"
	else
		echo "# no interface $interface on this kernel: $(head -n 1 $tmp/err)"
	fi
}

make_interfaces() {
	interfaces=lo
	ip netns add $host
	ip netns add $far
	add pair ip -n $host link add pair type veth peer name peer0 netns $far
	add jumbo ip -n $host link add jumbo mtu 9000 type veth peer name peer1 mtu 9000 netns $far
	add tight ip -n $host link add tight mtu 3504 type veth peer name peer3 mtu 3504 netns $far
	# Two queues of the other end are more than one of this.
	add narrow ip -n $host link add narrow type veth peer name peer2 numtxqueues 2 \
		numrxqueues 2 netns $far
	ip netns exec $far ethtool -L peer2 tx 2 2>/dev/null
	add bridge0 ip -n $host link add bridge0 type bridge
	add vlan0 ip -n $host link add link pair name vlan0 type vlan id 5
	add macvlan0 ip -n $host link add link pair name macvlan0 type macvlan
	add tap0 in_host ip tuntap add dev tap0 mode tap
	add tun0 in_host ip tuntap add dev tun0 mode tun
	add dummy0 ip -n $host link add dummy0 type dummy
	add ipsec0 ip -n $host link add ipsec0 type xfrm dev lo if_id 1
	for interface in $interfaces; do
		ip -n $host link set "$interface" up
	done
	for peer in peer0 peer1 peer2 peer3; do
		ip -n $far link set $peer up
	done
	# The kernel tells of a carrier a second late.
	sleep 2
}

# All that could be changed, but for the clock of a bridge.
snapshot() { list_all 2>/dev/null | sed 's/ gc_timer *[0-9.]*//'; }

list_all() {
	in_host ip -d -o link
	in_host nft list ruleset
	for interface in $interfaces; do
		in_host tc qdisc show dev "$interface"
		in_host tc filter show dev "$interface" ingress
	done
	ip netns exec $far ip -d -o link
	ip -o link
	find /run/entitymux
	ip netns list
}

# unchanged WHAT BEFORE AFTER
unchanged() {
	printf '%s\n' "$2" >$tmp/before
	printf '%s\n' "$3" >$tmp/after
	check "$1" diff $tmp/before $tmp/after
}

# Starts what would see a change, and stops it again.
watch() {
	ip netns exec $host ip monitor link address route neigh netconf >$tmp/seen-ip &
	watch_ip=$!
	ip netns exec $host nft monitor >$tmp/seen-nft &
	watch_nft=$!
	ip monitor link >$tmp/seen-outside &
	watch_outside=$!
	sleep 0.3
}

unwatch() {
	sleep 0.3
	kill $watch_ip $watch_nft $watch_outside
	wait $watch_ip $watch_nft $watch_outside 2>/dev/null
}

# The backend, its reason and the hooks, without what comes before.
announced() { sed -n '/^apply would choose: /,$p' | sed '1s/^apply would choose: //'; }
done_so() { sed '1s/^[^ ]*: [a-z ]*: //'; }

# Which obstacles are found first and which by trying may differ.
without_reason() { sed '1s/ (.*//'; }

# What probe says of a backend: yes or no.
carries() { sed -nE "s/^  $1 +(yes|no)(,.*)?\$/\1/p" $tmp/said; }

foretells() {
	title="$1: "
	conf "$tmp/$1.conf" 0 "$1"
	before=$(snapshot)
	em probe "$tmp/$1.conf" >$tmp/said 2>&1
	announcement=$(announced <$tmp/said)
	dry=$(em apply -n "$tmp/$1.conf" 2>&1 | done_so)
	unchanged 'nothing changes' "$before" "$(snapshot)"
	applied=$(em apply "$tmp/$1.conf" 2>&1 | done_so)
	em remove
	is 'auto, as announced' "$announcement" "$applied"
	is 'auto, as in a dry run' "$dry" "$applied"
	for backend in xdp xdp-generic tc nft; do
		em apply -n --backend=$backend "$tmp/$1.conf" >/dev/null 2>&1
		dry=$?
		em apply --backend=$backend "$tmp/$1.conf" >/dev/null 2>&1
		applied=$?
		em remove
		case $applied in
		0) wanted="0 yes" ;;
		*) wanted="3 no" ;;
		esac
		is "$backend, as announced" "$wanted" "$dry $(carries $backend)"
	done
	title=
}

together() {
	title='all interfaces: '
	# shellcheck disable=SC2086 # a list of words
	conf $tmp/all.conf 0 $interfaces
	watch
	before=$(snapshot)
	announcement=$(em probe $tmp/all.conf | announced)
	after=$(snapshot)
	unwatch
	unchanged 'nothing changes' "$before" "$after"
	is 'nothing is seen' '' "$(cat $tmp/seen-ip $tmp/seen-nft $tmp/seen-outside)"
	is 'as announced' "$(printf '%s\n' "$announcement" | without_reason)" \
		"$(em apply $tmp/all.conf | done_so | without_reason)"
	is 'announced again' "$announcement" "$(em probe $tmp/all.conf | announced)"
	em remove
	title=
}

# A row of the kernel says yes where apply can attach what it attaches there.
rows() {
	conf $tmp/lo.conf 0 lo
	em probe $tmp/lo.conf >$tmp/said 2>&1
	for row in xdp-generic clsact; do
		backend=$row
		[ $row != clsact ] || backend=tc
		seen=$(sed -nE "s/^  eBPF +$row +(yes|no) .*/\1/p" $tmp/said)
		applied=no
		em apply --backend=$backend $tmp/lo.conf >/dev/null 2>&1 && applied=yes
		em remove
		# Of a program without the fast path there are no rows.
		[ -z "$seen" ] || is "the row $row, as apply" $applied "$seen"
	done
}

# The keys of the document are in the manual.
documented() {
	conf $tmp/json.conf 0 pair lost0
	in_host nft 'table inet firewall { chain early {
		type filter hook ingress device "pair" priority 0; }; }'
	in_host nft 'table netdev edge { chain early {
		type filter hook ingress device "pair" priority 5; }; }'
	in_host tc qdisc add dev pair clsact
	in_host tc filter add dev pair ingress prio 7 bpf da bytecode '1,6 0 0 0'
	in_host ethtool -K pair rx-gro-list on
	em probe --json $tmp/json.conf >$tmp/json 2>&1
	is 'exit status of a missing interface' 1 $?
	said=$(cat $tmp/json)
	says 'a chain of family inet' 'ingress, priority 0: inet firewall early' "$said"
	says 'a chain of family netdev' 'ingress, priority 5: netdev edge early' "$said"
	# Of a program that has the fast path.
	[ "${said##*eBPF*}" ] || says 'a filter' 'TC filter at ingress, priority 7' "$said"
	says 'whom it bothers' 'all backends: rx-gro-list merges' "$said"
	says 'what merges' 'ethtool -K pair rx-gro-list off' "$said"
	says 'a missing interface' '"reason": ".*interface lost0: No such device' "$said"
	for key in $(grep -oE '"[a-z_-]+": ' $tmp/json | tr -d ' ":' | sort -u); do
		grep -qE -- "Ql $key( |\$)" "$srcdir/man/entitymux.8" ||
			fail "key $key is not in entitymux.8"
	done
	in_host nft flush ruleset
	in_host tc qdisc del dev pair clsact
	in_host ethtool -K pair rx-gro-list off
}

refused() {
	ip -n $host link set pair down
	em probe $tmp/pair.conf >$tmp/said 2>&1
	is 'an interface that is down: exit status' 1 $?
	says 'an interface that is down' 'down; try: ip link set dev pair up' "$(cat $tmp/said)"
	ip -n $host link set pair up
	conf $tmp/far.conf 1000 pair
	em apply -n --backend=nft $tmp/far.conf >/dev/null 2>$tmp/err
	is 'a tag too far for nft: as apply' \
		"$(sed 's/^entitymux: /  nft            no, /' $tmp/err)" \
		"$(em probe $tmp/far.conf | grep '^  nft  *no')"
	echo 'listeners = 1;' >$tmp/bad.conf
	em probe $tmp/bad.conf >/dev/null 2>&1
	is 'a mistake: exit status' 2 $?
	in_host setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
		$tmp/entitymux probe >$tmp/said 2>&1
	is 'as nobody: exit status' 1 $?
	says 'as nobody' 'not permitted' "$(cat $tmp/said)"
	# Shells do not set what was ignored when they began.
	check 'by one who ignores children' in_host sh -c "trap '' CHLD; exec $tmp/entitymux probe >$tmp/said"
}

make_interfaces
for interface in $interfaces; do
	foretells "$interface"
done
together
rows
documented
refused
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
