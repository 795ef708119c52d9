# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
# shellcheck shell=sh
#
# Checks, and what they print; $title goes before, $tmp is a folder for what commands say.

passed=0
failed=0
title=

# needs PROGRAM...: or the test is skipped
needs() {
	for program; do
		command -v "$program" >/dev/null || { echo "needs $program"; exit 77; }
	done
}

pass() {
	passed=$((passed + 1))
	echo "ok $((passed + failed)) - $title$1"
}

fail() {
	failed=$((failed + 1))
	echo "not ok $((passed + failed)) - $title$1"
	shift
	printf '%s\n' "$@" | sed 's/^/  | /'
}

# is WHAT EXPECTED SEEN
is() {
	if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "expected: $2" "seen: $3"; fi
}

# says WHAT PATTERN TEXT
says() {
	if printf '%s\n' "$3" | grep -qE -- "$2"; then
		pass "$1"
	else
		fail "$1" "expected: $2" "seen: $3"
	fi
}

# skip WHAT: neither passed nor failed
skip() { echo "skip: $title$1"; }

# check WHAT COMMAND...: it succeeds
check() {
	what=$1
	shift
	if said=$("$@" 2>&1); then pass "$what"; else fail "$what" "exit status $? of: $*" "$said"; fi
}

# within SECONDS WHAT COMMAND...: it succeeds in time
within() {
	ticks=$(($1 * 10)) what=$2
	shift 2
	while ! said=$("$@" 2>&1) && [ $ticks -gt 0 ]; do
		ticks=$((ticks - 1))
		sleep 0.1
	done
	if [ $ticks -gt 0 ]; then pass "$what"; else fail "$what" "$said"; fi
}

# exits STATUS MESSAGES PATTERN COMMAND...: as many lines on standard error, each as the pattern
exits() {
	status=$1 messages=$2 pattern=$3
	shift 3
	"$@" >$tmp/out 2>$tmp/err
	seen=$?
	[ $seen -eq "$status" ] && [ "$(wc -l <$tmp/err)" -eq "$messages" ] &&
		[ "$(grep -cE -- "$pattern" $tmp/err)" -eq "$messages" ] && return
	echo "exit status $seen, not $status; $messages of '$pattern' expected:"
	cat $tmp/out $tmp/err
	return 1
}

# settings NAMESPACE SETTING=VALUE...: in /proc/sys, of a network namespace
settings() {
	ip netns exec "$1" sh -c 'shift
		for setting; do
			echo "${setting#*=}" >"/proc/sys/${setting%%=*}" || exit 1
		done' sh "$@"
}

# Whether nft finds answers by sets and chains at egress (Linux 5.16), without connection tracking.
has_egress() { em probe 2>/dev/null | grep -q 'netdev-egress  *yes'; }
