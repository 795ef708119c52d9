#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Prints cases for policies that are too long to write down; the format is that of the file `cases`.

# Names of 1 and of 32 characters, ports from 1 up, and as many listeners as there can be.
echo '[256 listeners]'
awk 'BEGIN {
	for (i = 0; i < 256; i++) {
		name = i == 0 ? "l" : sprintf("listener.of-32_characters-no.%03d", i)
		printf "\t%s{ name = \"%s\"; interfaces = [ \"in0\" ]; port = %d; ",
			i ? ", " : "listeners = ( ", name, 5000 + i
		printf "tag = { offset = 0; length = 2; };\n\t  entities = ( { name = \"e%d\"; ", i
		printf "tag = \"0x%04x\"; port = %d; } ); }\n", i, 6000 + i
	}
	print "\t);"
}'
cat <<'END'
@ key-listeners key-name
ip4 udp 1>5000 hex:0000 -> rewritten e0 6000			# the first
ip6 udp 1>5000 hex:0000 -> rewritten e0 6000			# the first
ip4 udp 1>5255 hex:00ff -> rewritten e255 6255 @listener.of-32_characters-no.255	# the last
ip6 udp 1>5255 hex:00ff -> rewritten e255 6255 @listener.of-32_characters-no.255	# the last
ip4 udp 1>5254 hex:00ff -> unknown pass @listener.of-32_characters-no.254	# its neighbour's tag
ip4 udp 1>5256 hex:0100 -> not-ours				# behind the last
END

awk 'BEGIN {
	zeros = sprintf("%01023d", 0)
	bytes = zeros zeros; # 1023 bytes
	printf "\n[a check of 1024 bytes] (optional: nft)\n"
	print "\tlisteners = ( { name = \"l\"; interfaces = [ \"in0\" ]; port = 5000;"
	printf "\t\tchecks = ( { offset = 0; bytes = \"0x%s01\"; } );\n", bytes
	print "\t\ttag = { offset = 0; length = 1; };"
	print "\t\tentities = ( { name = \"a\"; tag = \"0x00\"; port = 6001; } ); } );"
}'
cat <<'END'
@ key-bytes key-offset
ip4 udp fill:00*1023 hex:01 -> rewritten a 6001			# all of them
ip6 udp fill:00*1023 hex:01 -> rewritten a 6001			# all of them
ip4 udp fill:00*1024 -> invalid check drop			# the last one differs
ip6 udp hex:01 fill:00*1022 hex:01 -> invalid check drop	# the first one differs
ip4 udp fill:00*511 hex:01 fill:00*511 hex:01 -> invalid check drop	# one in the middle
@ length-need
ip4 udp fill:00*1023 -> invalid length drop			# too short by one
END

awk 'BEGIN {
	for (i = 0; i < 176; i++)
		headers = headers (i % 2 ? "rt " : "dopt ")
	print "\n[176 extension headers]"
	print "\tlisteners = ( { name = \"l\"; interfaces = [ \"in0\" ]; port = 5000;"
	print "\t\ttag = { offset = 0; length = 1; };"
	print "\t\tentities = ( { name = \"a\"; tag = \"0x00\"; port = 6001; } ); } );"
	print "@ ip6-walked"
	print "ip6 " headers "udp hex:00 -> rewritten a 6001		# as many as fit"
	print "ip6 " headers "ah udp hex:00 -> not-ours			# and another one"
}'
