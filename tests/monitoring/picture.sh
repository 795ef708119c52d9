#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The README's picture of the dashboard, as SVG: what Prometheus answers in a real run to the questions of
# etc/examples/monitoring/dashboard.json, each panel in its place.  gnuplot draws it; Grafana is not needed.
#
#	picture.sh ENTITYMUX >tests/monitoring/dashboard.svg	(root; gnuplot, jq, prometheus)
set -eu

seconds=90 width=1080 row=34

if [ -z "${picture_inside-}" ]; then
	[ $# -eq 1 ] || { echo "usage: picture.sh ENTITYMUX" >&2; exit 2; }
	picture_inside=yes ENTITYMUX=$(realpath "$1") HERE=$(realpath "$(dirname "$0")")
	export picture_inside ENTITYMUX HERE
	exec timeout 300 unshare --mount --propagation private --net --pid --fork --kill-child bash "$0"
fi
for program in gnuplot jq prometheus promtool prometheus-node-exporter; do
	command -v $program >/dev/null || { echo "picture.sh: needs $program" >&2; exit 1; }
done
# shellcheck source=tests/monitoring/scrape.sh
. "$HERE/scrape.sh"
mount -t proc proc /proc
mount -t tmpfs picture /run
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
ip link set lo up
dashboard=$HERE/../../etc/examples/monitoring/dashboard.json

# send SECONDS BETWEEN PAYLOAD: for so long, with so much in between
send() {
	local end=$((SECONDS + $1))
	while [ $SECONDS -lt $end ]; do
		printf '%s' "$3" >/dev/udp/127.0.0.1/5000
		sleep "$2"
	done 2>/dev/null
}

cat >conf <<'END'
listeners = ( { name = "telemetry"; interfaces = [ "lo" ]; port = 5000;
	checks = ( { offset = 0; bytes = "text:T1:"; } ); tag = { offset = 3; length = 4; };
	entities = ( { name = "plant-a"; tag = "text:PLTA"; port = 6001; },
		{ name = "plant-b"; tag = "text:PLTB"; port = 6002; },
		{ name = "plant-c"; tag = "text:PLTC"; port = 6003; },
		{ name = "plant-d"; tag = "text:PLTD"; port = 6004; } ); } );
END
cp "$HERE/../../etc/examples/monitoring/alerts.yml" .
{
	"$ENTITYMUX" apply conf
	scrape
	# plant-b falls silent, plant-c begins late, and for a while one sends what is not valid.
	send $seconds 0.01 T1:PLTA:21.5 &
	send $((seconds / 2)) 0.02 T1:PLTB:20.9 &
	(sleep $((seconds / 3)) && send $((seconds * 2 / 3)) 0.015 T1:PLTC:19.2) &
	send $((seconds - 20)) 0.2 T1:PLTX:23.0 &
	(sleep $((seconds / 2)) && send $((seconds / 4)) 0.04 T2:PLTA:23.0) &
	for _ in $(seq $seconds); do
		"$ENTITYMUX" stats --prometheus --output=text/entitymux.prom
		sleep 1
	done
	"$ENTITYMUX" remove
} >&2
until=$(date +%s) since=$(($(date +%s) - seconds + 5))

# series EXPRESSION TYPE: a JSON array, of series for a panel of type timeseries, else of one number each
series() {
	fill_in 10s <<<"$1" >expression
	if [ "$2" = timeseries ]; then
		promtool query range -o json --start=$since --end="$until" --step=1s http://127.0.0.1:9090 \
			"$(cat expression)"
	else
		promtool query instant -o json --time="$until" http://127.0.0.1:9090 "$(cat expression)" ||
			echo '[]'
	fi
}

# legend FORMAT: of a series on standard input, as Grafana fills it in
legend() { jq -r --arg format "$1" '.metric as $m | $format | gsub("{{(?<l>[^}]*)}}"; $m[.l] // "")'; }

# A panel's place in the picture is in units of 1/24 of the width, and of a row.
rows=$(jq '[.panels[].gridPos | .y + .h] | max' "$dashboard")
height=$((rows * row))
cat >plot <<END
set terminal svg noenhanced size $width,$height font "sans-serif,12" background "#ffffff"
set multiplot
set datafile separator "\t"
END
panels=$(jq '.panels | length' "$dashboard")
for ((panel = 0; panel < panels; panel++)); do
	jq -c ".panels[$panel]" "$dashboard" >"panel$panel"
	read -r type x y w h <<<"$(jq -r '"\(.type) \(.gridPos.x) \(.gridPos.y) \(.gridPos.w) \(.gridPos.h)"' "panel$panel")"
	title=$(jq -r .title "panel$panel")
	cat >>plot <<-END
	unset label; unset key; unset xtics; unset ytics; unset border; unset grid; set margins
	set origin $x/24., 1-($y+$h)/$rows.
	set size $w/24., $h/$rows.
	set title "$title" offset 0,-0.5
	END
	number=0 curves=''
	: >"table$panel"
	while IFS=$'\t' read -r expression format; do
		series "$expression" "$type" | jq -c '.[]' >found
		while read -r one; do
			name=$(legend "$format" <<<"$one")
			if [ "$type" = timeseries ]; then
				file=series$panel-$((number += 1))
				jq -r --argjson since $since '.values[] | "\(.[0] - $since)\t\(.[1])"' \
					<<<"$one" >"$file"
				curves+="${curves:+, }\"$file\" with lines linewidth 1.5 title \"$name\""
			else
				jq -r '"\(.value[1] | tonumber | floor)\t" +
					(.metric | .entity // .instance // "")' <<<"$one" >>"table$panel"
			fi
		done <found
	done < <(jq -r '.targets[] | [.expr, .legendFormat] | @tsv | gsub("\\\\\\\\"; "\\")' "panel$panel")
	case $type in
	timeseries)
		cat >>plot <<-END
		set border 3; set xtics nomirror; set ytics nomirror; set grid; set xlabel "s" offset 0,0.7
		set key below; set yrange [0:*]; set xrange [0:$((until - since))]
		plot $curves
		unset xlabel; set yrange [*:*]; set xrange [*:*]
		END
		;;
	stat)
		printf 'set label 1 "%s" at graph 0.5,0.5 center font "sans-serif,32" textcolor rgb "#207030"\n' \
			"$(cut -f1 "table$panel" | xargs)" >>plot
		;;
	table)
		number=0
		while IFS=$'\t' read -r value name; do
			printf 'set label %d "%s" at graph 0.2,%s\nset label %d "%s s" at graph 0.8,%s right\n' \
				$((number += 1)) "$name" "1-$number/8." $((number + 20)) "$value" "1-$number/8."
		done <"table$panel" >>plot
		;;
	esac
	[ "$type" = timeseries ] || echo 'set xrange [0:1]; set yrange [0:1]; plot 2 notitle' >>plot
done
echo 'unset multiplot' >>plot
gnuplot plot
