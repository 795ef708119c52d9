/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/fill.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "policy/conversation.h"
#include "policy/unknown.h"

/* Each CPU keeps so many free entries of an LRU hash for itself; see flows.c. */
#define SPARE_PER_CPU 128
/* More listeners share what these have, so that a policy takes some 2 MB at most. */
#define UNKNOWN_LISTENERS 16

static size_t at_least_one(size_t n)
{
	return n ? n : 1;
}

static size_t count_claims(const struct em_policy *policy)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_listeners; i++)
		n += policy->listeners[i].n_interfaces *
		     at_least_one(policy->listeners[i].n_addresses);
	return n;
}

static size_t count_sources(const struct em_policy *policy)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_listeners; i++)
		n += policy->listeners[i].n_sources;
	return n;
}

static int make_claims(struct em_fill *fill, const struct em_policy *policy)
{
	struct em_abi_claim *claim = calloc(count_claims(policy) + 1, sizeof(*claim));

	if (!claim)
		return -ENOMEM;
	fill->claims = claim;
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		for (size_t j = 0; j < listener->n_interfaces; j++) {
			unsigned int ifindex = if_nametoindex(listener->interfaces[j].name);

			if (!ifindex)
				return -errno;
			for (size_t k = 0; k < at_least_one(listener->n_addresses); k++)
				*claim++ = em_compile_claim(
					policy, i, ifindex,
					listener->n_addresses ? &listener->addresses[k] : NULL);
		}
	}
	fill->n_claims = claim - fill->claims;
	return 0;
}

static int make_claim_table(struct em_fill *fill, uint32_t probes_max)
{
	uint32_t *hashes = calloc(fill->n_claims + 1, sizeof(*hashes));
	int rc;

	if (!hashes)
		return -ENOMEM;
	for (size_t i = 0; i < fill->n_claims; i++)
		hashes[i] = em_abi_hash_claim(&fill->claims[i]);
	rc = em_table_build(&fill->claim_table, hashes, fill->n_claims, probes_max);
	free(hashes);
	return rc;
}

int em_fill_init(struct em_fill *out, const struct em_policy *policy,
		 const struct em_samples *samples, uint32_t probes_max,
		 struct em_abi_constants *constants)
{
	int rc;

	*out = (struct em_fill){0};
	rc = em_compile(policy, samples, constants, &out->compiled);
	if (!rc)
		rc = make_claims(out, policy);
	if (!rc)
		rc = make_claim_table(out, probes_max);
	if (!rc)
		rc = em_entities_init(&out->entities, policy, out->compiled.n_intervals, constants);
	out->entities.samples = samples;
	constants->claims = out->claim_table.size;
	return rc;
}

void em_fill_mark(struct em_fill *fill)
{
	for (size_t i = 0; i < fill->n_claims; i++)
		fill->claims[i].used = EM_ABI_HANDS_OVER;
}

void em_fill_clear(struct em_fill *fill)
{
	free(fill->compiled.steps);
	free(fill->compiled.formats);
	free(fill->compiled.intervals);
	free(fill->compiled.copies);
	free(fill->claims);
	em_table_clear(&fill->claim_table);
	em_entities_clear(&fill->entities);
}

/* Returns their number, or -errno. */
static int count_unknown(const struct em_policy *policy)
{
	size_t listeners = policy->n_listeners;
	int cpus = libbpf_num_possible_cpus();

	if (listeners > UNKNOWN_LISTENERS)
		listeners = UNKNOWN_LISTENERS;
	return cpus < 0 ? cpus : (int)listeners * EM_UNKNOWN_MAX + SPARE_PER_CPU * cpus;
}

