#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The end-to-end table on every backend of this build, on this kernel.
if [ "$(id -u)" -ne 0 ]; then
	echo 'the end-to-end tests make network namespaces: run as root (sudo make check)'
	exit 77
fi
limits=$(mktemp)
trap 'rm -f "$limits"' EXIT
sh "${srcdir:=.}/tests/e2e/packets/limits.sh" >"$limits"
status=0
for cases in "$srcdir/tests/e2e/packets/cases" "$limits"; do
	# shellcheck disable=SC2086 # a list of words
	tests/e2e/packets/e2e -c "$cases" "$ENTITYMUX" $E2E_BACKENDS || status=1
done
exit $status
