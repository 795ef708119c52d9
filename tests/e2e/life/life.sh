#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The life of a policy on this kernel: what is applied, again and anew, counted, damaged, refused,
# killed and removed; with the backends in $E2E_BACKENDS.
#
#	life.sh [SECTION...]
#
# Runs as root, in a mount namespace with a /run of its own, where its network namespaces are named
# as well: whatever becomes of it, nothing stays behind.

: "${ENTITYMUX:=./entitymux}" "${LIFE:=tests/e2e/life/life}" "${CUT:=tests/e2e/life/cut}" "${E2E_BACKENDS:=xdp xdp-generic nft}"

if [ -z "${life_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root'; exit 77; }
	for tool in ip nft setpriv unshare nsenter; do
		command -v $tool >/dev/null || { echo "needs $tool"; exit 77; }
	done
	life_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") LIFE=$(realpath "$LIFE")
	CUT=$(realpath "$CUT")
	export life_inside ENTITYMUX LIFE CUT E2E_BACKENDS
	exec timeout 1200 unshare --mount --propagation private /bin/sh "$0" "$@"
fi

# shellcheck source=tests/e2e/life/life-rig.sh
. "$(dirname "$0")/life-rig.sh"

section_refused() {
	check 'apply' em apply --backend="$backend" $tmp/a.conf
	taken=$(snapshot)
	check 'twenty mistakes' exits 2 20 "^entitymux: $tmp/mistakes.conf:[0-9]+: " \
		em apply $tmp/mistakes.conf
	stands 'twenty mistakes' '6001 6002' "$taken"
	refused 'no such file' 1 'lost/a\.conf.*No such file' em apply $tmp/lost/a.conf
	refused 'no such interface' 1 'interface lost0: No such device' em apply $tmp/lost.conf
	refused 'interface down' 1 'interface down0: it is down.*ip link set dev down0 up' \
		em apply $tmp/down.conf
	refused 'unknown option' 2 'unknown option --fast' em apply --fast $tmp/b.conf
	refused 'unknown command' 2 'unknown command aply' em aply $tmp/b.conf
	refused 'unknown backend' 2 '--backend=ebpf: expected auto, xdp' \
		em apply --backend=ebpf $tmp/b.conf
	refused 'as nobody' 1 'not permitted|Permission denied \(run as root\)' in_server setpriv --reuid=65534 \
		--regid=65534 --clear-groups --inh-caps=-all $tmp/entitymux apply \
		--backend="$backend" $tmp/b.conf
	refused 'without capabilities' 1 'needs CAP_NET_ADMIN' in_server setpriv \
		--bounding-set=-all --inh-caps=-all $tmp/entitymux apply --backend="$backend" \
		$tmp/b.conf
	refused 'nft without nf_tables' 3 'nft cannot carry.*no nf_tables' in_server "$life" \
		without-nftables $tmp/entitymux apply --backend=nft $tmp/b.conf
	refused 'read-only state' 1 "cannot .*$state.*Read-only file system" unshare --mount \
		--propagation private sh -c "mount --bind $state $state &&
		mount -o remount,bind,ro $state && ip netns exec $server $tmp/entitymux apply \
		--backend=$backend $tmp/b.conf"
	full_state
	check 'and then it is applied' em apply --backend="$backend" $tmp/b.conf
	clear_all
}

# However much room is left: all or nothing.
full_state() {
	run=${state%/*}
	refusals=0
	for pages in 0 1 2 3 4 5 6 7 8; do
		mount -o remount,size=16m "$run"
		dd if=/dev/zero of="$run/room" bs=4096 count=$pages 2>/dev/null
		dd if=/dev/zero of="$run/filler" bs=64k count=512 2>/dev/null
		rm "$run/room"
		said=$(em apply --backend="$backend" $tmp/b.conf 2>&1)
		seen="$? $(where 1 2) $(em status >/dev/null 2>&1; echo $?)"
		rm "$run/filler"
		mount -o remount,size=1g "$run"
		case $seen$said in
		'0 7001 7002 0'*) ;;
		'1 6001 6002 0'*'No space left'*) refusals=$((refusals + 1)) ;;
		*) fail "state full but for $pages pages" "$seen" "$said" ;;
		esac
		em apply --backend="$backend" $tmp/a.conf >/dev/null
	done
	check "state full: refused $refusals times" [ $refusals -gt 2 ]
	is 'state full: then sorted again' '6001 6002' "$(where 1 2)"
}

section_again() {
	check 'apply' em apply --backend="$backend" $tmp/a.conf
	is 'sorted' '6001 6002 5000' "$(where 1 2 3)"
	number=$(generation)
	taken=$(snapshot)
	check 'says unchanged' sh -c "ip netns exec $server $tmp/entitymux apply \
		--backend=$backend $tmp/a.conf | grep -q ': unchanged: '"
	is 'unchanged: nothing touched' "$taken" "$(snapshot)"
	mv $tmp/a.conf $tmp/a.bare
	{ echo '# the same policy'; cat $tmp/a.bare; } >$tmp/a.conf
	check 'a comment is no change' sh -c "ip netns exec $server $tmp/entitymux apply \
		--backend=$backend $tmp/a.conf | grep -q ': unchanged: '"
	mv $tmp/a.bare $tmp/a.conf
	is 'a comment: sorted as before' '6001 6002 5000' "$(where 1 2 3)"
	check 'edited: says applied' sh -c "ip netns exec $server $tmp/entitymux apply \
		--backend=$backend $tmp/b.conf | grep -q ': applied: '"
	check 'edited: a later generation' [ "$(generation)" -gt "$number" ]
	is 'edited: sorted anew' '7001 7002 7003' "$(where 1 2 3)"
	is 'edited: counters' '9 2 7 3 3 1 ' "$(counters 'sorter packets' 'sorter unknown' \
		'sorter rewritten' 'sorter/one packets' 'sorter/two packets' 'sorter/three packets')"
	check 'dry run' em apply -n --backend="$backend" $tmp/a.conf
	is 'dry run: sorted as before' '7001 7002 7003' "$(where 1 2 3)"
	check 'an entity less' em apply --backend="$backend" $tmp/one.conf
	check 'and again one more' em apply --backend="$backend" $tmp/a.conf
	is 'removed and added again: its counter is gone' '4 0 ' \
		"$(counters 'sorter/one packets' 'sorter/two packets')"
	check 'renamed listener' em apply --backend="$backend" $tmp/renamed.conf
	is 'renamed listener: its counters are gone' '0 0 0 ' \
		"$(counters 'other packets' 'other/one packets' 'sorter packets' 'other rewritten')"
	where 1 1 2 3 >/dev/null
	check 'reset' em stats --reset
	is 'reset: all zero' '0 0 0 0 0 ' "$(counters 'other packets' 'other bytes' \
		'other rewritten' 'other/one packets' 'other unknown')"
	where 1 3 >/dev/null
	is 'reset: counts on' '2 1 1 ' \
		"$(counters 'other packets' 'other/one packets' 'other unknown')"
	check 'reset: apply' em apply --backend="$backend" $tmp/renamed.conf
	is 'reset: survives an apply' '2 1 1 ' \
		"$(counters 'other packets' 'other/one packets' 'other unknown')"
	check 'remove' exits 0 0 '' em remove
	is 'remove: nothing stays' "$pristine" "$(snapshot)"
	check 'remove: no state' [ ! -e "$state" ]
	is 'remove: not sorted any more' '5000 5000' "$(where 1 2)"
	check 'remove again' exits 0 0 '' em remove
	check 'status of nothing' em status
	check 'stats of nothing' exits 1 1 'nothing is applied' em stats
}

# From each backend to each: the counters go along.
section_counters() {
	total=0
	for from in $E2E_BACKENDS; do
		for to in $E2E_BACKENDS; do
			for step in "$from a 6001 6002" "$to b 7001 7002"; do
				# shellcheck disable=SC2086 # words
				set -- $step
				em apply --backend="$1" "$tmp/$2.conf" >$tmp/said 2>&1 ||
					fail "$from to $to: apply" "$(cat $tmp/said)"
				is "$from to $to: sorted by $1" "$3 $4" "$(where 1 2)"
				total=$((total + 1))
			done
			is "$from to $to: counters" "$((2 * total)) $total $total " "$(counters \
				'sorter packets' 'sorter/one packets' 'sorter/two packets')"
		done
	done
	clear_all
	is 'nothing stays' "$pristine" "$(snapshot)"
}

is_whole() { is "$1: status" "$2" "$(em status >/dev/null 2>&1; echo $?)"; }

# heals WHAT [CONF]
heals() {
	is_whole "$1" 4
	check "$1: apply heals" em apply --backend="$backend" "${2-$tmp/a.conf}"
	is_whole "$1: healed" 0
	is "$1: sorted" '6001 6002' "$(where 1 2)"
}

# tells DRIFT CONF: status names it and what mends it, in each form, and nothing else
tells() {
	mend="entitymux apply --backend=$backend $2"
	is "$what: status tells" "drift:       $1; mend it with: $mend" \
		"$(em status 2>&1 | grep '^drift:')"
	is "$what: status tells in JSON" "$1; $mend" "$(em status --json 2>&1 | sed -n \
		's/.*{ "object": "\(.*\)", "what": "\(.*\)", "remedy": "\(.*\)" }.*/\1 \2; \3/p')"
}

# What others may do within our table, one change at a time.
drift_nft() {
	# More than are asked for at a time.
	seq 3 2000 | awk '{ printf "0x%08x,6003\n", $1 }' >$tmp/drift.csv
	sed 's|port = 5000;|& sources = [ "192.0.2.0/24", "198.51.100.0/24" ];|
		s|port = 5000;|& entities_file = "drift.csv";|' $tmp/a.conf >$tmp/drift.conf
	check 'apply with sources' em apply --backend=nft $tmp/drift.conf
	is_whole 'applied with sources' 0
	while IFS=, read -r what drift change; do
		version=$(in_server nft list chains netdev |
			sed -n 's/.*chain v\([0-9]*\)-sort.*/\1/p')
		in_server nft "$(echo "$change" | sed "s/vN/v$version/g")"
		drift="${drift%%:*} netdev entitymux${drift#*:}"
		tells "$(echo "$drift" | sed "s/vN/v$version/g")" $tmp/drift.conf
		heals "$what" $tmp/drift.conf
	done <<'END'
chain flushed,chain: vN-sort-sorter has no rules,flush chain netdev entitymux vN-sort-sorter
rule added,chain: vN-sort-sorter has rules of others,insert rule netdev entitymux vN-sort-sorter accept
rule replaced,chain: vN-sort-sorter has rules of others,flush chain netdev entitymux vN-sort-sorter; add rule netdev entitymux vN-sort-sorter accept
entities flushed,map: vN-entities-sorter has no elements,flush map netdev entitymux vN-entities-sorter
entity deleted,map: vN-entities-sorter has 1999 of 2000 elements,delete element netdev entitymux vN-entities-sorter { 0x00000001 }
entity added,map: vN-entities-sorter has more than 2000 elements,add element netdev entitymux vN-entities-sorter { 0x7f7f7f7f : 1 }
entities gone,chain: vN-sort-sorter has no rules,flush chain netdev entitymux vN-sort-sorter; delete map netdev entitymux vN-entities-sorter
source deleted,set: vN-sources4-sorter has 3 of 5 elements,delete element netdev entitymux vN-sources4-sorter { 198.51.100.0/24 }
table dormant,table: is dormant: its chains see no packets,add table netdev entitymux { flags dormant; }
base chain moved,chain: ingress-in0 has another hook or priority or policy,delete chain netdev entitymux ingress-in0; add chain netdev entitymux ingress-in0 { type filter hook ingress device in0 priority 100; }; add rule netdev entitymux ingress-in0 goto vN-dispatch-in0
policy of a base chain,chain: ingress-in0 has another hook or priority or policy,add chain netdev entitymux ingress-in0 { policy drop; }
rule in a base chain,chain: ingress-in0 has rules of others,add rule netdev entitymux ingress-in0 drop
chain of others,chain: others is none of ours,add chain netdev entitymux others { type filter hook ingress device in0 priority -400; policy drop; }
base chain gone,chain: headers-in0 is missing or does not lead to the policy,delete chain netdev entitymux headers-in0
END
}

# Chains of nft are hooked to a name: on newer kernels the new one is sorted.  Status knows.
re_created() {
	seen=$(em status >/dev/null 2>&1; echo $?)
	ports=$(where 1 2)
	case "$backend $seen $ports" in
	'nft 0 6001 6002' | *' 4 5000 5000') pass 're-created: status knows' ;;
	*) fail 're-created: status knows' "$seen, sorted to $ports" ;;
	esac
	check 're-created: apply' em apply --backend="$backend" $tmp/a.conf
	is_whole 're-created: apply heals' 0
	is 're-created: sorted' '6001 6002' "$(where 1 2)"
}

