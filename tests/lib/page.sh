# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
# shellcheck shell=sh
#
# What a man page shows: its file is $page, the folder for configurations $sysconfdir.

# The host of the page, with a /run, an /etc and, in the folder $tmp of that /run, programs of its own; and
# another one, "blue", that sends.  In mount and network namespaces of the test's own.
page_host() {
	mount -t tmpfs page /run && mkdir -p /run/netns "$tmp/upper" "$tmp/work" "$tmp/bin" &&
		mount -t overlay -o "lowerdir=/etc,upperdir=$tmp/upper,workdir=$tmp/work" page /etc || exit 1
	mount -t bpf page /sys/fs/bpf 2>/dev/null
	# Where the program was configured for another folder than /etc.
	[ "$sysconfdir" = /etc ] || { mkdir -p "$sysconfdir" && mount --bind /etc "$sysconfdir"; } || exit 1
	cd "$tmp" && ln -s "$ENTITYMUX" bin/entitymux && ip netns add blue || exit 1
	PATH=$tmp/bin:$PATH
	ip link add eth0 type veth peer eth0 netns blue
	ip address add 192.0.2.1/24 dev eth0
	ip link set eth0 up
	ip -n blue address add 192.0.2.2/24 dev eth0
	ip -n blue link set eth0 up
}

# stub PROGRAM SCRIPT: what the page runs besides
stub() { printf '#!/bin/sh\n%s\n' "$2" >"bin/$1" && chmod 755 "bin/$1"; }

# Whether packets are copied.
copying() { entitymux status | grep -q 'until entitymux sample ends'; }

# section [TITLE]: from that one to SEE ALSO, or the whole page
section() { if [ -n "${1-}" ]; then sed -n "/^\.Sh $1\$/,/^\.Sh SEE/p" "$page"; else cat "$page"; fi; }

# extract [SECTION]: the commands in order, a file each, 01 and so on, and what is shown of it in 01.shown
extract() {
	section "$@" | sed 's/\\e/\\/g; s/\\&//g' | awk '
		sub(/^\.Dl /, "") { line = $0; shown = 1 }
		/^\.Bd/ { shown = 1; file = ""; next }
		/^\.Ed/ { shown = 0; next }
		!shown { next }
		line { $0 = line; line = ""; shown = 0 }
		more { print >file; more = /[|\\]$/; next }
		/^[#$] [a-z]/ && !/^# listener / { file = sprintf("%02d", ++n); print substr($0, 3) >file; more = /[|\\]$/; next }
		file { print >(file ".shown") }'
}

# block PATTERN: what is shown in the block whose first line this is
block() {
	sed 's/\\e/\\/g; s/\\&//g' "$page" | awk -v first="$1" '
		/^\.Ed/ && shown { exit }
		shown { print }
		/^\.Bd/ && getline > 0 && $0 ~ first { shown = 1; print }'
}

# Without times, and how long ago something was; the page has XDP.
timeless() {
	sed -E "s|$sysconfdir/|/etc/|g;"'s/[[:space:]]+$//; s/[0-9]{4}-[0-9-]+T[0-9:]+Z/TIME/; s/ +[0-9]+[sm]$/ AGO/' |
		case " $E2E_BACKENDS " in
		*' xdp '*) cat ;;
		*) sed -E 's/(xdp-native|tc-ingress|nft-ingress)/HOOK/; s/(backend:? +)(xdp|tc|nft)/\1BACKEND/' ;;
		esac
}

# Neither how long ago something was, nor from which port, which nft does not know.
ageless() {
	sed -E 's/ +[0-9]+[smh]( |$)/ AGO\1/; s/last [^ ]* ago/last AGO/; s/([0-9]\.[0-9]+):[0-9]+$/\1/; s/\[(.*)\]:[0-9]+$/\1/; s/, (\.\.\.|last .*|from .*)$//'
}
