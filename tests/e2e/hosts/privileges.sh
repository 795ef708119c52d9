#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Capabilities instead of root: what the unit of systemd leaves is enough for everything, each one
# that is missing is named and nothing is changed, and no pin outlives what it is for.
#
#	privileges.sh [SECTION...]
#
# Runs as root, in a mount namespace with a /run and a bpffs of its own, where its network
# namespaces are named as well: whatever becomes of it, nothing stays behind.

: "${ENTITYMUX:=./entitymux}" "${LIFE:=tests/e2e/life/life}" "${E2E_BACKENDS:=xdp xdp-generic tc nft}"
: "${WITHOUT_REPLACE:=tests/e2e/hosts/without_replace}" "${srcdir:=.}"

if [ -z "${privileges_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root'; exit 77; }
	for tool in ip nft setpriv tc unshare; do
		command -v $tool >/dev/null || { echo "needs $tool"; exit 77; }
	done
	setpriv --list-caps | grep -qx bpf || { echo 'a kernel before 5.8 has no CAP_BPF'; exit 77; }
	privileges_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") LIFE=$(realpath "$LIFE")
	srcdir=$(realpath "$srcdir") WITHOUT_REPLACE=$(realpath "$WITHOUT_REPLACE")
	export privileges_inside ENTITYMUX LIFE E2E_BACKENDS WITHOUT_REPLACE srcdir
	exec timeout 1200 unshare --mount --propagation private /bin/sh "$0" "$@"
fi

# shellcheck source=tests/e2e/life/life-rig.sh
. "$(dirname "$0")/../life/life-rig.sh"

# The kernel's own is at /sys/fs/bpf, which `ip netns exec` covers.
bpffs=/run/bpf
pins=$bpffs/entitymux
mkdir $bpffs
mount_bpffs() { mount -t bpf -o mode=755 bpf $bpffs; }
mount_bpffs

# "+net_admin,+bpf,…"
unit=$(sed -n 's/^CapabilityBoundingSet=//p' "$srcdir/etc/hardening.in" |
	tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
caps=$unit
with() {
	limits=$1
	shift
	in_server setpriv --bounding-set=-all"${limits:+,$limits}" --inh-caps=-all "$@"
}
em() { with "$caps" $tmp/entitymux "$@"; }
as_root() { in_server $tmp/entitymux "$@"; }
# The unit's capabilities but one.
but() { echo "$unit" | tr ',' '\n' | grep -vx "+$1" | paste -sd ,; }

pinned() { find $pins/net-* -name 'prog-*' 2>/dev/null | wc -l; }
nothing_stays() {
	is "$1: nothing stays" "$pristine" "$(snapshot)"
	is "$1: no pins" '' "$(find $pins 2>/dev/null)"
	check "$1: no state" [ ! -e "$state" ]
}

# Programs that an interface has with a backend: behind XDP on veth there is one at TC.
programs_of() {
	case $1 in
	xdp*) echo 2 ;;
	tc) echo 1 ;;
	*) echo 0 ;;
	esac
}

section_enough() {
	check 'apply' em apply --backend="$backend" $tmp/a.conf
	is 'sorted' '6001 6002 5000' "$(where 1 2 3)"
	is 'counted' '3 2 1 ' "$(counters 'sorter packets' 'sorter rewritten' 'sorter unknown')"
	check 'status' em status
	is 'pins' "$(programs_of "$backend")" "$(pinned)"
	taken=$(snapshot)
	is 'says unchanged' "$tmp/a.conf: unchanged" \
		"$(em apply --backend="$backend" $tmp/a.conf | sed -n 's/\(unchanged\).*/\1/p')"
	is 'unchanged: nothing touched' "$taken" "$(snapshot)"
	is 'unchanged: pins' "$(programs_of "$backend")" "$(pinned)"
	check 'apply another' em apply --backend="$backend" $tmp/b.conf
	is 'sorted anew' '7001 7002 7003' "$(where 1 2 3)"
	is 'counters go on' '6 5 1 ' \
		"$(counters 'sorter packets' 'sorter rewritten' 'sorter unknown')"
	is 'pins of the new one only' "$(programs_of "$backend")" "$(pinned)"
	check 'reset' em stats --reset
	where 1 >/dev/null
	is 'reset: counts on' '1 1 0 ' \
		"$(counters 'sorter packets' 'sorter/one packets' 'sorter/two packets')"
	check 'root finds it, too' as_root apply --backend="$backend" $tmp/a.conf
	is 'what root applies: sorted' '6001 6002' "$(where 1 2)"
	is 'what root applies: counted' '3 ' "$(counters 'sorter packets')"
	check 'remove' exits 0 0 '' em remove
	nothing_stays 'remove'
}

