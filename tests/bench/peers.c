/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "peers.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "bench.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "tests/bench/peers.skel.h"
#pragma GCC diagnostic pop

struct peers {
	struct em_peers *programs;
};

static int set_sizes(struct em_peers *programs, uint32_t entities)
{
	int cpus = libbpf_num_possible_cpus();
	int rc = cpus < 0 ? cpus : bpf_map__set_max_entries(programs->maps.slots, entities);

	if (!rc)
		rc = bpf_map__set_max_entries(programs->maps.counts, entities * cpus);
	if (!rc)
		rc = bpf_map__set_max_entries(programs->maps.hashed, entities);
	return rc ? rc : bpf_map__set_max_entries(programs->maps.per_cpu, entities);
}

static int fill(struct em_peers *programs, uint32_t entities)
{
	struct peer_entity *values = calloc(entities, sizeof(*values));
	uint64_t *tags = calloc(entities, sizeof(*tags));
	uint32_t *indices = calloc(entities, sizeof(*indices)), n = entities;
	int rc = values && tags && indices ? 0 : -ENOMEM;

	for (uint32_t i = 0; !rc && i < entities; i++) {
		indices[i] = tags[i] = i;
		values[i] = (struct peer_entity){i, i, 1, htons(BENCH_LISTENER_PORT)};
	}
	if (!rc)
		rc = bpf_map_update_batch(bpf_map__fd(programs->maps.slots), indices, values, &n,
					  NULL);
	n = entities;
	if (!rc)
		rc = bpf_map_update_batch(bpf_map__fd(programs->maps.hashed), tags, values, &n,
					  NULL);
	free(values);
	free(tags);
	free(indices);
	return rc;
}

int peers_new(struct peers **out, uint32_t entities)
{
	struct em_peers *programs = em_peers__open();
	struct peers *peers = malloc(sizeof(*peers));
	int rc = programs && peers ? set_sizes(programs, entities) : -ENOMEM;

	if (!rc) {
		programs->rodata->entities = entities;
		programs->rodata->port = htons(BENCH_LISTENER_PORT);
		rc = em_peers__load(programs);
	}
	if (!rc)
		rc = fill(programs, entities);
	if (rc) {
		em_peers__destroy(programs);
		free(peers);
		return rc;
	}
	peers->programs = programs;
	*out = peers;
	return 0;
}

void peers_free(struct peers *peers)
{
	if (!peers)
		return;
	em_peers__destroy(peers->programs);
	free(peers);
}

int peers_program(const struct peers *peers, const char *name)
{
	const struct bpf_program *program =
		bpf_object__find_program_by_name(peers->programs->obj, name);

	return program ? bpf_program__fd(program) : -1;
}
