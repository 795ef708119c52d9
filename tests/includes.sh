#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Includes go one way: the libraries of the kernel's interfaces stay in their folders, the two
# backends do not know each other, the pivot and the reference know neither, and the commands know
# no backend.
cd "${srcdir:-.}" || exit 1
status=0

# usage: only WHAT PATTERN FILES-ALLOWED (a regular expression on the path)
only()
{
	found=$(grep -nE "^#include *$2" src/*.[ch] bpf/*.[ch] nft/*.[ch] | grep -vE "^($3)")
	[ -z "$found" ] && return
	echo "$1:"
	echo "$found"
	status=1
}

only 'libbpf and the skeleton belong to bpf/' '<bpf/|".*\.skel\.h"' 'bpf/'
only 'libnftnl, libmnl and nf_tables belong to nft/' '<(libnftnl|libmnl|linux/netfilter)/' 'nft/'
only 'libconfig belongs to the reader of the configuration' '<libconfig' 'src/config'
for room in bpf nft; do
	headers=$(cd $room && echo *.h | tr ' ' '|' | sed 's/\./\\./g')
	only "headers of $room/ are its own" "\"($room/)?($headers)\"" "$room/"
done
for module in policy diag classify entities; do
	found=$(grep -nE '^#include *"' src/$module*.[ch] |
		grep -vE '"(policy|diag|classify|entities|integers)\.h"')
	[ -z "$found" ] || { echo "src/$module knows too much:"; echo "$found"; status=1; }
done
exit $status