# From each backend to each: the counters go along.
section_changes() {
	total=0
	for from in $E2E_BACKENDS; do
		for to in $E2E_BACKENDS; do
			for step in "$from a 6001 6002" "$to b 7001 7002"; do
				# shellcheck disable=SC2086 # words
				set -- $step
				said=$(em apply --backend="$1" "$tmp/$2.conf" 2>&1) ||
					fail "$from to $to: apply" "$said"
				is "$from to $to: sorted by $1" "$3 $4" "$(where 1 2)"
				is "$from to $to: pins" "$(programs_of "$1")" "$(pinned)"
				total=$((total + 1))
			done
			is "$from to $to: counters" "$((2 * total)) " "$(counters 'sorter packets')"
		done
	done
	em remove
	nothing_stays 'remove'
}

# lacks CAPABILITY BACKEND MESSAGE: it is named, once, and nothing changes
lacks() {
	for file in b c; do
		check "without $1: to $2, $file.conf" exits 1 1 "$3" with "$(but "$1")" \
			$tmp/entitymux apply --backend="$2" $tmp/$file.conf
	done
	stands "without $1: to $2" '6001 6002' "$taken"
}

section_missing() {
	check 'apply' em apply --backend="$backend" $tmp/a.conf
	taken=$(snapshot) taken_pins=$(find $pins 2>/dev/null | sort)
	for to in $E2E_BACKENDS; do
		lacks net_admin "$to" 'needs CAP_NET_ADMIN'
		[ "$to" != nft ] || continue
		lacks bpf "$to" 'bpf: not permitted: needs CAP_BPF \(|CAP_BPF where they are pinned'
		lacks perfmon "$to" 'bpf: not permitted: needs CAP_PERFMON \('
	done
	check 'without any of them' exits 1 1 'needs CAP_NET_ADMIN' with '' $tmp/entitymux remove
	is 'pins as before' "$taken_pins" "$(find $pins 2>/dev/null | sort)"
	stands 'without any of them' '6001 6002' "$taken"
	if [ "$backend" = nft ]; then
		check 'nft with CAP_NET_ADMIN alone' with +net_admin $tmp/entitymux apply \
			--backend=nft $tmp/b.conf
		is 'nft with CAP_NET_ADMIN alone: sorted' '7001 7002 7003' "$(where 1 2 3)"
	fi
	em remove
	nothing_stays 'remove'
}

# Where there is nothing to pin to, it is the backends with programs that lack something.
section_no_bpffs() {
	umount $bpffs
	for to in $E2E_BACKENDS auto; do
		[ "$to" != nft ] || continue
		check "$to: says what is missing" exits 1 1 'needs CAP_SYS_ADMIN .*, or a bpffs' \
			em apply --backend="$to" $tmp/a.conf
		is "$to: nothing touched" "$pristine" "$(snapshot)"
	done
	check 'nft needs none' em apply --backend=nft $tmp/a.conf
	clear_all
	for to in $E2E_BACKENDS; do
		[ "$to" != nft ] || continue
		check "$to: root needs none" as_root apply --backend="$to" $tmp/a.conf
		taken=$(snapshot)
		for then in "status" "stats" "apply --backend=$to $tmp/b.conf" \
			"apply --backend=nft $tmp/b.conf" "remove"; do
			# shellcheck disable=SC2086 # words
			check "$to of root's, not pinned: $then" exits 1 1 'needs CAP_SYS_ADMIN' \
				em $then
		done
		is "$to: nothing touched" "$taken" "$(snapshot)"
		is "$to: sorted as before" '6001 6002' "$(where 1 2)"
		check "$to: root removes it" as_root remove
	done
	mount_bpffs
	nothing_stays 'remove'
}

