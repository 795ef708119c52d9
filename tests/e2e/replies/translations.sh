#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Rules of others that translate a port of a conversation: nft refuses replies, and status sees them
# when they come later.  Rules that only look like it are no reason to.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp xdp-generic tc nft}"

if [ "$(id -u)" -ne 0 ]; then
	echo 'makes network namespaces: run as root (sudo make check)'
	exit 77
fi
case " $E2E_BACKENDS " in
*' nft '*) ;;
*) exit 77 ;;
esac
ns=em-translations-$$
tmp=$(mktemp -d)
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
needs ip nft

cleanup()
{
	trap '' INT TERM HUP
	ip netns exec $ns "$ENTITYMUX" remove 2>/dev/null
	ip netns del $ns 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

in_ns() { ip netns exec $ns "$@"; }
em() { in_ns "$ENTITYMUX" "$@"; }

# theirs FAMILY PRIORITY RULE: their table; chain `further` is what rules may lead to
theirs()
{
	in_ns nft -f - <<END
		table $1 theirs {
			chain further { counter redirect; }
			chain pre { type nat hook prerouting priority $2; $3; }
			chain outgoing { type nat hook output priority $2; udp dport 6001 redirect to :99; }
		}
END
}

ip netns add $ns
ip -n $ns link add in0 type veth peer name out0
ip -n $ns link set in0 up
ip -n $ns link set out0 up
cat >"$tmp/conf" <<'END'
listeners = ( { name = "l"; interfaces = [ "in0" ]; port = 5000; unknown = 6002;
	tag = { offset = 0; length = 4; };
	entities = ( { tag = "0xdeadbeef"; port = 6001; } );
	replies = true; } );
END

if has_egress; then
	title='without connection tracking: '
	check 'apply' em apply --backend=nft "$tmp/conf"
	check 'their table' theirs ip -100 'udp dport 5000-6002 redirect to :99'
	check 'status is satisfied' em status
	check 'remove' em remove
	check 'apply beside it, without a warning' exits 0 0 . em apply --backend=nft "$tmp/conf"
	em remove
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
	exit
fi

# What is no reason.
while read -r family priority rule; do
	title="$family, $priority, $rule: "
	check 'their table' theirs "$family" "$priority" "$rule"
	check 'apply' em apply --backend=nft "$tmp/conf"
	check 'status is satisfied' em status
	check 'remove' em remove
	in_ns nft delete table "$family" theirs
done <<'END'
ip -100 tcp dport 6001 redirect to :99
ip -100 ip protocol tcp redirect to :99
ip -100 udp dport 6003 redirect to :99
ip -100 udp dport 6003-7000 redirect to :99
ip -100 udp dport > 6002 jump further
ip -100 fib daddr type local tcp dport 80 jump further
ip -100 tcp dport vmap { 80 : jump further }
ip -99 udp dport 5000 redirect to :99
ip6 -100 meta l4proto tcp redirect to :99
END

# What is.
while read -r family priority port rule; do
	title="$family, $priority, $rule: "
	check 'apply' em apply --backend=nft "$tmp/conf"
	check 'their table' theirs "$family" "$priority" "$rule"
	text=$(em status 2>&1)
	is 'exit status of status' 4 $?
	says 'status says it' "fault: *replies .*port $port, .*clear it with: nft delete rule" "$text"
	says 'refused' "/conf:4: .*replies .*port $port, .*clear it with: nft delete rule" \
		"$(em apply --backend=nft "$tmp/conf" 2>&1)"
	check 'exit status' exits 3 1 replies em apply --backend=nft "$tmp/conf"
	says 'probe says it' "nft  *no, .*port $port, .*nft delete rule" "$(em probe "$tmp/conf")"
	em remove
	# shellcheck disable=SC2046 # words
	in_ns nft $(echo "$text" | sed -n 's/^fault:.*clear it with: nft //p')
	check 'cleared' em apply --backend=nft "$tmp/conf"
	check 'status is satisfied again' em status
	em remove
	in_ns nft delete table "$family" theirs
done <<'END'
ip -100 6001 udp dport 6001 redirect to :99
ip -100 6002 udp dport 6002-7000 counter redirect to :99
ip -100 5000 jump further
ip 10 6001 fib daddr type local jump further
ip -110 5000 udp dport vmap { 6001 : jump further }
ip -100 5000 udp dport 5000 redirect to :99
inet -100 6001 meta nfproto ipv6 udp dport >= 6001 redirect to :99
END

title='Docker, with a port of TCP: '
in_ns nft -f - <<'END'
table ip nat {
	chain DOCKER { iifname != "docker0" tcp dport 6001 dnat to 172.17.0.2:80; }
	chain PREROUTING { type nat hook prerouting priority dstnat; fib daddr type local jump DOCKER; }
}
END
check 'apply' em apply --backend=nft "$tmp/conf"
in_ns nft add rule ip nat DOCKER iifname != docker0 udp dport 6001 dnat to 172.17.0.2:6001
check 'and of UDP: status' exits 4 0 . em status
check 'and of UDP: refused' exits 3 1 'port 6001.* ip nat DOCKER handle' \
	em apply --backend=nft "$tmp/conf"
em remove
in_ns nft delete table ip nat

title='untracked: '
in_ns nft -f - <<'END'
table ip theirs {
	chain raw { type filter hook prerouting priority raw; udp dport 5000 notrack; }
}
END
check 'warned' exits 0 1 'conf:4: warning: .*table ip theirs, chain raw .*conntrack' \
	em apply --backend=nft "$tmp/conf"
em remove
in_ns nft 'flush table ip theirs; add rule ip theirs raw udp dport 53 notrack'
check 'another port' exits 0 0 . em apply --backend=nft "$tmp/conf"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