section_status() {
	is_whole 'nothing applied' 0
	check 'apply' em apply --backend="$backend" $tmp/a.conf
	is_whole 'applied' 0
	check 'whole in JSON' sh -c "ip netns exec $server $tmp/entitymux status --json |
		grep -q '\"whole\": true'"
	ip -n $server link del in0
	is_whole 'interface deleted' 4
	pair $server $sender
	re_created
	case $backend in
	nft)
		in_server nft delete table netdev entitymux
		heals 'table deleted'
		in_server nft delete chain netdev entitymux ingress-in0
		heals 'chain deleted'
		in_server nft flush table netdev entitymux
		heals 'rules flushed'
		drift_nft
		;;
	xdp*)
		in_server ip link set dev in0 "${backend%-generic}${backend#xdp}" off 2>/dev/null ||
			in_server ip link set dev in0 "$(echo "$backend" | tr -d -)" off
		heals 'detached by hand'
		;;
	esac
	ip -n $server link set in0 down
	ip -n $server link set in0 up
	ip -n $server neighbour replace 192.0.2.9 lladdr 02:00:00:00:00:09 dev in0 nud permanent
	is_whole 'interface down and up' 0
	is 'interface down and up: sorted' '6001 6002' "$(where 1 2)"
	clear_all
	is 'nothing stays' 0 "$(snapshot | grep -ci entitymux)"
}