int em_fill_set_sizes(const struct em_fill *fill, const struct bpf_object *object,
		      const struct em_policy *policy)
{
	const int unknown = count_unknown(policy);
	const struct {
		const char *map;
		size_t entries;
	} sizes[] = {
		{"entitymux_claim", fill->claim_table.size.slots},
		{"entitymux_src", count_sources(policy)},
		{"entitymux_step", fill->compiled.n_steps},
		{"entitymux_fmt", fill->compiled.n_formats},
		{"entitymux_ival", fill->compiled.n_intervals},
		{"entitymux_copy", fill->compiled.n_copies},
		{"entitymux_lcnt", policy->n_listeners},
		{"entitymux_unk", unknown < 0 ? 0 : unknown},
		{"entitymux_noted", em_conversation_first(policy) ? EM_ABI_NOTED : 0},
		{"entitymux_port", em_conversation_first(policy) ? EM_ABI_PORT_WORDS : 0},
	};

	if (unknown < 0)
		return unknown;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, sizes[i].map);
		int rc = bpf_map__set_max_entries(map, at_least_one(sizes[i].entries));

		if (rc)
			return rc;
	}
	return em_entities_set_sizes(&fill->entities, object);
}

static int fill_claims(const struct em_fill *fill, const struct bpf_map *map)
{
	for (size_t i = 0; i < fill->n_claims; i++) {
		int rc = bpf_map__update_elem(map, &fill->claim_table.slots[i], sizeof(uint32_t),
					      &fill->claims[i], sizeof(fill->claims[i]), BPF_ANY);

		if (rc)
			return rc;
	}
	return 0;
}

static int fill_sources(const struct bpf_map *map, const struct em_policy *policy)
{
	const uint32_t unused = 0;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		for (size_t j = 0; j < policy->listeners[i].n_sources; j++) {
			struct em_abi_source source =
				em_compile_source(i, &policy->listeners[i].sources[j]);
			int rc = bpf_map__update_elem(map, &source, sizeof(source), &unused,
						      sizeof(unused), BPF_ANY);

			if (rc)
				return rc;
		}
	}
	return 0;
}

/* An array map of n values. */
static int fill_array(const struct bpf_map *map, const void *values, size_t size, size_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		int rc = bpf_map__update_elem(map, &i, sizeof(i), (const char *)values + i * size,
					      size, BPF_ANY);

		if (rc)
			return rc;
	}
	return 0;
}

static int fill_ports(const struct bpf_map *map, const struct em_policy *policy)
{
	uint64_t words[EM_ABI_PORT_WORDS] = {0};
	struct em_conversations conversations;
	int rc = em_conversations_init(&conversations, policy);

	for (size_t i = 0; !rc && i < conversations.n; i++) {
		uint16_t port = conversations.all[i].target;

		words[port / EM_ABI_PORTS_EACH] |= UINT64_C(1) << port % EM_ABI_PORTS_EACH;
	}
	for (uint32_t i = 0; !rc && conversations.n && i < EM_ABI_PORT_WORDS; i++)
		if (words[i])
			rc = bpf_map__update_elem(map, &i, sizeof(i), &words[i], sizeof(words[i]),
						  BPF_ANY);
	em_conversations_clear(&conversations);
	return rc;
}

int em_fill_maps(const struct em_fill *fill, const struct bpf_object *object,
		 const struct em_policy *policy)
{
	int rc = fill_claims(fill, bpf_object__find_map_by_name(object, "entitymux_claim"));

	if (!rc)
		rc = fill_sources(bpf_object__find_map_by_name(object, "entitymux_src"), policy);
	if (!rc)
		rc = fill_array(bpf_object__find_map_by_name(object, "entitymux_step"),
				fill->compiled.steps, sizeof(*fill->compiled.steps),
				fill->compiled.n_steps);
	if (!rc)
		rc = fill_array(bpf_object__find_map_by_name(object, "entitymux_fmt"),
				fill->compiled.formats, sizeof(*fill->compiled.formats),
				fill->compiled.n_formats);
	if (!rc)
		rc = fill_array(bpf_object__find_map_by_name(object, "entitymux_ival"),
				fill->compiled.intervals, sizeof(*fill->compiled.intervals),
				fill->compiled.n_intervals);
	if (!rc)
		rc = fill_array(bpf_object__find_map_by_name(object, "entitymux_copy"),
				fill->compiled.copies, sizeof(*fill->compiled.copies),
				fill->compiled.n_copies);
	if (!rc)
		rc = em_entities_fill(&fill->entities, object, policy);
	if (!rc)
		rc = fill_ports(bpf_object__find_map_by_name(object, "entitymux_port"), policy);
	return rc;
}
