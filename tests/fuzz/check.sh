#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Random input for what reads files, frames and what the kernel says, with libFuzzer, AddressSanitizer and UBSan,
# from the inputs in corpus/ on.  In the folder of the build.
#
# FUZZ_SECONDS	for each harness, instead of 12
# FUZZ_CORPUS	a folder that keeps the inputs that reach something new, and the one that fails
set -euo pipefail

here=$(realpath "$(dirname "$0")")
source=$here/../..
: "${FUZZ_SECONDS:=12}"
harnesses='capture classify config entities netlink state'

command -v clang >/dev/null || { echo 'needs clang'; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: "${FUZZ_CORPUS:=$work/corpus}"

# Without eBPF, whose maps no random input gets into.
sed /HAVE_BPF/d config-build.h >"$work/config-build.h"
compile()
{
	clang -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -D_GNU_SOURCE \
		-DRUNSTATEDIR='"/nowhere"' -std=gnu11 -I"$work" -I. -I"$source" -I"$source/src" \
		-c -o "$work/$(tr / _ <<<"${1#"$source/"}").o" "$1"
}
export -f compile
export source work

(cd "$source" && echo src/{base,capture,config,engine,host,policy,state}/*.c nft/*.c tests/fuzz/*.c) | xargs -n 1 |
	xargs -P "$(nproc)" -I {} bash -c "compile '$source/{}'"
ar rc "$work/all.a" "$work"/{src,nft}_*.o "$work/tests_fuzz_fuzz.c.o"
for harness in $harnesses; do
	clang -fsanitize=fuzzer,address,undefined -o "$work/$harness" "$work/tests_fuzz_$harness.c.o" "$work/all.a" \
		-lpcap -lmnl -lnftnl -ljansson
	mkdir -p "$FUZZ_CORPUS/$harness"
	"$work/$harness" -max_total_time="$FUZZ_SECONDS" -max_len=4096 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$FUZZ_CORPUS/$harness-" "$FUZZ_CORPUS/$harness" "$here/corpus/$harness" \
		>"$work/log" 2>&1 || { tail -n 50 "$work/log"; echo "$harness: failed"; exit 1; }
	echo "$harness: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log") executions"
done
