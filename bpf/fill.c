/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/fill.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "policy/conversation.h"

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

static int make_claim_table(struct em_fill *fill)
{
	uint32_t *hashes = calloc(fill->n_claims + 1, sizeof(*hashes));
	int rc;

	if (!hashes)
		return -ENOMEM;
	for (size_t i = 0; i < fill->n_claims; i++)
		hashes[i] = em_abi_hash_claim(&fill->claims[i]);
	rc = em_table_build(&fill->claim_table, hashes, fill->n_claims);
	free(hashes);
	return rc;
}

/*
 * Of those with one tag; `first` is the first counter of the format.  Returns how many there are.
 */
static size_t hash_entities(const struct em_format *format, size_t first, uint32_t *hashes)
{
	size_t n = 0;

	for (size_t i = 0; i < format->n_entities; i++) {
		struct em_abi_tag tag = em_compile_tag(format, format->entities[i].tag);

		if (!format->entities[i].last)
			hashes[n++] = em_abi_hash_entity(&tag, first);
	}
	return n;
}

static int make_entity_table(struct em_fill *fill, const struct em_policy *policy)
{
	uint32_t *hashes = calloc(em_compile_count_entities(policy) + 1, sizeof(*hashes));
	size_t n = 0, counter = 0;
	int rc;

	if (!hashes)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_listeners; i++)
		for (size_t j = 0; j < policy->listeners[i].n_formats; j++) {
			n += hash_entities(&policy->listeners[i].formats[j], counter, hashes + n);
			counter += policy->listeners[i].formats[j].n_entities;
		}
	rc = em_table_build(&fill->entity_table, hashes, n);
	free(hashes);
	return rc;
}

int em_fill_init(struct em_fill *out, const struct em_policy *policy,
		 struct em_abi_constants *constants)
{
	int rc;

	*out = (struct em_fill){0};
	rc = em_compile(policy, constants, &out->compiled);
	if (!rc)
		rc = make_claims(out, policy);
	if (!rc)
		rc = make_claim_table(out);
	if (!rc)
		rc = make_entity_table(out, policy);
	constants->claims = out->claim_table.size;
	constants->entities = out->entity_table.size;
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
	free(fill->claims);
	em_table_clear(&fill->claim_table);
	em_table_clear(&fill->entity_table);
}

int em_fill_set_sizes(const struct em_fill *fill, const struct bpf_object *object,
		      const struct em_policy *policy)
{
	const struct {
		const char *map;
		size_t entries;
	} sizes[] = {
		{"entitymux_claim", fill->claim_table.size.slots},
		{"entitymux_src", count_sources(policy)},
		{"entitymux_step", fill->compiled.n_steps},
		{"entitymux_fmt", fill->compiled.n_formats},
		{"entitymux_tag", fill->entity_table.size.slots},
		{"entitymux_ival", fill->compiled.n_intervals},
		{"entitymux_lcnt", policy->n_listeners},
		{"entitymux_ecnt", em_compile_count_entities(policy)},
		{"entitymux_port", em_conversation_first(policy) ? EM_ABI_PORT_WORDS : 0},
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, sizes[i].map);
		int rc = bpf_map__set_max_entries(map, at_least_one(sizes[i].entries));

		if (rc)
			return rc;
	}
	return 0;
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

static int fill_format(const struct em_fill *fill, const struct bpf_map *map,
		       const struct em_format *format, uint32_t *counter, size_t *key)
{
	for (size_t i = 0; i < format->n_entities; i++, ++*counter) {
		const struct em_entity *entity = &format->entities[i];
		struct em_abi_entity value = {
			.tag = em_compile_tag(format, entity->tag),
			.counter = *counter,
			.action = em_compile_action(&entity->action),
		};
		int rc = 0;

		if (!entity->last)
			rc = bpf_map__update_elem(map, &fill->entity_table.slots[(*key)++],
						  sizeof(uint32_t), &value, sizeof(value), BPF_ANY);
		if (rc)
			return rc;
	}
	return 0;
}

static int fill_entities(const struct em_fill *fill, const struct bpf_map *map,
			 const struct em_policy *policy)
{
	uint32_t counter = 0;
	size_t key = 0;
	int rc = 0;

	for (size_t i = 0; i < policy->n_listeners; i++)
		for (size_t j = 0; !rc && j < policy->listeners[i].n_formats; j++)
			rc = fill_format(fill, map, &policy->listeners[i].formats[j], &counter,
					 &key);
	return rc;
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
		rc = fill_entities(fill, bpf_object__find_map_by_name(object, "entitymux_tag"),
				   policy);
	if (!rc)
		rc = fill_ports(bpf_object__find_map_by_name(object, "entitymux_port"), policy);
	return rc;
}
