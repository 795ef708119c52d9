# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
# shellcheck shell=sh
#
# What a man page shows: its file is $page, the folder for configurations $sysconfdir.

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
