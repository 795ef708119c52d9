#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The configurations in etc/examples on every backend of this build: each with the datagrams that the
# table `examples` has for it.  An example fails that lacks datagrams of an entity, unknown ones, or
# invalid ones.
if [ "$(id -u)" -ne 0 ]; then
	echo 'the end-to-end tests make network namespaces: run as root (sudo make check)'
	exit 77
fi
cases=$(mktemp)
trap 'rm -f "$cases"' EXIT
status=0
for example in "${srcdir:=.}"/etc/examples/*.conf; do
	name=$(basename "$example" .conf)
	[ "$name" = recorder ] && continue # e2e/copies has sockets for it
	printf '[%s]\n' "$name"
	sed -n '/^#/d; s/"eth0"/"in0"/; s/^/\t/; p' "$example"
	echo
	sed -n "s/^$name	//p" "$srcdir/tests/e2e/packets/examples"
	echo
	for result in rewritten unknown invalid; do
		grep -q "^$name	.* -> $result " "$srcdir/tests/e2e/packets/examples" && continue
		[ "$name $result" = 'deny-list rewritten' ] && continue # it drops
		echo "no $result datagrams for $name" >&2
		status=1
	done
done >"$cases"
# shellcheck disable=SC2086 # a list of words
tests/e2e/packets/e2e -c "$cases" "$ENTITYMUX" $E2E_BACKENDS || status=1
exit $status
