# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# What reads the file of `stats --prometheus` in the folder text/: the node exporter, and Prometheus, which scrapes it
# each second.  Sourced; in the folder that is left behind.
scrape() {
	mkdir text data
	cat >prometheus.yml <<-'END'
	global: { scrape_interval: 1s, evaluation_interval: 1s }
	rule_files: [ alerts.yml ]
	scrape_configs: [ { job_name: node, static_configs: [ { targets: [ "127.0.0.1:9100" ] } ] } ]
	END
	prometheus-node-exporter --collector.disable-defaults --collector.textfile \
		--collector.textfile.directory=text --web.listen-address=127.0.0.1:9100 >exporter.log 2>&1 &
	prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:9090 \
		>prometheus.log 2>&1 &
}

# fill_in INTERVAL: the expressions of the dashboard as Prometheus takes them, for all hosts and listeners, with this
# interval for rates
fill_in() { sed "s/\\\$__rate_interval/$1/g; s/=~\"\\\$[a-z]*\"/=~\".*\"/g"; }