# What is somebody else's stays.
section_others() {
	in_server nft -f - <<'END'
table netdev other {
	chain ingress { type filter hook ingress device in0 priority -400; policy accept; counter; }
	set entitymux { type ipv4_addr; }
}
table ip entitymux {
	chain input { type filter hook input priority 0; policy accept; udp dport 1 drop; }
}
END
	in_server "$life" attach other0 native
	in_server tc qdisc add dev other0 clsact
	in_server tc filter add dev other0 ingress prio 1 bpf bytecode '1,6 0 0 0'
	theirs=$(snapshot)
	for backend in $E2E_BACKENDS; do
		title="others, $backend: "
		check 'apply' em apply --backend="$backend" $tmp/a.conf
		is 'sorted' '6001 6002' "$(where 1 2)"
		in_server nft list table netdev other >/dev/null || fail 'their table is gone'
		check 'apply another' em apply --backend="$backend" $tmp/b.conf
		clear_all
		is 'all of theirs stays' "$theirs" "$(snapshot)"
	done
	in_server nft delete table netdev other
	in_server nft delete table ip entitymux
	in_server tc qdisc del dev other0 clsact
	in_server ip link set dev other0 xdp off
	is 'nothing of ours stays' 0 "$(snapshot | grep -ci entitymux)"
}

