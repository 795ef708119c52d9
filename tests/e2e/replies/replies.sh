#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# `replies = true`: conversations between real sockets, and what is left of them, with the backends in
# $E2E_BACKENDS.
#
#	replies.sh [SECTION...]
#
# EXCHANGES is how many requests and answers go over each backend and each family in `exchanges`.

# shellcheck source=tests/e2e/replies/replies-rig.sh
. "$(dirname "$0")/replies-rig.sh"

# play BACKEND [SCENARIO...]: prints what replies.c does
play() {
	backend_played=$1
	shift
	"$REPLIES" "$ENTITYMUX" "$backend_played" $tmp "$@"
}

# played WHAT BACKEND [SCENARIO...]: all of it succeeds
played() {
	what=$1
	shift
	if play "$@"; then pass "$what"; else fail "$what" 'see above'; fi
}

# All that could be ours or could have been touched.
snapshot() {
	in_router nft -s list ruleset
	in_router ip -o -d link show | grep -o '^[0-9]*: [^@:]*\|prog/xdp id [0-9]* name [^ ]*'
	for i in in0 in1 out0; do
		in_router tc qdisc show dev $i
		in_router tc filter show dev $i ingress
		in_router tc filter show dev $i egress
	done
} 2>/dev/null

# How many entries of connection tracking there are, of those with this.
tracked() { in_router grep -c -- "$1" /proc/net/nf_conntrack; }

# "LISTENER[/ENTITY] KEY NUMBER" of those asked for, in one line
counters() {
	em stats --json >$tmp/json 2>$tmp/err || { cat $tmp/err; return; }
	"$LIFE" stats <$tmp/json >$tmp/lines || { echo 'wrong sums:'; cat $tmp/lines; return; }
	for key; do
		sed -n "s|^$key ||p" $tmp/lines
	done | tr '\n' ' '
}

section_control() {
	played 'no policy' none
}

section_conversations() {
	played 'all of them' "$backend"
	check 'remove' em remove
}

# Requests are counted, answers and errors are not.
section_counters() {
	played 'requests and answers' "$backend" 'each by its own tag'
	tagged='0 0 0'
	if in_router ip link show in0.5 >/dev/null 2>&1; then tagged='10 8 2'; fi
	is 'counted' "20 1000 16 4 8 8 0 $tagged 0 " "$(counters 'first packets' 'first bytes' \
		'first rewritten' 'first unknown' 'first/0x00000001 packets' \
		'first/0x00000002 packets' 'first/0x00000009 packets' 'tagged packets' \
		'tagged rewritten' 'tagged unknown' 'second packets')"
	played 'errors' "$backend" 'ICMP errors'
	is 'counted' '44 40 16 ' "$(counters 'first packets' 'first rewritten' \
		'first/0x00000009 packets')"
	check 'remove' em remove
}

# With what others have on the interfaces, and connections of others.
section_removed() {
	pristine=$(snapshot)
	played 'conversations' "$backend" 'each by its own tag' 'what is passed'
	check 'remove' em remove
	is 'nothing stays' "$pristine" "$(snapshot)"
	is 'no connection in a zone stays' 0 "$(tracked 'zone[^=]*=[1-9]')"

	in_router nft add table inet foreign
	in_router nft add chain inet foreign first '{ type filter hook prerouting priority 0; }'
	in_router nft add rule inet foreign first ct state new accept
	in_router tc qdisc add dev in0 clsact
	in_router tc filter add dev in0 egress prio 7 bpf bytecode '1,6 0 0 0'
	theirs=$(snapshot)
	played 'conversations beside others' "$backend" 'each by its own tag' 'what is passed'
	check 'remove beside others' em remove
	is 'what is of others stays, and nothing else' "$theirs" "$(snapshot)"
	is 'no connection in a zone stays beside others' 0 "$(tracked 'zone[^=]*=[1-9]')"
	check 'connections of others stay' [ "$(tracked 'dport=9999 ')" -gt 0 ]
	other_hosts
}

# exchange BACKEND PORT: prints what was lost
exchange() {
	for address in 192.0.2.1 2001:db8:1::1; do
		if said=$("$EXCHANGE" /run/netns/client /run/netns/router $address "$2" \
			"$EXCHANGES" 2>&1); then
			echo "# $1, $address: $said"
		else
			fail "$1, $address" "$said"
		fi
	done >$tmp/exchanges
	cat $tmp/exchanges
}
lost() { awk '{ n += $5 + $8 } END { print n }' $tmp/exchanges; }

# One client, a thousand entities: every answer comes, from the port that was asked.
section_exchanges() {
	seq 0 999 | awk '{ printf "0x%08x,%d\n", $1, 10000 + $1 }' >$tmp/thousand.csv
	{
		comma=
		echo 'listeners = ('
		listener first 5000 "$also entities_file = \"thousand.csv\";"
		echo ');'
	} >$tmp/thousand.conf
	exchange 'no policy' 0
	without=$(lost)
	for backend in $E2E_BACKENDS; do
		# Without a policy every answer would be waited for.
		if ! said=$(em apply --backend="$backend" $tmp/thousand.conf 2>&1); then
			fail "$backend: apply" "$said"
			continue
		fi
		exchange "$backend" 5000
		check "$backend: no more lost than without" [ "$(lost)" -le "$without" ]
		is "$backend: counted" "$((2 * EXCHANGES)) $((2 * EXCHANGES)) " \
			"$(counters 'first packets' 'first rewritten')"
		check "$backend: remove" em remove
	done
}

