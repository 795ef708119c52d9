#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# End-to-end tests once more, with each call of the tool under valgrind: memory that is not there, or is lost, or,
# with nft, is read before it is set.  valgrind does not know what the kernel writes for bpf().
#
#	valgrind.sh TEST...	with ENTITYMUX and what the tests need
#
# Each test runs with each backend in E2E_BACKENDS; it may not run out of time meanwhile.  Root.
set -u

: "${E2E_BACKENDS:=tc nft}"
command -v valgrind >/dev/null || { echo 'needs valgrind'; exit 77; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$tmp/found" && chmod 1777 "$tmp/found" && chmod 755 "$tmp" || exit 1

# Findings are looked for afterwards: an exit status of valgrind's own would be taken for the tool's.
cat >"$tmp/entitymux" <<-END
	#!/bin/sh
	exec valgrind -q --leak-check=full --errors-for-leak-kinds=definite \\
		--undef-value-errors="\$undef" --log-file="$tmp/found/%p-%n" "$(realpath "${ENTITYMUX:-./entitymux}")" "\$@"
END
chmod 755 "$tmp/entitymux"
export ENTITYMUX=$tmp/entitymux

passed=0 failed=0
# run BACKEND TEST
run() {
	local undef=no
	[ "$1" != nft ] || undef=yes
	rm -f "$tmp/found"/*
	if ! undef=$undef E2E_BACKENDS=$1 bash "$2" >"$tmp/log" 2>&1; then
		echo "not ok - $1: $2"
		tail -n 20 "$tmp/log"
		return 1
	fi
	if grep -q '^==[0-9]*== ' "$tmp/found"/* 2>/dev/null; then
		echo "not ok - $1: $2: findings"
		grep -h '^==[0-9]*== ' "$tmp/found"/* | head -n 60
		return 1
	fi
	echo "ok - $1: $2, $(find "$tmp/found" -type f | wc -l) processes"
}

for test; do
	for backend in $E2E_BACKENDS; do
		if run "$backend" "$test"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
	done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