# Somebody else's XDP program is where ours would go.
section_foreign() {
	case " $E2E_BACKENDS " in *' xdp '*) ;; *) return ;; esac
	for mode in native generic; do
		title="foreign XDP, $mode: "
		in_server "$life" attach in0 $mode
		theirs=$(snapshot)
		check 'xdp' exits 3 1 'conf:[0-9]+: xdp cannot carry.*in0: another XDP program is on the interface' \
			em apply --backend=xdp $tmp/a.conf
		is 'xdp: stays' "$theirs" "$(snapshot)"
		check 'xdp-generic' exits 3 1 'in0: another XDP program is on the interface' \
			em apply --backend=xdp-generic $tmp/a.conf
		is 'xdp-generic: stays' "$theirs" "$(snapshot)"
		check 'auto' em apply $tmp/a.conf
		check 'auto: says why' sh -c "ip netns exec $server $tmp/entitymux status |
			grep -q '^backend: .*in0: .*another XDP program'"
		is 'auto: not XDP' 0 "$(em status | grep -c 'in0 xdp')"
		is 'auto: sorted' '6001 6002' "$(where 1 2)"
		is_whole 'auto' 0
		clear_all
		is 'remove: stays' "$theirs" "$(snapshot)"
		in_server ip link set dev in0 xdp off 2>/dev/null
		in_server ip link set dev in0 xdpgeneric off 2>/dev/null
	done
	title='foreign XDP: '
	is 'nothing stays' "$(snapshot)" "$(snapshot | grep -v 'prog/xdp')"
}

