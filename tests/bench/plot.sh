#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# Draws what `bench -j FILE` has written.
#
#	plot.sh FILE FOLDER
#
# makes FOLDER/programs.svg, what a datagram costs in the eBPF programs, and FOLDER/path.svg, from the wire to
# a socket.  Needs gnuplot and jq.
set -eu

file=$1 folder=$2
for program in gnuplot jq; do
	command -v $program >/dev/null || { echo "plot.sh: needs $program" >&2; exit 1; }
done
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT

# rows TITLE: of the table that begins so, those of IPv4: name and entities, more, quartiles
rows() {
	jq -r --arg title "$1" '.tables[] | select(.title | startswith($title)) | .rows[]
		| select(.ip == 4 and .more != null)
		| [.what + (if .entities > 1 then ", \(.entities) tags" else "" end), .more, .more_low,
		   .more_high] | @tsv' "$file" >"$rows"
}

# draw NAME TITLE
draw() {
	[ -s "$rows" ] || { echo "plot.sh: $file has no rows for $1" >&2; return; }
	height=$((120 + 24 * $(wc -l <"$rows")))
	gnuplot <<-END
		set terminal svg noenhanced size 900,$height font "sans-serif,12" background "#ffffff"
		set output "$folder/$1.svg"
		set datafile separator "\t"
		set title "$2\n$(jq -r .machine "$file")"
		set xlabel "ns more than without; the line is the quartiles"
		set xrange [0:*]
		set yrange [$(wc -l <"$rows"):-1]
		set grid xtics
		set style fill solid 0.6
		unset key
		plot "$rows" using (\$2/2):0:(\$2/2):(0.35):ytic(1) with boxxyerror linecolor rgb "#3070b0", \\
			"$rows" using 3:0:(\$4-\$3):(0) with vectors nohead linecolor rgb "#000000"
	END
	echo "$folder/$1.svg"
}

rows 'The programs'
draw programs 'A datagram in the programs of eBPF'
rows 'From the wire'
draw path 'From the wire to a socket'
