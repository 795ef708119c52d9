/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/tally.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "bpf/abi.h"
#include "bpf/attached.h"
#include "bpf/compile.h"
#include "bpf/constants.h"
#include "bpf/entities.h"
#include "bpf/window.h"

#define LISTENER_MAP "entitymux_lcnt"
#define ENTITY_MAP   "entitymux_ecnt"
#define COPIED_MAP   "entitymux_ccnt"
#define PILOT_MAP    "entitymux_pilot"
#define UNKNOWN_MAP  "entitymux_unk"

struct em_counters {
	int listeners;
	int entities;
	int copied; /* -1: nothing is copied */
	int pilots;
	int unknown;
	/* Of the constants of the generation: */
	struct em_abi_perfect table;
	struct em_abi_shards shards;
	bool has_long_tags;
	bool has_copies;
};

static int read_constants(struct em_counters *counters, int program)
{
	struct em_abi_constants *constants = calloc(1, sizeof(*constants));
	int rc = constants ? em_constants_read(program, constants) : -ENOMEM;

	if (!rc) {
		counters->table = constants->entities;
		counters->shards = constants->counters;
		counters->has_long_tags = constants->has_long_tags;
		counters->has_copies = constants->has_copies;
	}
	free(constants);
	return rc;
}

/* Returns 0 or the first error. */
static int open_all(struct em_counters *counters, int program)
{
	int rc;

	counters->listeners = em_attached_open_map(program, LISTENER_MAP);
	counters->entities = em_attached_open_map(program, ENTITY_MAP);
	counters->copied = -1;
	counters->pilots = em_attached_open_map(program, PILOT_MAP);
	counters->unknown = em_attached_open_map(program, UNKNOWN_MAP);
	if (counters->listeners < 0)
		return counters->listeners;
	if (counters->entities < 0)
		return counters->entities;
	if (counters->pilots < 0)
		return counters->pilots;
	if (counters->unknown < 0)
		return counters->unknown;
	rc = read_constants(counters, program);
	if (rc || !counters->has_copies)
		return rc;
	counters->copied = em_attached_open_map(program, COPIED_MAP);
	return counters->copied < 0 ? counters->copied : 0;
}

int em_tally_open(struct em_counters **out, int program, struct em_diag *diag)
{
	struct em_counters *counters = calloc(1, sizeof(*counters));
	int rc;

	if (!counters)
		return em_diag_enomem(diag);
	rc = open_all(counters, program);
	if (rc) {
		em_tally_close(counters);
		return em_diag_errno(diag, rc, NULL, "bpf: cannot find the counters");
	}
	*out = counters;
	return 0;
}

static void add_listener(struct em_listener_stats *stats, const struct em_abi_listener_count *from)
{
	stats->total.packets += from->total.packets;
	stats->total.bytes += from->total.bytes;
	stats->rewritten += from->sorted[EM_ABI_PORT];
	stats->passed += from->sorted[EM_ABI_PASS];
	stats->dropped += from->sorted[EM_ABI_DROP];
	stats->unknown += from->unknown;
	stats->invalid[EM_REASON_SOURCE] += from->invalid[EM_ABI_SOURCE];
	stats->invalid[EM_REASON_LENGTH] += from->invalid[EM_ABI_LENGTH];
	stats->invalid[EM_REASON_CHECK] += from->invalid[EM_ABI_CHECK];
	stats->copied += from->copied;
	stats->copy_errors += from->copy_errors;
}

/* The values of all CPUs, each of `size` bytes: a version may have more, or fewer, at the end. */
static int read_listener(const struct em_counters *counters, uint32_t index, unsigned char *values,
			 size_t size, int cpus, struct em_listener_stats *stats)
{
	struct em_abi_listener_count count = {0};
	int rc = bpf_map_lookup_elem(counters->listeners, &index, values);

	for (int i = 0; !rc && i < cpus; i++) {
		memcpy(&count, values + i * size, size < sizeof(count) ? size : sizeof(count));
		add_listener(stats, &count);
	}
	return rc;
}

static int read_listeners(const struct em_counters *counters, struct em_stats *stats)
{
	int cpus = libbpf_num_possible_cpus(), rc;
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);
	unsigned char *values;
	size_t size;

	if (cpus < 0)
		return cpus;
	rc = bpf_obj_get_info_by_fd(counters->listeners, &info, &length);
	/* The kernel rounds up to this. */
	size = (info.value_size + 7UL) / 8 * 8;
	values = rc ? NULL : calloc(cpus, size);
	if (!values)
		return rc ? rc : -ENOMEM;
	for (uint32_t i = 0; !rc && i < stats->n_listeners; i++)
		rc = read_listener(counters, i, values, size, cpus, &stats->listeners[i]);
	free(values);
	return rc;
}

/* What the entities of a generation have counted. */
struct summing {
	struct em_entities_finder finder;
	struct em_abi_shards shards;
	const struct em_abi_entity_count *counts;
	const uint64_t *copied; /* NULL: nothing is copied */
};

/* Adds what all shards have for a slot, or an interval. */
static void add_counts(const struct summing *summing, uint32_t counter, struct em_count *count)
{
	for (unsigned int i = 0; i < summing->shards.shards; i++, counter += summing->shards.each) {
		const struct em_abi_entity_count *from = summing->counts + counter;

		if (summing->copied)
			count->copied += summing->copied[counter];
		count->packets += from->count.packets;
		count->bytes += from->count.bytes;
		if (from->last > count->last)
			count->last = from->last;
	}
}