# No BPF file system, one that nobody can write to; each way into a namespace.
section_surroundings() {
	for backend in $E2E_BACKENDS; do
		title="surroundings, $backend: "
		check 'read-only bpffs' unshare --mount --propagation private sh -c "
			mount -t bpf -o ro bpf /sys/fs/bpf && nsenter --net=/run/netns/$server \
			$tmp/entitymux apply --backend=$backend $tmp/a.conf"
		is 'read-only bpffs: sorted' '6001 6002' "$(where 1 2)"
		check 'nsenter and ip netns exec see the same' sh -c "ip netns exec $server \
			$tmp/entitymux apply --backend=$backend $tmp/a.conf | grep -q unchanged"
		check 'nsenter: status' nsenter --net=/run/netns/$server $tmp/entitymux status
		check 'nsenter: remove' nsenter --net=/run/netns/$server $tmp/entitymux remove
		is 'nsenter: removed' 'state:       nothing is applied' "$(em status)"
	done
	title='surroundings, no nf_tables: '
	for backend in $E2E_BACKENDS; do
		[ "$backend" = nft ] && continue
		check "$backend" in_server "$life" without-nftables $tmp/entitymux apply \
			--backend="$backend" $tmp/a.conf
		check "$backend: remove" in_server "$life" without-nftables $tmp/entitymux remove
	done
}

# One by one of two namespaces.
section_namespaces() {
	ip netns add server2
	ip netns add sender2
	pair server2 sender2
	# shellcheck disable=SC2086 # words
	set -- $E2E_BACKENDS
	for two in $E2E_BACKENDS; do
		title="namespaces, $1 and $two: "
		check 'one' em apply --backend="$1" $tmp/a.conf
		server=server2 sender=sender2
		is 'not in the other' '5000 5000 5000' "$(where 1 2 3)"
		is_whole 'nothing in the other' 0
		check 'the other' em apply --backend="$two" $tmp/b.conf
		is 'sorted by the other' '7001 7002 7003' "$(where 1 2 3)"
		is 'counted by the other' '3 ' "$(counters 'sorter packets')"
		server=server sender=sender
		is 'sorted by one' '6001 6002 5000' "$(where 1 2 3)"
		is 'counted by one' '3 ' "$(counters 'sorter packets')"
		clear_all
		server=server2 sender=sender2
		is 'removed from one, sorted by the other' '7001 7002 7003' "$(where 1 2 3)"
		is_whole 'the other' 0
		clear_all
		server=server sender=sender
	done
	ip netns del server2
	ip netns del sender2
}

# Ten at once, of two policies and all backends.
section_parallel() {
	jobs=
	for round in 1 2 3 4 5; do
		for name in a c; do
			# shellcheck disable=SC2086 # words
			set -- $E2E_BACKENDS
			shift $((round % $#))
			em apply --backend="$1" $tmp/$name.conf >$tmp/out.$round$name 2>&1 &
			jobs="$jobs $!"
		done
	done
	statuses=
	for job in $jobs; do
		wait "$job"
		statuses="$statuses $?"
	done
	is 'all succeed' ' 0 0 0 0 0 0 0 0 0 0' "$statuses"
	[ "$statuses" = ' 0 0 0 0 0 0 0 0 0 0' ] || cat $tmp/out.*
	ports=$(where 1 2 3)
	check "one of them in force: $ports" expr "$ports" : '6001 6002 5000$\|7001 7002 7003$'
	is_whole 'afterwards' 0
	check 'the generation in force, and the one before' [ "$(generations | wc -l)" -le 2 ]
	clear_all
	is 'nothing stays' 0 "$(snapshot | grep -ci entitymux)"
}

# Killed at any point.  Where the backend changes, what the new policy does not sort may go on to
# the old one until somebody has cleaned up; where all is whole, it does not.
section_killed() {
	cycle=
	for backend in $E2E_BACKENDS; do cycle="$cycle $backend $backend nft"; done
	check 'apply' em apply --backend=nft $tmp/a.conf
	killed=0 finished=0 failed_before=$failed
	set --
	for round in $(seq 50); do
		# shellcheck disable=SC2086 # words
		[ $# -gt 0 ] || set -- $cycle
		[ $((round % 2)) -eq 0 ] && name=a || name=c
		killed_once "$1" "$name"
		if [ $((round % 5)) -eq 0 ]; then
			said=$(em apply --backend="$1" "$tmp/$name.conf" 2>&1) ||
				fail "round $round: next apply" "$said"
			said=$(em status 2>&1) || fail "round $round: status" "$said"
		fi
		shift
	done
	is "$killed killed, $finished finished: a policy was in force each time" \
		"$failed_before" "$failed"
	check 'enough of them killed' [ $killed -ge 10 ]
	is_whole 'at the end' 0
	in_server "$life" kill 40000 $tmp/entitymux apply --backend=nft $tmp/b.conf >/dev/null 2>&1
	check 'remove' em remove
	is 'nothing stays' 0 "$(snapshot | grep -ci entitymux)"
	check 'no state' [ ! -e "$state" ]
}

killed_once() {
	delay=$(in_server "$life" kill 80000 $tmp/entitymux apply --backend="$1" "$tmp/$2.conf" \
		2>$tmp/err)
	status=$?
	[ $status -eq 0 ] && killed=$((killed + 1)) || finished=$((finished + 1))
	sum=$(counters 'sorter packets')
	em status >$tmp/said 2>&1
	case "$status $? $(where 1 2 3) $2 $sum" in
	'0 0 6001 6002 5000 '?' '[0-9]* | '0 0 7001 7002 7003 '?' '[0-9]*) ;;
	'0 4 6001 6002 '*' '?' '[0-9]* | '0 4 7001 7002 '*' '?' '[0-9]*) ;;
	'10 0 6001 6002 5000 a '[0-9]* | '10 0 7001 7002 7003 c '[0-9]*) ;;
	*) fail "round $round: $2.conf by $1, killed after $delay us" \
		"status $status, ports $(where 1 2 3), counted $sum" "$(cat $tmp/err $tmp/said)" ;;
	esac
}