# A store that somebody else has made in a bpffs that is open to all.
section_not_ours() {
	mkdir $pins
	chown 65534 $pins
	check 'says what is missing' exits 1 1 'needs CAP_SYS_ADMIN .*, or a bpffs' \
		em apply --backend="$one" $tmp/a.conf
	check 'root needs none' as_root apply --backend="$one" $tmp/a.conf
	is 'nothing in it' '' "$(find $pins -mindepth 1)"
	check 'root removes it' as_root remove
	rmdir $pins 2>/dev/null
	in_server "$life" attach in0 native
	theirs=$(snapshot)
	check "somebody's XDP program" exits 3 1 'another XDP program is on the interface \(id' \
		em apply --backend=xdp $tmp/a.conf
	is "somebody's XDP program: nothing touched" "$theirs" "$(snapshot)"
	in_server ip link set dev in0 xdp off
	nothing_stays 'remove'
}

# What a run that died, an interface or a namespace that went has left.
section_stale() {
	check 'apply' em apply --backend="$one" $tmp/a.conf
	n=$(pinned)
	in_server ip link set dev in0 xdp off
	check 'detached by hand' exits 4 0 '' em status
	check 'apply heals' em apply --backend="$one" $tmp/a.conf
	is 'pins of the new one only' "$n" "$(pinned)"
	taken=$(snapshot) taken_pins=$(find $pins | sort)
	check 'read-only state' exits 1 1 'cannot .*Read-only file system' unshare --mount \
		--propagation private sh -c "mount --bind $state $state &&
		mount -o remount,bind,ro $state && ip netns exec $server setpriv \
		--bounding-set=-all,$caps --inh-caps=-all $tmp/entitymux apply \
		--backend=$one $tmp/b.conf"
	stands 'read-only state' '6001 6002' "$taken"
	is 'read-only state: pins as before' "$taken_pins" "$(find $pins | sort)"
	em remove
	killed_in_between
	killed=0
	for round in $(seq 12); do
		[ $((round % 2)) -eq 0 ] && to=nft || to=$one
		with "$unit" "$life" kill 60000 $tmp/entitymux apply --backend="$to" \
			"$tmp/$([ $((round % 4)) -lt 2 ] && echo a || echo c).conf" >/dev/null 2>&1 &&
			killed=$((killed + 1))
	done
	check "$killed killed: apply" em apply --backend="$one" $tmp/b.conf
	is "$killed killed: sorted" '7001 7002 7003' "$(where 1 2 3)"
	is "$killed killed: pins of the new one only" "$n" "$(pinned)"
	em remove
	nothing_stays 'remove'
}

# Killed with a placeholder attached, whose place the new program was to take.
killed_in_between() {
	awk 'BEGIN { for (i = 1; i <= 400000; i++) printf "0x%08x,6001\n", i }' >$tmp/many.csv
	cat >$tmp/many.conf <<'END'
listeners = ( { name = "sorter"; interfaces = [ "in0" ]; port = 5000;
  tag = { offset = 4; length = 4; }; entities_file = "many.csv"; } );
END
	(exec ip netns exec $server setpriv --bounding-set="-all,$caps" --inh-caps=-all \
		$tmp/entitymux apply --backend="$one" $tmp/many.conf >/dev/null 2>&1) &
	for _ in $(seq 500); do
		! ip -n $server link show dev in0 | grep -q xdp || break
		sleep 0.01
	done
	kill -9 $! && wait $! 2>/dev/null
	check 'killed in between: a placeholder is there' sh -c \
		"ip -n $server link show dev in0 | grep -q xdp"
	check 'killed in between: apply' em apply --backend="$one" $tmp/a.conf
	is 'killed in between: sorted' '6001 6002' "$(where 1 2)"
	is 'killed in between: pins of the new one only' "$n" "$(pinned)"
}

# Whether this kernel can tell that a namespace is gone.
tells_gone() { printf '6.18\n%s\n' "$(uname -r)" | sort -CV; }

