#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Random input for what reads files and frames, with libFuzzer, AddressSanitizer and UBSan, from the inputs in
# corpus/ on.  In the folder of the build.
#
# FUZZ_SECONDS	for each harness, instead of 12
# FUZZ_CORPUS	a folder that keeps the inputs that reach something new, and the one that fails
set -euo pipefail

here=$(realpath "$(dirname "$0")")
source=$here/../..
: "${FUZZ_SECONDS:=12}"
harnesses='capture classify config entities state'

command -v clang >/dev/null || { echo 'needs clang'; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: "${FUZZ_CORPUS:=$work/corpus}"

compile()
{
	clang -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -D_GNU_SOURCE \
		-std=gnu11 -I. -I"$source" -I"$source/src" -c -o "$work/$(tr / _ <<<"${1#"$source/"}").o" "$1"
}
export -f compile
export source work

(cd "$source" && echo src/base/*.c src/config/*.c src/policy/*.c src/capture/*.c src/host/hook.c \
	src/state/{record,edited,lines,baseline}.c tests/fuzz/*.c) | xargs -n 1 |
	xargs -P "$(nproc)" -I {} bash -c "compile '$source/{}'"
for harness in $harnesses; do
	others=$(for other in $harnesses; do [ "$other" = "$harness" ] || echo "$work/tests_fuzz_$other.c.o"; done)
	# shellcheck disable=SC2046 # a list of words
	clang -fsanitize=fuzzer,address,undefined -o "$work/$harness" \
		$(find "$work" -name '*.o' | grep -vxF "$others") -lpcap
	mkdir -p "$FUZZ_CORPUS/$harness"
	"$work/$harness" -max_total_time="$FUZZ_SECONDS" -max_len=4096 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$FUZZ_CORPUS/$harness-" "$FUZZ_CORPUS/$harness" "$here/corpus/$harness" \
		>"$work/log" 2>&1 || { tail -n 50 "$work/log"; echo "$harness: failed"; exit 1; }
	echo "$harness: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log") executions"
done
