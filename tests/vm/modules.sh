#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Whether this kernel has, and loads by itself, what entitymux uses of it beyond the hooks that a
# policy of the table needs: connection tracking with its zones and its netlink interface, address
# translation, and BPF filters behind clsact.
set -e

if [ ! -d "/lib/modules/$(uname -r)/kernel" ]; then
	echo 'this kernel has everything built in, or lacks it'
	exit 77
fi
nft -f - <<'END'
table inet modules {
	chain zone {
		type filter hook prerouting priority raw;
		udp dport 5000 ct original zone set 1
	}
	chain destination {
		type nat hook prerouting priority dstnat;
		meta nfproto ipv4 udp dport 5000 dnat ip to 192.0.2.1:6001
		meta nfproto ipv6 udp dport 5000 dnat ip6 to [2001:db8::1]:6001
	}
	chain source {
		type nat hook postrouting priority srcnat;
		udp dport 6001 ct mark 1 masquerade
	}
}
END
nft list table inet modules
modprobe -a nf_conntrack_netlink nf_defrag_ipv4 nf_defrag_ipv6 cls_bpf sch_ingress
tc qdisc add dev lo clsact
tc qdisc show dev lo
