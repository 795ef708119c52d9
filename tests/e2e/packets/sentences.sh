#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Every sentence of the file `sentences` has the cases that its scope asks for, and every case says
# which sentence it proves.
# shellcheck disable=SC2016 # the dollars are awk's
srcdir=${srcdir:-.}
export srcdir
folder=$srcdir/tests/e2e/packets
limits=$(mktemp)
trap 'rm -f "$limits"' EXIT
sh "$folder/limits.sh" >"$limits"

awk '
	function fail(text) { print text; failed = 1 }

	FNR == 1 { file++ }
	file == 1 && /^[a-z]/ { scope[$1] = $2; n++ }
	file == 1 { next }

	/^\[/ { proves = "" }
	/^@/ {
		proves = substr($0, 2)
		for (i = 2; i <= NF; i++)
			if (!($i in scope))
				fail(FILENAME ":" FNR ": no such sentence: " $i)
	}
	/^[a-z]/ {
		cases++
		if (proves == "")
			fail(FILENAME ":" FNR ": says no sentence that it proves")
		family = $0 ~ /(^| )ip6 / ? "ip6" : "ip4"
		m = split(proves, id, " ")
		for (i = 1; i <= m; i++)
			seen[id[i], family] = seen[id[i], "any"] = 1
	}

	END {
		for (name in scope) {
			s = scope[name]
			if (s ~ /\//) {
				if (system("test -e \"$srcdir/" s "\""))
					fail(name ": no such file: " s)
			} else if (s == "both") {
				if (!((name, "ip4") in seen))
					fail(name ": no case over IPv4")
				if (!((name, "ip6") in seen))
					fail(name ": no case over IPv6")
			} else if (!((name, s) in seen)) {
				fail(name ": no case (" s ")")
			}
		}
		if (!failed)
			print n " sentences, " cases " cases"
		exit failed
	}
' "$folder/sentences" "$folder/cases" "$limits"
