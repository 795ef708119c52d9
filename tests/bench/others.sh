#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Other ways to sort datagrams by their first 4 bytes, to compare with: on in0 of this network
# namespace, from port 5000 to port 6001.
#
#	others.sh stateless|counting|guarded|dnat|zones|u32|pedit ENTITIES
#	others.sh remove
#
# Exit status 3: this host cannot do that.
set -eu

# usage: elements VALUE: of a map from the tags to it
elements()
{
	awk -v n="$entities" -v value="$1" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "%s%d : %s", i ? ", " : "", i, value
	}'
}

# Nothing but the rewriting; for a legal checksum of 0 it would be wrong.
stateless()
{
	nft -f - <<-END
		table netdev bench {
			map ports {
				typeof @th,64,32 : udp dport
				elements = { $(elements 6001) }
			}
			chain ingress {
				type filter hook ingress device "in0" priority 0
				udp dport 5000 udp dport set @th,64,32 map @ports
			}
		}
	END
}

# With the counters that entitymux has, and drops.  $1 are guards.
counted()
{
	nft -f - <<-END
		table netdev bench {
			counter rewritten { }
			counter length { }
			counter unknown { }
			map ports {
				typeof @th,64,32 : udp dport
				counter
				elements = { $(elements 6001) }
			}
			chain ingress {
				type filter hook ingress device "in0" priority 0
				udp dport != 5000 accept
				$1
				udp length != 12-65515 counter name length drop
				udp dport set @th,64,32 map @ports counter name rewritten accept
				counter name unknown drop
			}
		}
	END
}

counting()
{
	counted ''
}

# No later fragments, none with a VLAN tag, and a checksum of 0 stays.
guarded()
{
	counted '@nh,48,16 & 0x1fff != 0 meta protocol ip accept
				frag frag-off != 0 accept
				ether type != ip ether type != ip6 accept
				udp checksum 0 udp dport set @th,64,32 map @ports udp checksum set 0 counter name rewritten accept'
}

# Conversations of one way would be in the way of the next: they are soon forgotten.
remember_briefly()
{
	sysctl -qw net.netfilter.nf_conntrack_udp_timeout=1 \
		net.netfilter.nf_conntrack_udp_timeout_stream=1
}

# Decided once for each conversation: of no use with several entities behind one sender.
dnat()
{
	remember_briefly
	nft -f - <<-END
		table inet bench {
			chain prerouting {
				type nat hook prerouting priority dstnat
				udp dport 5000 dnat to :6001
			}
		}
	END
}

# A conversation of its own for each port, so that each is sorted by itself.
zones()
{
	remember_briefly
	nft -f - <<-END
		table inet bench {
			map zones {
				typeof @th,64,32 : ct zone
				elements = { $(elements 1) }
			}
			map ports {
				typeof @th,64,32 : udp dport
				elements = { $(elements 6001) }
			}
			chain raw {
				type filter hook prerouting priority raw
				udp dport 5000 ct original zone set @th,64,32 map @zones
			}
			chain prerouting {
				type nat hook prerouting priority dstnat
				udp dport 5000 dnat to :@th,64,32 map @ports
			}
		}
	END
}

# One rule for each entity; behind the IPv4 and the UDP header, at 28, is the payload.
u32()
{
	command -v iptables-restore >/dev/null || { echo 'no iptables here' >&2; exit 3; }
	awk -v n="$entities" 'BEGIN {
		print "*mangle"
		for (i = 0; i < n; i++)
			print "-A PREROUTING -p udp --dport 5000 -m u32 --u32 28=" i,
				"-j TPROXY --on-port 6001"
		print "COMMIT"
	}' | iptables-restore
}

# Likewise; the checksum is made anew.
pedit()
{
	tc qdisc add dev in0 clsact || exit 3
	awk -v n="$entities" 'BEGIN {
		for (i = 0; i < n; i++)
			print "filter add dev in0 ingress protocol ip prio 1 u32 match ip protocol 17 0xff",
				"match u16 5000 0xffff at 22 match u32", i, "0xffffffff at 28",
				"action pedit ex munge udp dport set 6001 pipe action csum udp"
	}' | tc -batch - || { remove; exit 3; }
}

remove()
{
	tc qdisc del dev in0 clsact 2>/dev/null || :
	# Where conversations were remembered.
	if nft list ruleset | grep -q dnat; then
		sleep 2
	fi
	nft flush ruleset
	# Where iptables is not on top of nf_tables, but beside.
	if command -v iptables >/dev/null; then
		iptables -t mangle -F
	fi
}

entities=${2-}
"$1"
