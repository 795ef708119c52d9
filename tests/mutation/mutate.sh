#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Breaks the program in small ways, one at a time, and shows that the end-to-end table notices each, or
# else random conversations or copies.
#
#	mutate.sh [PATTERN]	only the mutants that the pattern (of grep) is found in
#
# The list is the file `mutants`.  All happens in a copy of the source tree; root.  Prints a line for
# each mutant and the score; the exit status is 1 where one survives.
set -eu

source=${srcdir:-.}
pattern=${1:-}
[ "$(id -u)" -eq 0 ] || { echo 'mutate.sh: needs root'; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

echo 'copying and building the tree'
mkdir "$work/tree"
(cd "$source" && tar cf - --exclude=.git --exclude=autom4te.cache --exclude='*.o' --exclude='*.a' .) |
	tar xf - -C "$work/tree"
cd "$work/tree"
make distclean >/dev/null 2>&1 || :
{ ./configure && make entitymux tests/e2e/packets/e2e tests/equivalence/routed \
	tests/equivalence/equivalence; } >"$work/log" 2>&1 ||
	{ tail -20 "$work/log"; exit 1; }

backends_of()
{
	case $1 in
	bpf/*) echo 'xdp tc' ;;
	nft/*) echo nft ;;
	*) echo 'xdp tc nft' ;;
	esac
}

# The table, by the backends that a file matters to: how many checks failed, or nothing.
table()
{
	# shellcheck disable=SC2046 # a list of words
	timeout 300 tests/e2e/packets/e2e -q -c tests/e2e/packets/cases ./entitymux $(backends_of "$1") >"$work/out" 2>&1 &&
		return
	sed -n 's/^[0-9]* passed, \([0-9]*\) failed,.*/\1/p' "$work/out" | grep . ||
		echo 'the run'
}

# Likewise; one disagreement is enough.
conversations()
{
	# shellcheck disable=SC2046 # a list of words
	timeout 300 tests/equivalence/routed -n 5000 ./entitymux $(backends_of "$1") \
		>"$work/out" 2>&1 || echo 'conversations'
}

# Likewise, by backends that make copies.
copies()
{
	# shellcheck disable=SC2046 # a list of words
	timeout 300 tests/equivalence/equivalence -c -n 5000 -p 50 ./entitymux $(backends_of "$1") >"$work/out" 2>&1 || echo 'copies'
}

failures() { table "$1" | grep . || conversations "$1" | grep . || copies "$1"; }

for file in bpf/ nft/; do
	failed=$(failures $file)
	[ -z "$failed" ] || { cat "$work/out"; echo "mutate.sh: fails as it is"; exit 1; }
done

caught=0 survived=0 stale=0
mutate()
{
	cp "$1" "$work/original"
	perl -0pi -e "$2" "$1"
	if cmp -s "$1" "$work/original"; then
		echo "STALE     $1: $3"
		stale=$((stale + 1))
	elif ! make entitymux >"$work/log" 2>&1; then
		echo "STALE     $1: $3 (does not build)"
		stale=$((stale + 1))
	else
		failed=$(failures "$1")
		if [ -n "$failed" ]; then
			printf 'caught    %s: %s (%s failed)\n' "$1" "$3" "$failed"
			caught=$((caught + 1))
		else
			echo "SURVIVED  $1: $3"
			survived=$((survived + 1))
		fi
	fi
	cp "$work/original" "$1"
}

# A line "FILE: what", and below it, indented, the expression.
file=
while IFS= read -r line; do
	case $line in
	'#'* | '') ;;
	'	'*)
		if printf '%s: %s\n' "$file" "$what" | grep -q -e "$pattern"; then
			mutate "$file" "${line#	}" "$what"
		fi
		;;
	*)
		file=${line%%: *}
		what=${line#*: }
		;;
	esac
done <tests/mutation/mutants

echo "$caught of $((caught + survived)) mutants caught, $survived survived, $stale stale"
[ "$survived" -eq 0 ] && [ "$stale" -eq 0 ]
