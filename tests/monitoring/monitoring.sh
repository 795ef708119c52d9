#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The metrics on their way: `stats --prometheus` writes a file, the node exporter reads it, Prometheus scrapes
# that; the alerts and the dashboard of etc/examples/monitoring ask for what is there.  As root, in a network
# namespace and a /run of its own.
set -u

: "${ENTITYMUX:=./entitymux}" "${E2E_BACKENDS:=xdp-generic tc nft}"

if [ -z "${monitoring_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root'; exit 77; }
	here=$(realpath "$(dirname "$0")")
	monitoring_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX") HERE=$here
	JSON=$(realpath tests/e2e/commands/json)
	export monitoring_inside ENTITYMUX E2E_BACKENDS HERE JSON
	exec timeout -s KILL 300 unshare --mount --propagation private --net --pid --fork --kill-child bash "$here/monitoring.sh"
fi
# shellcheck source=tests/lib/checks.sh
. "$HERE/../lib/checks.sh"
# shellcheck source=tests/lib/page.sh
. "$HERE/../lib/page.sh"
# shellcheck source=tests/monitoring/scrape.sh
. "$HERE/scrape.sh"
needs promtool prometheus prometheus-node-exporter
mount -t tmpfs monitoring /run || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
ip link set lo up
backend=${E2E_BACKENDS##* }
examples=$HERE/../../etc/examples/monitoring

cat >conf <<'END'
listeners = ( { name = "telemetry"; interfaces = [ "lo" ]; port = 5000; tag = { offset = 0; length = 1; };
	entities = ( { name = "plant-a"; tag = "0x61"; port = 6001; }, { name = "plant-b"; tag = "0x62"; port = 6002; } ); } );
END

# Alerts, by themselves.
cp "$examples/alerts.yml" "$HERE/alerts-test.yml" .
check 'the alerts are valid' promtool check rules alerts.yml
check 'each alert, and not without its reason' promtool test rules alerts-test.yml

# From the kernel to Prometheus, as the unit does it.
words=$(sed -n 's|^ExecStart=@sbindir@/entitymux ||p' "$HERE/../../etc/entitymux-stats.service.in" |
	sed 's|/var/lib/prometheus/node-exporter/|text/|')
is 'the unit' 'stats --prometheus --output=text/entitymux.prom' "$words"
# shellcheck disable=SC2086 # several words
write_metrics() { "$ENTITYMUX" $words; }
send() { for payload; do printf '%s' "$payload" >/dev/udp/127.0.0.1/5000; done; }
query() { promtool query instant http://127.0.0.1:9090 "$1" 2>/dev/null; }

# value EXPRESSION EXPECTED: Prometheus comes to say so
value() {
	for _ in $(seq 150); do
		seen=$(query "$1" | sed -n 's/.*=> \([^ ]*\) @.*/\1/p' | sort | xargs)
		[ "$seen" != "$2" ] || break
		sleep 0.2
	done
	is "$1" "$2" "$seen"
}

scrape
write_metrics
value entitymux_policy_whole 0
check 'apply' "$ENTITYMUX" apply --backend="$backend" conf
# With nft, an entity was seen if its counter has moved since an earlier look.
write_metrics
send a a a b z
write_metrics
value entitymux_policy_whole 1
value 'entitymux_packets_total{listener="telemetry"}' 5
value 'entitymux_entity_packets_total{entity="plant-a"}' 3
value entitymux_unknown_packets_total 1
value 'count(entitymux_port_without_socket)' 2
value 'count(node_textfile_mtime_seconds{file=~".*entitymux.prom"})' 1
value 'count(ALERTS{alertname="EntitymuxNobodyListens",alertstate="pending"})' 2

# Whatever the dashboard asks for exists, but for what was not seen yet.
"$JSON" <"$examples/dashboard.json" >dashboard || fail 'the dashboard is JSON'
grep -o '"expr":"\([^"\\]\|\\.\)*"' dashboard | sed 's/^"expr":"//; s/"$//; s/\\"/"/g' |
	fill_in 1m >questions
is 'panels' 11 "$(wc -l <questions)"
# And what the guide asks of a fleet; nothing here is silent for as long.
page=$HERE/../../man/entitymux.7
for first in '^sum by' '^time\(\) - max'; do
	block "$first" | xargs -d '\n' | sed 's/ > 600$/ > -1/'
done >>questions
is 'with those of the guide' 13 "$(wc -l <questions)"
# A rate takes two scrapes: each is asked for until there is one.
while read -r expression; do
	tries=0
	until query "$expression" | grep -q '=>' || [ $((tries += 1)) -eq 150 ]; do sleep 0.2; done
	if [[ $expression == *' or '* ]]; then
		is "one number for each host: $expression" 1 "$(query "$expression" | wc -l)"
	elif [ "$tries" -lt 150 ]; then
		pass "$expression"
	else
		fail "$expression" "$(query "$expression" 2>&1)"
	fi
done <questions

check 'remove' "$ENTITYMUX" remove
write_metrics
value entitymux_policy_whole 0
[ "$failed" -eq 0 ] || tail -n 5 ./*.log

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