# While the backend changes, no send of a local program fails and every answer comes, from the port that was
# asked.  With one client and one entity, answers are under way while the next requests of the same
# conversation come in.  The kernel drops what an interface sends while it gets a clsact qdisc, or loses it: so
# there is one before.
section_sends() {
	{
		comma=
		echo 'listeners = ('
		listener first 5000 "$also" 0:10000
		echo ');'
	} >$tmp/one.conf
	for i in in0 in1; do in_router tc qdisc add dev $i clsact; done
	check 'apply' em apply --backend=nft $tmp/one.conf
	"$EXCHANGE" /run/netns/client /run/netns/router 192.0.2.1 5000 400000 1 >$tmp/sent 2>&1 &
	exchange=$!
	changes=0
	while kill -0 $exchange 2>/dev/null && [ $changes -lt 100 ]; do
		for backend in $E2E_BACKENDS; do
			em apply --backend="$backend" $tmp/one.conf >$tmp/said 2>&1 ||
				fail "$backend: apply" "$(cat $tmp/said)"
			changes=$((changes + 1))
		done
	done
	wait $exchange
	echo "# $changes changes: $(cat $tmp/sent)"
	says "no send fails" ' 0 sends failed' "$(cat $tmp/sent)"
	if has_egress; then
		says 'no answer is lost, or from another port' ' 0 answers lost, 0 strange' \
			"$(cat $tmp/sent)"
	fi
	check 'remove' em remove
	other_hosts
}

section_damaged() {
	check 'apply' em apply --backend="$backend" $tmp/base.conf
	check 'whole' em status
	if [ "$backend" = nft ]; then
		damage_nft
	else
		in_router tc filter del dev in1 egress
		heals 'filter deleted'
	fi
	check 'remove' em remove
}

heals() {
	check "$1: no longer whole" exits 4 0 '' em status
	check "$1: status says what" grep -q \
		"^drift: .*; mend it with: entitymux apply --backend=$backend $tmp/base.conf\$" $tmp/out
	check "$1: apply again" em apply --backend="$backend" $tmp/base.conf
	check "$1: whole again" em status
	played "$1: conversations" "$backend" 'several senders'
}

damage_nft() {
	if has_egress; then damage_egress; else damage_zones; fi
}

damage_egress() {
	hook=$(egress_or_ingress in_router)
	while IFS=, read -r what change; do
		version=$(in_router nft list chains netdev | sed -n 's/.*chain v\([0-9]*\)-answers .*/\1/p')
		check "$what" in_router nft "$(echo "$change" | sed "s/vN/v$version/g; s/HOOK/$hook/")"
		heals "$what"
	done <<'END'
base chain deleted,delete chain netdev entitymux egress-in1
base chain moved,delete chain netdev entitymux egress-in1; add chain netdev entitymux egress-in1 { type filter hook HOOK device in1 priority 0; }; add rule netdev entitymux egress-in1 goto vN-leaving-in1
chain flushed,flush chain netdev entitymux vN-answers4
ports flushed,flush set netdev entitymux vN-targets
table dormant,add table netdev entitymux { flags dormant; }
END
}

damage_zones() {
	while IFS=, read -r what change; do
		version=$(in_router nft list chains inet | sed -n 's/.*chain v\([0-9]*\)-marked.*/\1/p')
		check "$what" in_router nft "$(echo "$change" | sed "s/vN/v$version/g")"
		heals "$what"
	done <<'END'
table deleted,delete table inet entitymux
table dormant,add table inet entitymux { flags dormant; }
ports flushed,flush map inet entitymux vN-ports
chain flushed,flush chain inet entitymux vN-translate
base chain moved,delete chain inet entitymux raw-prerouting; add chain inet entitymux raw-prerouting { type filter hook prerouting priority 0; }; add rule inet entitymux raw-prerouting jump vN-marked
END
}

# From one backend to another nothing is left behind, and nothing is missing.
section_changes() {
	for one in $E2E_BACKENDS; do
		for two in $E2E_BACKENDS; do
			[ "$one" = "$two" ] && continue
			check "$one" em apply --backend="$one" $tmp/base.conf
			check "then $two" em apply --backend="$two" $tmp/base.conf
			check "$one, $two: whole" em status
			played "$one, $two" "$two" 'each by its own tag'
			changed=$(snapshot | strip)
			check 'remove' em remove
			check "$two" em apply --backend="$two" $tmp/base.conf
			is "$one, $two: as if it were the first" "$(snapshot | strip)" "$changed"
			check 'remove' em remove
		done
	done
}

