/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/tally.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "bpf/attached.h"

#define LISTENER_MAP "entitymux_lcnt"
#define ENTITY_MAP   "entitymux_ecnt"

struct em_counters {
	int listeners;
	int entities;
};

int em_tally_open(struct em_counters **out, int program, struct em_diag *diag)
{
	struct em_counters *counters = malloc(sizeof(*counters));

	if (!counters)
		return em_diag_enomem(diag);
	counters->listeners = em_attached_open_map(program, LISTENER_MAP);
	counters->entities = em_attached_open_map(program, ENTITY_MAP);
	if (counters->listeners < 0 || counters->entities < 0) {
		int rc = counters->listeners < 0 ? counters->listeners : counters->entities;

		em_tally_close(counters);
		return em_diag_errno(diag, rc, NULL, "bpf: cannot find the counters");
	}
	*out = counters;
	return 0;
}

static int read_listener(const struct em_counters *counters, uint32_t index,
			 struct em_abi_listener_count *per_cpu, int cpus,
			 struct em_listener_stats *stats)
{
	int rc = bpf_map_lookup_elem(counters->listeners, &index, per_cpu);

	for (int i = 0; !rc && i < cpus; i++) {
		stats->total.packets += per_cpu[i].total.packets;
		stats->total.bytes += per_cpu[i].total.bytes;
		stats->rewritten += per_cpu[i].sorted[EM_ABI_PORT];
		stats->passed += per_cpu[i].sorted[EM_ABI_PASS];
		stats->dropped += per_cpu[i].sorted[EM_ABI_DROP];
		stats->unknown += per_cpu[i].unknown;
		stats->invalid[EM_REASON_SOURCE] += per_cpu[i].invalid[EM_ABI_SOURCE];
		stats->invalid[EM_REASON_LENGTH] += per_cpu[i].invalid[EM_ABI_LENGTH];
		stats->invalid[EM_REASON_CHECK] += per_cpu[i].invalid[EM_ABI_CHECK];
	}
	return rc;
}

static int read_entity(const struct em_counters *counters, uint32_t index,
		       struct em_abi_count *per_cpu, int cpus, struct em_count *count)
{
	int rc = bpf_map_lookup_elem(counters->entities, &index, per_cpu);

	for (int i = 0; !rc && i < cpus; i++) {
		count->packets += per_cpu[i].packets;
		count->bytes += per_cpu[i].bytes;
	}
	return rc;
}

static int read_all(const struct em_counters *counters, const struct em_policy *policy, int cpus,
		    void *per_cpu, struct em_stats *stats)
{
	uint32_t counter = 0;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < policy->n_listeners; i++) {
		struct em_listener_stats *listener = &stats->listeners[i];

		rc = read_listener(counters, i, per_cpu, cpus, listener);
		for (size_t j = 0; !rc && j < listener->n_entities; j++)
			rc = read_entity(counters, counter++, per_cpu, cpus,
					 &listener->entities[j]);
	}
	return rc;
}

int em_tally_read(struct em_counters *counters, const struct em_policy *policy,
		  struct em_stats *stats, struct em_diag *diag)
{
	int cpus = libbpf_num_possible_cpus(), rc;
	void *per_cpu;

	if (cpus < 0)
		return em_diag_errno(diag, cpus, NULL, "cannot count the CPUs");
	per_cpu = calloc(cpus, sizeof(struct em_abi_listener_count));
	if (!per_cpu)
		return em_diag_enomem(diag);
	rc = read_all(counters, policy, cpus, per_cpu, stats);
	free(per_cpu);
	if (rc)
		return em_diag_errno(diag, rc, NULL, "bpf: cannot read the counters");
	return 0;
}

void em_tally_close(struct em_counters *counters)
{
	if (!counters)
		return;
	if (counters->listeners >= 0)
		close(counters->listeners);
	if (counters->entities >= 0)
		close(counters->entities);
	free(counters);
}
