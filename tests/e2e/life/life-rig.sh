# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
# shellcheck shell=sh
#
# What life.sh stands on: two hosts with a wire between them, the configurations, and the checks.

state=$("$LIFE" state)
mkdir -p "${state%/*}"
mount -t tmpfs -o size=1g life /run
[ "${state%/*}" = /run ] || mount -t tmpfs -o size=1g life "${state%/*}"
# Where `ip netns exec` does not hide it.
[ -z "${LIFE_BPFFS-}" ] || { mkdir /run/bpf && mount -t bpf bpf /run/bpf; }
tmp=/run/life
mkdir $tmp
chmod 755 $tmp
# Where everybody may run it.
cp "$ENTITYMUX" $tmp/entitymux
life=$LIFE
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"

# conf FILE LISTENER OFFSET ENTITY:TAG:PORT...
conf() {
	conf_file=$1
	{
		echo "listeners = ( { name = \"$2\"; interfaces = [ \"in0\" ]; port = 5000;"
		echo "  tag = { offset = $3; length = 4; }; entities = ("
		shift 3
		comma=
		for entity; do
			echo "    $comma{ name = \"${entity%%:*}\"; tag = \"${entity#*:}" |
				sed 's/:\([0-9]*\)$/"; port = \1; }/'
			comma=,
		done
		echo '  ); } );'
	} >"$conf_file"
}

# Two hosts with a wire between them: pair SERVER SENDER
pair() {
	ip -n "$1" link add in0 address 02:00:00:00:00:01 type veth \
		peer name out0 address 02:00:00:00:00:09 netns "$2"
	ip -n "$1" address add 192.0.2.1/24 dev in0
	ip -n "$2" address add 192.0.2.9/24 dev out0
	ip -n "$1" link set in0 up
	ip -n "$2" link set out0 up
	ip -n "$1" neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 dev in0 nud permanent
	ip -n "$2" neighbour add 192.0.2.1 lladdr 02:00:00:00:00:01 dev out0 nud permanent
}

server=server
sender=sender
in_server() { ip netns exec $server "$@"; }
em() { in_server $tmp/entitymux "$@"; }
# The ports on which datagrams with these tags arrive.
where() { in_server "$life" where /run/netns/$sender "$@" 2>&1; }
# "LISTENER[/ENTITY] KEY NUMBER" of those asked for, in one line
counters() {
	em stats --json >$tmp/json 2>$tmp/err || { cat $tmp/err; return; }
	"$life" stats <$tmp/json >$tmp/lines || { echo 'wrong sums:'; cat $tmp/lines; return; }
	for key; do
		sed -n "s|^$key ||p" $tmp/lines
	done | tr '\n' ' '
}
generations() { find "$state" -name 'gen-*' 2>&1 | sed 's/.*gen-//' | sort -n; }
generation() { generations | tail -n 1; }

# All that could be ours or could have been touched, without what counts, and what `stats` notes of it.
snapshot() {
	# nft 0.9.8 lists the counts of elements with -s, too.  Unknown tags come and go.
	in_server nft -s list ruleset | sed '/^	\(map\|set\) v[0-9]*-unknown[46]*-/,/^	}/{/elements = {.*}/d; /elements = {/,/}/d}
		s/ packets [0-9]* bytes [0-9]*//g'
	in_server ip -o -d link show | grep -o '^[0-9]*: [^@:]*\|prog/xdp.*id [0-9]*'
	for i in in0 other0; do
		in_server tc filter show dev $i ingress
		in_server tc qdisc show dev $i
	done
	find "$state" -type f ! -name lock ! -name 'seen*' -exec cksum {} + | sort
} 2>/dev/null

# What is in force goes on as before: stands WHAT PORTS SNAPSHOT
stands() {
	before=$(counters 'sorter packets')
	is "$1: sorts as before" "$2" "$(where 1 2)"
	is "$1: counts as before" "$((before + 2)) " "$(counters 'sorter packets')"
	is "$1: nothing touched" "$3" "$(snapshot)"
}

# refused WHAT STATUS PATTERN COMMAND...: one message, and the policy of a.conf stands
refused() {
	what=$1 refused_status=$2 refused_pattern=$3
	shift 3
	check "$what" exits "$refused_status" 1 "$refused_pattern" "$@"
	stands "$what" '6001 6002' "$taken"
}

clear_all() { em remove || fail 'remove' 'failed'; }

conf $tmp/a.conf sorter 4 one:0x00000001:6001 two:0x00000002:6002
conf $tmp/b.conf sorter 4 one:0x00000001:7001 two:0x00000002:7002 three:0x00000003:7003
# The other tag of the same datagrams: see life.h.
conf $tmp/c.conf sorter 8 one:0xfffffffe:7001 two:0xfffffffd:7002 three:0xfffffffc:7003
conf $tmp/one.conf sorter 4 one:0x00000001:6001
conf $tmp/renamed.conf other 4 one:0x00000001:6001 two:0x00000002:6002
sed 's/in0/lost0/' $tmp/a.conf >$tmp/lost.conf
sed 's/in0/down0/' $tmp/a.conf >$tmp/down.conf
cat >$tmp/mistakes.conf <<'END'
backend = "fast";
listener = 1;
listeners = ( {
  name = "bad name";
  interfaces = [ ];
  port = 70000;
  vlan = 0;
  addresses = [ "192.0.2.300" ];
  sources = [ "192.0.2.0/33" ];
  payload = { min = 9; max = 8; };
  checks = ( { offset = 0; bytes = "0x4d5"; },
             { offset = 2; length = 3; min = 1; max = 2; },
             { offset = 2; length = 2; min = 3; max = 2; } );
  tag = { offset = 4; length = 4; };
  entities = ( { tag = "0x00"; port = 1; },
               { tag = "0x00000001"; port = 0; },
               { tag = "0x00000002"; port = 2; },
               { tag = "0x00000002"; port = 2; },
               { tag = "zzz"; port = 2; } );
  unknown = "reject";
  invalid = "reject";
  flow_timeout = 0;
  prot = 5;
} );
END

ip netns add $server
ip netns add $sender
pair $server $sender
ip -n $server link add other0 type veth peer name other1
ip -n $server link set other0 up
ip -n $server link set other1 up
ip -n $server link add down0 type veth peer name down1
pristine=$(snapshot)