# Without numbers of generations and programs, without what is remembered, and whatever was made first.
strip() {
	sed '/^\tset conversations\|^\tset overflow\|^\tset groups\|^\tset link\|^\t\(map\|set\) v[0-9]*-unknown[46]*-/,/^\t}/d; s/v[0-9][0-9]*-/vN-/g; s/ id [0-9]*//; s/ tag [0-9a-f]*//; s/0x[0-9a-f]*/0x/g' |
		awk '/^\t[^\t].*{$/ { block = 1 }
			{ printf "%s%s", $0, block && !/^\t}$/ ? " " : "\n" }
			/^\t}$/ { block = 0 }' | sort
}

# The sets of conversations are those of the ports that the policy has.
section_sets() {
	case " $E2E_BACKENDS " in *' nft '*) ;; *) return ;; esac
	has_egress || return
	check 'apply' em apply --backend=nft $tmp/single.conf
	is 'those of its port' '5000 5000 5000 5000' "$(sets)"
	sed 's/5000/5009/' $tmp/single.conf >$tmp/port.conf
	check 'another port' em apply --backend=nft $tmp/port.conf
	is 'those of the other port, and no others' '5009 5009 5009 5009' "$(sets)"
	sed 's/replies *= *true;//; s/flows *= *[0-9]*;//; s/flow_timeout *= *[0-9]*;//' \
		$tmp/port.conf >$tmp/none.conf
	check 'without replies' em apply --backend=nft $tmp/none.conf
	is 'none' '' "$(sets)"
	check 'remove' em remove
}

# What a set remembers is the policy's, also where another backend has learned it.
section_remembered() {
	case " $E2E_BACKENDS " in *' nft '*) ;; *) return ;; esac
	has_egress || return
	for backend in $E2E_BACKENDS; do
		to_port 10000
		check "$backend: apply" em apply --backend="$backend" $tmp/one.conf
		check "$backend: exchange" "$EXCHANGE" /run/netns/client /run/netns/router 192.0.2.1 5000 1 1
		check "$backend: apply with nft" em apply --backend=nft $tmp/one.conf
		is "$backend: remembered" 1 "$(remembered)"
		to_port 10001
		check "$backend: apply another port" em apply --backend=nft $tmp/one.conf
		is "$backend: forgotten" 0 "$(remembered)"
		check "$backend: remove" em remove
	done
}

to_port() {
	{
		comma=
		echo 'listeners = ('
		listener first 5000 "$also" "0:$1" 1:10009
		echo ');'
	} >$tmp/one.conf
}

remembered() { in_router nft list set netdev entitymux conversations4-5000 | grep -c ' expires '; }

sets() {
	in_router nft list sets netdev |
		sed -n 's/.*set \(conversations\|overflow\)[46]-\([0-9]*\) .*/\2/p' | xargs
}

# What nft cannot carry without chains at egress, it says.
section_refused() {
	case " $E2E_BACKENDS " in *' nft '*) ;; *) return ;; esac
	has_egress && return
	pristine=$(snapshot)
	sed 's/"in0", "in1"/"lo"/' $tmp/single.conf >$tmp/lo.conf
	sed 's/"in0", "in1"/"port0"/' $tmp/single.conf >$tmp/bridge.conf
	in_router ip link add bridge0 type bridge
	in_router ip link add port0 type veth peer name port1
	in_router ip link set port0 master bridge0 up
	in_router ip link set port1 up
	in_router ip link set bridge0 up
	for name in lo bridge; do
		check "nft on $name" exits 3 1 "^entitymux: .*$name.conf:[0-9]+: .*replies" \
			em apply --backend=nft $tmp/$name.conf
	done
	in_router ip link del port0
	in_router ip link del bridge0
	is 'nothing was changed' "$pristine" "$(snapshot)"

	in_router nft add table inet foreign
	in_router nft add chain inet foreign raw '{ type filter hook prerouting priority -300; }'
	in_router nft add rule inet foreign raw udp dport 6001 ct original zone set 6001
	check 'zone of a rule of others' exits 3 1 'replies.*6001|6001.*replies' \
		em apply --backend=nft $tmp/base.conf
	in_router nft add chain inet foreign nat '{ type nat hook prerouting priority -100; }'
	play none >/dev/null
	in_router nft flush chain inet foreign raw
	if [ "$(tracked zone-orig=6001)" -gt 0 ]; then
		check 'zone of a connection of others' exits 3 1 'replies.*6001|6001.*replies' \
			em apply --backend=nft $tmp/base.conf
	else
		fail 'zone of a connection of others' 'no such connection was made'
	fi
	other_hosts
}

[ $# -gt 0 ] || set -- control conversations counters exchanges sends removed damaged changes sets remembered refused
for section; do
	case $section in
	control | exchanges | sends | changes | sets | remembered | refused)
		title="$section: "
		section_"$section"
		;;
	*)
		for backend in $E2E_BACKENDS; do
			title="$section, $backend: "
			section_"$section"
		done
		;;
	esac
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