# Killed while packets under way are waited for, before and after the switch: meanwhile one policy
# sorts and counts each datagram, and the next apply adds those counts, once, and takes away what is
# left.
section_cut() {
	for from in $E2E_BACKENDS; do
		for to in $E2E_BACKENDS; do
			wait=0
			while cut_at $((wait = wait + 1)); do :; done
			check "cut, $from to $to: somewhere" [ $wait -gt 1 ]
		done
	done
	is 'nothing stays' 0 "$(snapshot | grep -ci entitymux)"
}

# cut_at WAIT: fails if there are not so many
cut_at() {
	title="cut, $from to $to, $1: "
	em apply --backend="$from" $tmp/a.conf >/dev/null
	where 1 2 >$tmp/out
	in_server "$CUT" membarrier "$1" $tmp/entitymux apply --backend="$to" $tmp/b.conf \
		>$tmp/err 2>&1 || { clear_all; return 1; }
	case $(where 1 2 3) in
	'6001 6002 5000') known=2 unknown=1 ;;
	'7001 7002 7003') known=3 unknown=0 ;;
	*) fail 'one policy sorts' "$(where 1 2 3)" ;;
	esac
	check 'apply again' em apply --backend="$to" $tmp/b.conf
	is 'sorted anew' '7001 7002 7003' "$(where 1 2 3)"
	is 'counted once' "8 $((known + 5)) $unknown 3 3 " "$(counters 'sorter packets' \
		'sorter rewritten' 'sorter unknown' 'sorter/one packets' 'sorter/two packets')"
	check 'the generation in force, and the one before' [ "$(generations | wc -l)" -le 2 ]
	is_whole 'healed' 0
	clear_all
}

# stream stream|undone APPLIES LOSS BACKEND...: applies many times under traffic, and counts
stream() {
	how=$1 applies=$2 loss=$3
	shift 3
	title="$how, $*: "
	eval "em apply --backend=\${$#} $tmp/a.conf" >/dev/null
	if said=$(in_server "$life" "$how" /run/netns/$sender "$applies" "$loss" $tmp/entitymux \
		$tmp/a.conf $tmp/c.conf "$@" 2>&1); then pass "$said"; else fail 'stream' "$said"; fi
	# shellcheck disable=SC2046 # three numbers
	set -- $(echo "$said" | sed -n 's/^arrived \([0-9]*\), \([0-9]*\) of.* lost \([0-9]*\),.*/\1 \2 \3/p')
	unsorted=${2:-0}
	sorted=$((${1:-0} - unsorted))
	lost=${3:-0}
}

