#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Which lines of the program `make check` and `make check-faults` reach: both run in a copy of the sources that
# is built for gcov.  Prints gcovr's table and leaves a page for each file in coverage/.  What a
# signal ends leaves no record, such as `heal`, and the kernel's programs are not counted.
#
#	coverage.sh COPY RESULT		COPY is removed afterwards
set -eu

[ "$(id -u)" -eq 0 ] || { echo 'the tests make network namespaces: run as root (sudo make coverage)'; exit 1; }
copy=$(realpath "$1") result=$2
trap 'rm -rf "$copy"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$result"
result=$(realpath "$result")
cd "$copy"
# Also of a process that ends by _exit().
cat >record.c <<'END'
void __gcov_dump(void);
void __real__exit(int status);
void __wrap__exit(int status);

void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
END
gcc -c record.c
./configure -q CFLAGS='-O0 -g --coverage -fprofile-update=atomic' LDFLAGS='--coverage -Wl,--wrap=_exit' \
	LIBS="$PWD/record.o" >/dev/null
make -s -j"$(nproc)" >/dev/null
make -s check || echo 'some tests fail: what they look for is not reached'
make -s check-faults || echo 'some tests fail: what they look for is not reached'
# A program in a folder or namespace that is gone by its end cannot write its record.
gcovr --root . --filter src/ --filter nft/ --filter bpf/ --gcov-ignore-parse-errors \
	--html-details "$result/index.html" --txt "$result/summary.txt" >/dev/null
cat "$result/summary.txt"
