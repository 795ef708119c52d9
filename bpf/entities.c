/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/entities.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/compile.h"
#include "bpf/cpus.h"
#include "bpf/window.h"

#define PILOT_MAP   "entitymux_pilot"
#define COUNTER_MAP "entitymux_ecnt"
#define COPIED_MAP  "entitymux_ccnt"

/*
 * CPUs beyond these have no shard for themselves where that would take more than so many bytes:
 * with 64 CPUs, a million entities would have 1.5 GB of counters.
 */
#define SHARDS_MIN  8
#define SHARDS_SIZE (16U << 20)

static size_t count_keys(const struct em_policy *policy)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_listeners; i++)
		for (size_t j = 0; j < policy->listeners[i].n_formats; j++) {
			const struct em_format *format = &policy->listeners[i].formats[j];

			for (size_t k = 0; k < format->n_entities; k++)
				n += !format->entities[k].last;
		}
	return n;
}

static void hash_keys(const void *context, uint64_t multiplier, uint64_t *hashes)
{
	const struct em_policy *policy = context;
	bool is_long = em_compile_has_long_tags(policy);
	uint32_t number = 0;

	for (size_t i = 0; i < policy->n_listeners; i++)
		for (size_t j = 0; j < policy->listeners[i].n_formats; j++, number++) {
			const struct em_format *format = &policy->listeners[i].formats[j];

			for (size_t k = 0; k < format->n_entities; k++) {
				struct em_abi_tag tag =
					em_compile_tag(format, format->entities[k].tag);

				if (!format->entities[k].last)
					*hashes++ = em_abi_hash_tag(&tag, em_abi_salt(number),
								    multiplier, is_long);
			}
		}
}

static int choose_shards(struct em_abi_shards *out, size_t counters)
{
	const size_t size = counters * sizeof(struct em_abi_entity_count);
	int cpus = em_cpus_count();

	if (cpus < 0)
		return cpus;
	if (cpus > UINT16_MAX)
		return -E2BIG;
	*out = (struct em_abi_shards){.each = counters, .shards = cpus};
	if (cpus > SHARDS_MIN && cpus * size > SHARDS_SIZE) {
		out->shards = SHARDS_MIN;
		out->shared = 1;
	}
	return 0;
}

int em_entities_init(struct em_entities *out, const struct em_policy *policy, size_t n_intervals,
		     struct em_abi_constants *constants)
{
	int rc = em_perfect_build(&out->table, hash_keys, policy, count_keys(policy));

	if (!rc)
		rc = choose_shards(&out->counters, out->table.size.slots + n_intervals);
	if (rc)
		return rc;
	out->has_long_tags = constants->has_long_tags;
	out->has_copies = constants->has_copies;
	constants->entities = out->table.size;
	constants->counters = out->counters;
	return 0;
}

void em_entities_clear(struct em_entities *entities)
{
	em_perfect_clear(&entities->table);
}

static const char *map_name(const struct em_entities *entities)
{
	return entities->has_long_tags ? "entitymux_ltag" : "entitymux_tag";
}

static int set_size(const struct bpf_object *object, const char *name, size_t n)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	int rc = bpf_map__set_max_entries(map, n);

	return rc ? rc : em_window_allow(map);
}

int em_entities_set_sizes(const struct em_entities *entities, const struct bpf_object *object)
{
	size_t counters = (size_t)entities->counters.shards * entities->counters.each;
	int rc = set_size(object, PILOT_MAP, entities->table.n_pilots);

	if (!rc)
		rc = set_size(object, map_name(entities), entities->table.size.slots);
	if (!rc)
		rc = set_size(object, COUNTER_MAP, counters);
	return rc ? rc : set_size(object, COPIED_MAP, entities->has_copies ? counters : 1);
}

static int open_map(struct em_window *out, const struct bpf_object *object, const char *name)
{
	return em_window_open(out, bpf_map__fd(bpf_object__find_map_by_name(object, name)), true);
}

static int fill_pilots(const struct em_entities *entities, const struct bpf_object *object)
{
	struct em_window window;
	int rc = open_map(&window, object, PILOT_MAP);

	if (rc)
		return rc;
	memcpy(window.values, entities->table.pilots,
	       entities->table.n_pilots * sizeof(*entities->table.pilots));
	return em_window_close(&window);
}

/* An entity of the format with this number. */
static void fill_slot(const struct em_entities *entities, const struct em_window *window,
		      uint32_t number, const struct em_abi_entity *entity)
{
	const struct em_entities_finder finder = {entities->table.size, entities->table.pilots,
						  entities->has_long_tags};
	uint32_t slot = em_entities_slot(&finder, &entity->tag, number);

	if (entities->has_long_tags)
		((struct em_abi_entity *)window->values)[slot] = *entity;
	else
		((struct em_abi_short_entity *)window->values)[slot] = (struct em_abi_short_entity){
			entity->tag.low, entity->format, entity->action};
}

static void fill_format(const struct em_entities *entities, const struct em_window *window,
			const struct em_listener *listener, const struct em_format *format,
			uint32_t number)
{
	for (size_t i = 0; i < format->n_entities; i++) {
		const struct em_entity *entity = &format->entities[i];
		const struct em_abi_entity value = {
			.tag = em_compile_tag(format, entity->tag),
			.format = 1 + number,
			.action = em_compile_entity(listener, format, entity, entities->samples),
		};

		if (!entity->last)
			fill_slot(entities, window, number, &value);
	}
}

static int fill_slots(const struct em_entities *entities, const struct bpf_object *object,
		      const struct em_policy *policy)
{
	struct em_window window;
	uint32_t number = 0;
	int rc = open_map(&window, object, map_name(entities));

	if (rc)
		return rc;
	for (size_t i = 0; i < policy->n_listeners; i++)
		for (size_t j = 0; j < policy->listeners[i].n_formats; j++)
			fill_format(entities, &window, &policy->listeners[i],
				    &policy->listeners[i].formats[j], number++);
	return em_window_close(&window);
}

int em_entities_fill(const struct em_entities *entities, const struct bpf_object *object,
		     const struct em_policy *policy)
{
	int rc = fill_pilots(entities, object);

	return rc ? rc : fill_slots(entities, object, policy);
}

uint32_t em_entities_slot(const struct em_entities_finder *finder, const struct em_abi_tag *tag,
			  uint32_t number)
{
	return em_perfect_slot(&finder->size, finder->pilots,
			       em_abi_hash_tag(tag, em_abi_salt(number), finder->size.multiplier,
					       finder->has_long_tags));
}
