#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Includes go downwards through the rooms and never sideways, each library stays in its room, and only
# the engine's table names a backend.  The Makefile lists what the programs in the kernel include.
set -u
cd "${srcdir:-.}" || exit 1

# A room, and what its files may include: rooms and headers.  A file is in the longest room that its
# path begins with.
rooms='
src/base/	src/base/
src/host/	src/host/ src/base/ config-build.h
src/policy/	src/policy/ src/base/
src/capture/	src/capture/ src/base/
src/config/	src/config/ src/policy/ src/host/ src/base/
src/state/	src/state/ src/config/ src/policy/ src/host/ src/base/
src/engine/	src/engine/ src/state/ src/capture/ src/config/ src/policy/ src/host/ src/base/ config-build.h
src/print/screen.c	src/print/ src/base/
src/print/	src/print/ src/engine/ src/state/ src/capture/ src/config/ src/policy/ src/host/ src/base/
src/cmd/	src/cmd/ src/print/ src/engine/ src/state/ src/capture/ src/config/ src/policy/ src/host/ src/base/
src/main.c	src/cmd/ src/print/ src/engine/ src/policy/ src/host/ src/base/ config-build.h
bpf/		bpf/ bpf/kernel/tc.skel.h bpf/kernel/tc_plain.skel.h bpf/kernel/tc_unrolled.skel.h bpf/kernel/xdp.skel.h bpf/kernel/xdp_plain.skel.h bpf/kernel/xdp_unrolled.skel.h src/engine/backend.h src/engine/plan.h src/policy/ src/host/ src/base/
bpf/kernel/	bpf/kernel/ bpf/abi.h bpf/abi_kept.h
nft/		nft/ src/engine/backend.h src/engine/plan.h src/policy/ src/host/ src/base/ config-build.h
'

# A library, and the rooms that may include it.  Curses has a file.
libraries='
<bpf/			bpf/ bpf/kernel/
<libnftnl/		nft/
<linux/netfilter	nft/
<libmnl/		bpf/ nft/ src/host/
<jansson		tests/
<pcap			src/capture/ tests/
<curses			src/print/screen.c
<ncurses		src/print/screen.c
'

# A name, and the files that may use it.
names='
em_bpf_backend	src/engine/backend.h src/engine/backend.c bpf/backend.c
em_nft_backend	src/engine/backend.h src/engine/backend.c nft/backend.c
'

# What breaks a rule today: a file, and what it includes or names.  To be made shorter; an exception
# that is not needed fails.
exceptions='
'

# Prints FILE:LINE:INCLUDED of each include.
includes()
{
	find src bpf nft -name '*.[ch]' ! -name '*.skel.h' -exec grep -n '^#include' {} + |
		sed -n 's/^\([^:]*:[0-9]*:\)#include *\([<"][^>"]*[>"]\).*/\1\2/p' | sort
}

# Prints FILE:LINE:NAME of each use of a name in the table.
uses()
{
	for name in $(printf '%s\n' "$names" | cut -f 1); do
		grep -rnowF --include='*.[ch]' "$name" src bpf nft
	done
}

{ includes; uses; } | awk -F : -v rooms="$rooms" -v libraries="$libraries" -v names="$names" \
	-v exceptions="$exceptions" '
	function fail(text) { print text; failed = 1 }

	# Fills table[FIRST WORD] with the other words, a blank before and after each.
	function read(table, text,    lines, words, i, j, n)
	{
		n = split(text, lines, "\n")
		for (i = 1; i <= n; i++)
			for (j = split(lines[i], words, /[ \t]+/); j > 1; j--)
				table[words[1]] = table[words[1]] " " words[j] " "
	}

	# The longest prefix of a path in a table, or nothing.
	function prefix(table, path,    entry, best)
	{
		for (entry in table)
			if (index(path, entry) == 1 && length(entry) > length(best))
				best = entry
		return best
	}

	function allows(list, path,    words, i)
	{
		for (i = split(list, words, " "); i > 0; i--)
			if (words[i] == path || words[i] == prefix(allowed, path))
				return 1
		return 0
	}

	function excepted(file, what)
	{
		if (index(exception[file], " " what " ") == 0)
			return 0
		used[file, what] = 1
		return 1
	}

	# Rooms are found in src/, but for those of the backends.
	function resolve(name)
	{
		return name ~ /^(bpf|nft)\// || name !~ /\// ? name : "src/" name
	}

	# Whether a file of the room may include a header, or one of the libraries in the table.
	function may(room, header)
	{
		return header ~ /^</ ? allows(library[prefix(library, header)], room) : \
			allows(allowed[room], header)
	}

	# What is included by what a file of the room may include is included as well.
	function follow(file, path, room,    headers, i, header)
	{
		for (i = split(included[file], headers, " "); i > 0; i--) {
			header = headers[i]
			if (header == first)
				fail("includes itself: " path " -> " header)
			if (header in reached)
				continue
			reached[header] = 1
			if (may(room, header))
				follow(header, path " -> " header, room)
			else
				fail(room " may not include " header ": " path " -> " header)
		}
	}

	BEGIN {
		read(allowed, rooms)
		read(library, libraries)
		read(user, names)
		read(exception, exceptions)
	}

	{ file = $1; place = $1 ":" $2; what = $3; files[file] = 1; lines++ }
	(room = prefix(allowed, file)) == "" { fail(place ": in no room") }

	what !~ /[<"]/ {
		if (!allows(user[what], file) && !excepted(file, what))
			fail(place ": may not name " what)
		next
	}

	what ~ /^</ && prefix(library, what) == "" { next }

	{
		header = what ~ /^</ ? what : resolve(substr(what, 2, length(what) - 2))
		if (header !~ /\// && what !~ /^</ && header != "config-build.h")
			fail(place ": does not say which room " what " is in")
		else if (may(room, header))
			included[file] = included[file] " " header
		else if (!excepted(file, header))
			fail(place ": " room " may not include " header)
	}

	END {
		if (lines < 100)
			fail("found " lines " includes: is this the source?")
		for (first in files) {
			split("", reached)
			follow(first, first, prefix(allowed, first))
		}
		for (file in exception)
			for (i = split(exception[file], words, " "); i > 0; i--)
				if (!((file, words[i]) in used))
					fail("an exception that is not needed: " file " " words[i])
		exit failed
	}' || exit 1

# What the programs in the kernel are made of, and what the list of it has: without a header in that, neither
# an archive is whole nor a change is built.
headers()
{
	found=$(find bpf/kernel -name '*.bpf.h')
	while
		before=$found
		# shellcheck disable=SC2086 # one a word
		found=$({ echo "$found"; sed -n 's/^#include "\(bpf\/.*\)"/\1/p' bpf/kernel/*.bpf.c $found; } | sort -u)
		[ "$found" != "$before" ]
	do :; done
	echo "$found" | grep '\.h$'
}
listed=$(sed -n '/^bpf_headers = /,/[^\\]$/s/^[[:space:]]*%D%\/\([^ ]*\).*/bpf\/\1/p' bpf/Makefile.inc | sort)
if [ "$(headers)" != "$listed" ]; then
	echo 'bpf_headers of bpf/Makefile.inc are not those of the programs:'
	{ headers; echo "$listed"; } | sort | uniq -u
	exit 1
fi