section_namespaces() {
	ip netns add gone
	ip netns add gone-sender
	pair gone gone-sender
	server=gone
	check 'apply in one' em apply --backend="$one" $tmp/a.conf
	theirs=$(find $pins -name 'net-*')
	their_state=$(find "$state" -name 'net-*')
	server=server
	check 'apply in the other' em apply --backend="$one" $tmp/a.conf
	is 'both are pinned' 2 "$(find $pins -name 'net-*' | wc -l)"
	server=gone
	check 'the one is left alone' em status
	check 'its state is there' [ -d "$their_state" ]
	ip netns del gone
	ip netns del gone-sender
	server=server
	sleep 1
	check 'apply when the one is gone' em apply --backend="$one" $tmp/b.conf
	check 'its pins are gone' [ ! -e "$theirs" ]
	check 'apply as root, who can tell' as_root apply --backend="$one" $tmp/b.conf
	! tells_gone || check 'its state is gone' [ ! -e "$their_state" ]
	is 'sorted' '7001 7002' "$(where 1 2)"
	again
	# Where the kernel cannot tell that a namespace is gone, its state stays until its inode number
	# comes again.
	find "$state" -mindepth 1 -maxdepth 1 -name 'net-*' ! -name \
		"net-$(in_server stat -Lc %i /proc/self/ns/net)" -exec rm -r {} +
	em remove
	nothing_stays 'remove'
}

# The inode number of a namespace that is gone goes to a later one, and so does the folder.
again() {
	ip netns add gone
	server=gone
	ip -n gone link add in0 type veth peer name out0
	ip -n gone link set in0 up
	check 'apply' em apply --backend="$one" $tmp/a.conf
	old=$(find $pins -name 'prog-*' | sort)
	number=$(in_server readlink /proc/self/ns/net)
	ip netns del gone
	sleep 1
	for later in $(seq 20); do
		ip netns add "later$later"
		server=later$later
		[ "$(in_server readlink /proc/self/ns/net)" != "$number" ] || break
	done
	if [ "$(in_server readlink /proc/self/ns/net)" = "$number" ]; then
		check 'a later namespace: nothing applied' em status
		ip -n "$server" link add in0 type veth peer name out0
		ip -n "$server" link set in0 up
		check 'a later namespace: apply' em apply --backend="$one" $tmp/a.conf
		is 'a later namespace: as many pins' "$(echo "$old" | wc -l)" "$(pinned)"
		check 'a later namespace: others' [ "$old" != "$(find $pins -name 'prog-*' | sort)" ]
		server=server
		check 'a later namespace: apply elsewhere' em apply --backend="$one" $tmp/a.conf
		server=later$later
		check 'a later namespace: status' em status
		em remove
	else
		echo "# no namespace came to be $number again"
	fi
	for each in $(seq "$later"); do
		ip netns del "later$each"
	done
	server=server
}

# A user to whom the folders have been given.
section_user() {
	chmod 755 "${state%/*}"
	mkdir "$state" $pins
	chown 65534 "$state" $pins
	em() {
		in_server setpriv --reuid=65534 --regid=65534 --clear-groups \
			--bounding-set="-all,$caps" --inh-caps="-all,$caps" \
			--ambient-caps="-all,$caps" $tmp/entitymux "$@"
	}
	for to in $E2E_BACKENDS; do
		check "$to: apply" em apply --backend="$to" $tmp/a.conf
		is "$to: sorted" '6001 6002' "$(where 1 2)"
		check "$to: status" em status
		check "$to: apply another" em apply --backend="$to" $tmp/b.conf
		is "$to: counted" '2 ' "$(counters 'sorter packets')"
		is "$to: pins" "$(programs_of "$to")" "$(pinned)"
		check "$to: remove" em remove
		is "$to: the folders stay" "$state $pins" "$(echo "$state"* $pins*)"
		check "$to: apply once more" em apply --backend="$to" $tmp/a.conf
		check "$to: root removes it" as_root remove
		is "$to: root has removed the pins" '' "$(find $pins -mindepth 1)"
		[ -d "$state" ] || { mkdir "$state" && chown 65534 "$state"; }
	done
	rmdir "$state" $pins
	em() { with "$caps" $tmp/entitymux "$@"; }
	nothing_stays 'remove'
}