/* `interval` is the number of the first one of the format. */
static void sum_format(const struct summing *summing, const struct em_format *format,
		       uint32_t number, uint32_t interval, struct em_count *entities)
{
	for (size_t i = 0; i < format->n_entities; i++) {
		struct em_abi_tag tag = em_compile_tag(format, format->entities[i].tag);

		if (!format->entities[i].last)
			add_counts(summing, em_entities_slot(&summing->finder, &tag, number),
				   &entities[i]);
	}
	for (size_t i = 0; i < format->n_intervals; i++)
		add_counts(summing, summing->finder.size.slots + interval + i,
			   &entities[format->intervals[i].entity]);
}

static void sum_entities(const struct summing *summing, const struct em_policy *policy,
			 struct em_stats *stats)
{
	uint32_t number = 0, interval = 0;

	for (size_t i = 0; i < policy->n_listeners; i++) {
		struct em_count *entities = stats->listeners[i].entities;

		for (size_t j = 0; j < policy->listeners[i].n_formats; j++, number++) {
			const struct em_format *format = &policy->listeners[i].formats[j];

			sum_format(summing, format, number, interval, entities);
			entities += format->n_entities;
			interval += format->n_intervals;
		}
	}
}

static int read_entities(const struct em_counters *counters, const struct em_policy *policy,
			 struct em_stats *stats)
{
	struct em_window windows[] = {{0}, {0}, {0}};
	const int maps[] = {counters->pilots, counters->entities, counters->copied};
	const size_t n = counters->has_copies ? 3 : 2;
	size_t open = 0;
	int rc = 0;

	while (!rc && open < n) {
		rc = em_window_open(&windows[open], maps[open], false);
		open += !rc;
	}
	if (!rc) {
		const struct summing summing = {
			{counters->table, windows[0].values, counters->has_long_tags},
			counters->shards,
			windows[1].values,
			counters->has_copies ? windows[2].values : NULL};

		sum_entities(&summing, policy, stats);
	}
	while (open) {
		int error = em_window_close(&windows[--open]);

		rc = rc ? rc : error;
	}
	return rc;
}

int em_tally_read(struct em_counters *counters, const struct em_policy *policy,
		  struct em_stats *stats, struct em_diag *diag)
{
	int rc = read_listeners(counters, stats);

	if (!rc)
		rc = read_entities(counters, policy, stats);
	return rc ? em_diag_errno(diag, rc, NULL, "bpf: cannot read the counters") : 0;
}

/* Unknown tags. */

struct reading {
	int map;
	const struct em_policy *policy;
	struct em_unknown_list *list;
	uint64_t now; /* ns of CLOCK_MONOTONIC */
};

/* The format of this number among those of all listeners; false: there is none. */
static bool find_format(const struct em_policy *policy, uint32_t number, struct em_unknown *out)
{
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		if (number < listener->n_formats) {
			out->listener = listener;
			out->format = &listener->formats[number];
			return true;
		}
		number -= listener->n_formats;
	}
	return false;
}

static int add_unknown(const struct reading *reading, const struct em_abi_unknown_key *key,
		       const struct em_abi_unknown *value)
{
	struct em_unknown unknown = {.packets = value->packets,
				     .sender.family =
					     value->family == EM_ABI_IPV4 ? AF_INET : AF_INET6,
				     .sender_port = ntohs(value->port)};

	if (!find_format(reading->policy, key->format, &unknown))
		return 0;
	em_compile_take_tag(unknown.format, &key->tag, unknown.tag);
	memcpy(unknown.sender.bytes, value->sender, sizeof(value->sender));
	/* It may have come since. */
	if (value->last < reading->now)
		unknown.age = reading->now - value->last;
	return em_unknown_add(reading->list, &unknown);
}

static int count_entries(int map, uint32_t *entries)
{
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);
	int rc = bpf_obj_get_info_by_fd(map, &info, &length);

	*entries = info.max_entries;
	return rc;
}

/*
 * The kernel makes room in the map meanwhile.  Where a key has gone, its successor is the first
 * one: hence the limit, and keys that come twice.
 */
static int read_unknown(const struct reading *reading)
{
	struct em_abi_unknown_key key;
	struct em_abi_unknown value;
	uint32_t entries;
	int rc = count_entries(reading->map, &entries);

	if (!rc)
		rc = bpf_map_get_next_key(reading->map, NULL, &key);
	for (uint64_t n = 4ULL * entries; !rc && n; n--) {
		rc = bpf_map_lookup_elem(reading->map, &key, &value);
		if (!rc)
			rc = add_unknown(reading, &key, &value);
		if (!rc || rc == -ENOENT)
			rc = bpf_map_get_next_key(reading->map, &key, &key);
	}
	return rc == -ENOENT ? 0 : rc;
}

int em_tally_read_unknown(struct em_counters *counters, const struct em_policy *policy,
			  struct em_unknown_list *list, struct em_diag *diag)
{
	const struct reading reading = {counters->unknown, policy, list, em_clock_monotonic()};
	int rc = read_unknown(&reading);

	return rc ? em_diag_errno(diag, rc, NULL, "bpf: cannot read the unknown tags") : 0;
}

void em_tally_close(struct em_counters *counters)
{
	if (!counters)
		return;
	if (counters->listeners >= 0)
		close(counters->listeners);
	if (counters->entities >= 0)
		close(counters->entities);
	if (counters->copied >= 0)
		close(counters->copied);
	if (counters->pilots >= 0)
		close(counters->pilots);
	if (counters->unknown >= 0)
		close(counters->unknown);
	free(counters);
}
