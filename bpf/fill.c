// SPDX-License-Identifier: GPL-2.0-or-later
#include "fill.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>

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

int em_fill_set_sizes(const struct bpf_object *object, const struct em_policy *policy,
		      size_t n_steps)
{
	const struct {
		const char *map;
		size_t entries;
	} sizes[] = {
		{ "entitymux_claim", count_claims(policy) },
		{ "entitymux_src", count_sources(policy) },
		{ "entitymux_step", n_steps },
		{ "entitymux_tag", em_compile_count_entities(policy) },
		{ "entitymux_lcnt", policy->n_listeners },
		{ "entitymux_ecnt", em_compile_count_entities(policy) },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, sizes[i].map);
		int rc = bpf_map__set_max_entries(map, at_least_one(sizes[i].entries));

		if (rc)
			return rc;
	}
	return 0;
}

static int fill_claims(const struct bpf_map *map, const struct em_policy *policy)
{
	for (uint32_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		for (size_t j = 0; j < listener->n_interfaces; j++) {
			unsigned int ifindex = if_nametoindex(listener->interfaces[j]);

			if (!ifindex)
				return -errno;
			for (size_t k = 0; k < at_least_one(listener->n_addresses); k++) {
				struct em_abi_claim claim = em_compile_claim(
					listener, ifindex,
					listener->n_addresses ? &listener->addresses[k] : NULL);
				int rc = bpf_map__update_elem(map, &claim, sizeof(claim), &i,
							      sizeof(i), BPF_NOEXIST);

				if (rc)
					return rc;
			}
		}
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

static int fill_steps(const struct bpf_map *map, const struct em_compiled_steps *steps)
{
	for (uint32_t i = 0; i < steps->n_steps; i++) {
		int rc = bpf_map__update_elem(map, &i, sizeof(i), &steps->steps[i],
					      sizeof(steps->steps[i]), BPF_ANY);

		if (rc)
			return rc;
	}
	return 0;
}

static int fill_entities(const struct bpf_map *map, const struct em_policy *policy)
{
	uint32_t counter = 0;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		for (size_t j = 0; j < listener->n_entities; j++) {
			const struct em_entity *entity = &listener->entities[j];
			struct em_abi_entity_key key = {
				.tag = em_compile_tag(listener, entity->tag),
				.listener = i,
			};
			struct em_abi_entity value = { .counter = counter++,
						       .port = htons(entity->port) };
			int rc = bpf_map__update_elem(map, &key, sizeof(key), &value,
						      sizeof(value), BPF_NOEXIST);

			if (rc)
				return rc;
		}
	}
	return 0;
}

int em_fill_maps(const struct bpf_object *object, const struct em_policy *policy,
		 const struct em_compiled_steps *steps)
{
	int rc = fill_claims(bpf_object__find_map_by_name(object, "entitymux_claim"), policy);

	if (!rc)
		rc = fill_sources(bpf_object__find_map_by_name(object, "entitymux_src"), policy);
	if (!rc)
		rc = fill_steps(bpf_object__find_map_by_name(object, "entitymux_step"), steps);
	if (!rc)
		rc = fill_entities(bpf_object__find_map_by_name(object, "entitymux_tag"), policy);
	return rc;
}