# The table of conversations goes on from one to the next, found by its pin.
section_replies() {
	for name in a b; do
		sed 's/port = 5000;/&\n  replies = true;/' $tmp/$name.conf >$tmp/$name-replies.conf
	done
	for to in $E2E_BACKENDS; do
		[ "$to" != nft ] || continue
		check "$to: apply" em apply --backend="$to" $tmp/a-replies.conf
		is "$to: sorted" '6001 6002' "$(where 1 2)"
		check "$to: apply another" em apply --backend="$to" $tmp/b-replies.conf
		is "$to: sorted anew" '7001 7002' "$(where 1 2)"
		check "$to: status" em status
		is "$to: counted" '4 ' "$(counters 'sorter packets')"
		em remove
		nothing_stays "$to: remove"
	done
}

section_probe() {
	check 'probe' exits 0 1 'warning: making a network namespace is not permitted \(needs CAP_SYS' \
		em probe $tmp/a.conf
	check 'probe: not tried' grep -q '^kernel: not tried$' $tmp/out
	is 'probe: the choice is that of apply' \
		"$(sed -n 's/^apply would choose: \(backend [a-z]*\).*/\1/p' $tmp/out)" \
		"$(em apply $tmp/a.conf | sed -n 's/.*: applied: \(backend [a-z]*\).*/\1/p')"
	em remove
	nothing_stays 'remove'
}

