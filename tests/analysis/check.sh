#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# What the analyzers of gcc and clang find in the program, against the list `known`: whatever is not in
# it, or no longer found, is printed and the exit status is 1.
#
#	check.sh SOURCE...	with the preprocessor's options in ANALYSIS_FLAGS, as a shell has them
#
# Each version finds something else: meant are those of Debian 12, gcc 12 and clang-tidy 14.
set -eu

: "${ANALYSIS_FLAGS:?}"
here=$(realpath "$(dirname "$0")")

# analyze FILE: each is analyzed by itself.  EM_ANALYSIS tells what has to be known of functions in others,
# see src/base/diag.h.
#
# -Wno-analyzer-malloc-leak: gcc 12 loses sight of what belongs to a structure behind a pointer from then
# on; LeakSanitizer looks for leaks while the tests run.
analyze() {
	flags="$ANALYSIS_FLAGS -std=gnu11"
	[ "$1" = src/base/diag.c ] || flags="$flags -DEM_ANALYSIS"
	eval "gcc $flags -fanalyzer -Wno-analyzer-malloc-leak -S -o /dev/null \"\$1\"" 2>&1
	eval "clang-tidy --quiet --config-file=\"\$here/clang-tidy.yaml\" \"\$1\" -- $flags" 2>/dev/null
}

if [ "${1-}" = -1 ]; then
	analyze "$2"
	exit
fi
case $(gcc -dumpversion) in 12 | 12.*) ;; *) echo 'needs gcc 12'; exit 77 ;; esac
clang-tidy --version | grep -q 'version 14\.' || { echo 'needs clang-tidy 14'; exit 77; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
cd "$here/../.."
printf '%s\n' "$@" | sed -n '/\.c$/p' >"$tmp/files"
xargs -a "$tmp/files" -P "$(nproc)" -n 1 "$here/check.sh" -1 >"$tmp/log" || { cat "$tmp/log"; exit 1; }
# Each line of a header once, whoever includes it; then without the numbers of lines.
sed -En 's#^(.*/)?((src|nft|bpf)/[^:]*):([0-9:]*) warning: .*\[(-W)?([a-z][A-Za-z.-]*)\]$#\2 \4 \6#p' "$tmp/log" |
	sort -u | sed 's/ [0-9:]* / /' | sort >"$tmp/found"
sed '/^#/d; s/^\([^ ]* [^ ]*\) .*/\1/' "$here/known" | sort >"$tmp/known"
if ! diff "$tmp/known" "$tmp/found" >"$tmp/diff"; then
	sed -n 's/^</no longer found:/p; s/^>/found:/p' "$tmp/diff"
	sed -n 's/^> //p' "$tmp/diff" | while read -r file check; do
		grep -A20 "$file:.* warning: .*$check\]" "$tmp/log" || :
	done
	exit 1
fi
echo "$(grep -c . "$tmp/files") files, $(grep -c . "$tmp/known") known findings, no other"