# Others on the way: one that uses the lower half of the mark, between TC and our rules, and one
# behind our rules that counts the marks that are not as that one has left them.
bystanders() {
	in_server nft -f - <<'END'
table netdev bystander {
	chain early {
		type filter hook ingress device "in0" priority -400;
		meta mark set meta mark & 0xffff0000 | 0x5
	}
}
table inet bystander {
	counter marked { }
	chain late {
		type filter hook prerouting priority -400;
		iifname "in0" udp dport 5000-7003 meta mark != 0x5 counter name "marked"
	}
}
END
}

marked() { in_server nft list counter inet bystander marked | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }

# What a driver drops when its native program goes may have been counted before.
all_counted() {
	seen=$(counters 'sorter packets' 'sorter rewritten' 'sorter unknown')
	# shellcheck disable=SC2086 # three numbers
	set -- $seen
	more_sorted=$((${2:-0} - sorted)) more_unsorted=$((${3:-0} - unsorted))
	if [ "$lost" -gt 0 ] && [ $more_sorted -ge 0 ] && [ $more_unsorted -ge 0 ] &&
		[ $((more_sorted + more_unsorted)) -le "$lost" ]; then
		sorted=$2 unsorted=$3
	fi
	is 'all counted, and once' "$((sorted + unsorted)) $sorted $unsorted " "$seen"
	clear_all
}

# Not a datagram is lost, sorted wrongly or counted twice while policies change, and none keeps a
# mark of ours.
section_traffic() {
	check 'others on the way' bystanders
	backends=$E2E_BACKENDS
	case " $backends " in *' tc '*) ;; *' xdp '*) backends="$backends tc" ;; esac
	for one in $backends; do
		stream stream 15 0 "$one"
		all_counted
	done
	done_with=' '
	for one in $backends; do
		done_with="$done_with$one "
		for two in $backends; do
			case $done_with in *" $two "*) continue ;; esac
			# A driver may drop what is in its rings when its native program goes.
			case " $one $two " in *' xdp '*) loss=96 ;; *) loss=0 ;; esac
			stream stream 15 "$loss" "$one" "$two" "$two"
			all_counted
		done
	done
	is 'nobody sees a mark of ours' 0 "$(marked)"
	in_server nft 'delete table netdev bystander; delete table inet bystander'
}

# The same where nobody confirms; LIFE_UNDONE is how many changes are made, each of which takes a second.
section_undone() {
	for one in $E2E_BACKENDS; do
		stream undone "${LIFE_UNDONE:-2}" 0 "$one"
		all_counted
	done
	case " $E2E_BACKENDS " in
	*' tc '*) stream undone "${LIFE_UNDONE:-2}" 0 tc nft ;;
	*xdp*) stream undone "${LIFE_UNDONE:-2}" 0 xdp-generic nft ;;
	*) return ;;
	esac
	all_counted
}

# As many entities as a listener may have.
section_million() {
	awk 'BEGIN { for (i = 1; i <= 1048576; i++) printf "0x%08x,%d\n", i, 6001 + i % 2 }' \
		>$tmp/million.csv
	cat >$tmp/million.conf <<'END'
listeners = ( { name = "sorter"; interfaces = [ "in0" ]; port = 5000;
  tag = { offset = 4; length = 4; }; entities_file = "million.csv"; } );
END
	for backend in $E2E_BACKENDS; do
		[ "$backend" = xdp ] || [ "$backend" = nft ] || continue
		title="million, $backend: "
		check 'apply' in_server "$life" cost $tmp/entitymux apply --backend="$backend" \
			$tmp/million.conf
		echo "# apply: $(echo "$said" | tail -n 1)"
		is 'the last one is sorted, one more is unknown' '6001 5000' \
			"$(where 0x100000 0x100001)"
		is 'stats' '1048576 2 1 1 ' "$(counters 'sorter entities' 'sorter packets' \
			'sorter rewritten' 'sorter/0x00100000 packets')"
		check 'apply again' in_server "$life" cost $tmp/entitymux apply \
			--backend="$backend" $tmp/million.conf
		echo "# apply again: $(echo "$said" | tail -n 1)"
		check 'unchanged' expr "$said" : '.*: unchanged: '
		clear_all
	done
}

[ $# -gt 0 ] || set -- refused again counters status others foreign surroundings namespaces \
	parallel killed cut traffic undone million
for section; do
	case $section in
	refused | again | status)
		for backend in $E2E_BACKENDS; do
			title="$section, $backend: "
			section_"$section"
		done
		;;
	*)
		title="$section: "
		section_"$section"
		;;
	esac
done
ip netns del $server
ip netns del $sender
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
