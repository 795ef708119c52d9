# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
# shellcheck shell=sh
#
# What the nft of this host knows.

# knows_rulesets COMMAND...: nft, run by COMMAND, knows maps that count and joined integers; 0.9.8 (Debian 11)
# does not, and crashes when it loads what it lists of them.
knows_rulesets() {
	"$@" nft -c -f - <<-'END' 2>/dev/null
		table netdev t {
			map m {
				typeof @th,64,32 . @th,96,16 : udp dport
				counter
			}
		}
	END
}

# egress_or_ingress COMMAND...: a hook that nft, run by COMMAND, has a word for; of 0.9.8 that is the latter
egress_or_ingress() {
	if "$@" nft -c 'add table netdev t; add chain netdev t c { type filter hook egress device lo priority 0; }' \
		2>/dev/null; then
		echo egress
	else
		echo ingress
	fi
}