# The XDP program of in0, as the kernel lists it.
attached_id() { ip -n "$server" -d link show dev in0 | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p'; }

old() { with "$caps" $tmp/without_replace "$@"; }

# Linux 5.3 to 5.6: a stub stays, and jumps to what is in force.
section_old() {
	[ "$one" = xdp ] || return 0
	cp "$WITHOUT_REPLACE" $tmp/without_replace
	for to in xdp xdp-generic; do
		check "$to: apply" old apply --backend=$to $tmp/a.conf
		is "$to: sorted" '6001 6002 5000' "$(where 1 2 3)"
		stub=$(attached_id) n=$(pinned)
		check "$to: apply another" old apply --backend=$to $tmp/b.conf
		is "$to: sorted anew" '7001 7002 7003' "$(where 1 2 3)"
		is "$to: the same stub" "$stub" "$(attached_id)"
		is "$to: as many pins" "$n" "$(pinned)"
		is "$to: counted" '6 5 1 ' \
			"$(counters 'sorter packets' 'sorter rewritten' 'sorter unknown')"
		check "$to: status" old status
		check "$to: again" sh -c "ip netns exec $server $tmp/without_replace apply \
			--backend=$to $tmp/b.conf | grep -q unchanged"
		old_emptied
		old_replaced
		check "$to: remove" old remove
		nothing_stays "$to: remove"
	done
	old_modes
	old_killed
	old_without_bpffs
}

# With the last pin, the kernel takes the programs away.
old_emptied() {
	umount $bpffs
	mount_bpffs
	is "$to, emptied: not sorted" '5000 5000' "$(where 1 2)"
	check "$to, emptied: status" exits 4 0 '' as_root status
	check "$to, emptied: says which" grep -q "in0 xdp-.* (gone)" $tmp/out
	check "$to, emptied: apply" as_root_old apply --backend=$to $tmp/a.conf
	is "$to, emptied: sorted" '6001 6002' "$(where 1 2)"
	is "$to, emptied: the same stub" "$stub" "$(attached_id)"
	check "$to, emptied: status again" as_root status
}
as_root_old() { in_server $tmp/without_replace "$@"; }

# Somebody has put his own program there.
old_replaced() {
	mode=native off=xdp
	[ "$to" = xdp ] || mode=generic off=xdpgeneric
	in_server ip link set dev in0 $off off
	in_server "$life" attach in0 $mode
	theirs=$(attached_id)
	check "$to, replaced: status" exits 4 0 '' old status
	check "$to, replaced: apply" exits 3 1 'another XDP program is on the interface' \
		old apply --backend=$to $tmp/b.conf
	check "$to, replaced: remove" old remove
	is "$to, replaced: theirs stays" "$theirs" "$(attached_id)"
	in_server ip link set dev in0 $off off
	nothing_stays "$to, replaced: remove"
	check "$to, replaced: apply again" old apply --backend=$to $tmp/a.conf
	is "$to, replaced: sorted" '6001 6002' "$(where 1 2)"
}

# From one mode to the other, and to and from what has no stub.
old_modes() {
	for to in xdp xdp-generic xdp tc xdp-generic tc; do
		check "old, to $to" old apply --backend=$to $tmp/a.conf
		is "old, to $to: sorted" '6001 6002' "$(where 1 2)"
		check "old, to $to: status" old status
	done
	old remove
	nothing_stays 'old, modes'
}

old_killed() {
	check 'old, killed: apply' old apply --backend=xdp $tmp/a.conf
	killed=0
	for round in $(seq 20); do
		[ $((round % 2)) -eq 0 ] && next=a || next=b
		with "$unit" "$life" kill 60000 $tmp/without_replace apply --backend=xdp \
			"$tmp/$next.conf" >/dev/null 2>&1 && killed=$((killed + 1))
		seen=$(where 1 2)
		[ "$seen" = '6001 6002' ] || [ "$seen" = '7001 7002' ] ||
			fail "old, killed: round $round" "$seen"
		check "old, killed: round $round: status" sh -c \
			"ip netns exec $server $tmp/without_replace status >/dev/null; [ \$? -ne 1 ]"
	done
	check "old, $killed killed: apply" old apply --backend=xdp $tmp/b.conf
	is "old, $killed killed: sorted" '7001 7002 7003' "$(where 1 2 3)"
	check "old, $killed killed: status" old status
	old remove
	nothing_stays "old, $killed killed: remove"
}

old_without_bpffs() {
	umount $bpffs
	for to in xdp xdp-generic; do
		check "$to without a bpffs is refused" exits 3 1 \
			'no XDP program in one step .*mount -t bpf' \
			as_root_old apply --backend=$to $tmp/a.conf
		is "$to without a bpffs: nothing touched" "$pristine" "$(snapshot)"
	done
	check 'probe says so' sh -c "ip netns exec $server $tmp/without_replace probe $tmp/a.conf |
		grep -q 'xdp-generic  *no  *this kernel replaces no XDP program'"
	check 'auto goes to tc' sh -c "ip netns exec $server $tmp/without_replace apply $tmp/a.conf |
		grep -q 'backend tc (.*; in0: tc, because this kernel replaces no XDP program'"
	is 'auto: sorted' '6001 6002' "$(where 1 2)"
	as_root_old remove
	mount_bpffs
	nothing_stays 'old, no bpffs'
}

# Moved to where it may not look, without a name; and comes last, as the interface goes with it.
section_hidden() {
	check 'apply' as_root apply --backend="$one" $tmp/a.conf
	unshare --net sleep 100 &
	other=$!
	for _ in $(seq 50); do
		[ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/self/ns/net)" ] || break
		sleep 0.1
	done
	ip -n $server link set in0 netns $other
	check 'remove' exits 1 2 'in0: the program may still be on it|cannot be seen without CAP_SYS_ADMIN and' \
		in_server setpriv --bounding-set=-sys_ptrace --inh-caps=-all $tmp/entitymux remove
	says 'is still known' "clear it with: nsenter --net=/proc/$other/ns/net " "$(as_root status)"
	kill $other
	wait $other 2>/dev/null
	check 'remove, when it is gone' as_root remove
	check 'no state' [ ! -e "$state" ]
}

# Where nothing has pins there is less to see.
case $E2E_BACKENDS in
*xdp*)
	one=xdp
	[ $# -gt 0 ] || set -- enough changes missing no_bpffs not_ours stale namespaces user replies probe old hidden
	;;
*) [ $# -gt 0 ] || set -- enough missing ;;
esac
for section; do
	case $section in
	enough | missing)
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
