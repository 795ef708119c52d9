#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# CPUs that share the counters of entities: they count the same.
: "${MANY_CPUS:=tests/e2e/hosts/many_cpus}"
if [ "$(id -u)" -ne 0 ]; then
	echo 'makes network namespaces: run as root (sudo make check)'
	exit 77
fi
cases=$(mktemp) || exit 1
trap 'rm -f "$cases"' EXIT
awk 'BEGIN {
	print "[many CPUs]"
	print "\tlisteners = ( { name = \"l\"; interfaces = [ \"in0\" ]; port = 5000;"
	print "\t\ttag = { offset = 0; length = 2; };\n\t\tentities = ("
	for (i = 0; i < 100; i++)
		printf "\t\t{ name = \"e%d\"; tag = \"0x%04x\"; port = %d; },\n", i, i, 6000 + i
	print "\t\t{ name = \"range\"; tag = \"0x0100..0x01ff\"; port = 7000; } ); } );"
	print "@ key-entities"
	for (i = 0; i < 100; i++) {
		printf "ip4 udp hex:%04x -> rewritten e%d %d\n", i, i, 6000 + i
		printf "ip6 udp hex:%04x -> rewritten e%d %d\n", i, i, 6000 + i
	}
	print "ip4 udp hex:0100 -> rewritten range 7000"
	print "ip4 udp hex:0200 -> unknown pass"
}' >"$cases"
tests/e2e/packets/e2e -c "$cases" "$MANY_CPUS" xdp tc
