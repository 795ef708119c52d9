/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/perfect.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_EACH 4 /* at most, of a bucket on average */
#define KEYS_MAX  64
/* One slot in so many is free: the last buckets have to find one. */
#define FREE_EACH 64
#define PILOTS	  65536
#define TRIES	  32

/* Of the first multiplier; odd, and with as many ones as zeros. */
#define MULTIPLIER 0x9e3779b97f4a7c15ULL

/* What is needed while a table is built. */
struct building {
	struct em_abi_perfect size;
	size_t n, buckets;
	uint64_t *hashes; /* of the keys */
	uint64_t *sorted; /* the same, bucket by bucket */
	uint32_t *ends;	  /* of each bucket in `sorted` */
	uint32_t *order;  /* of the buckets, the largest first */
	uint64_t *taken;  /* bits of slots */
	uint64_t *pilots;
};

static void clear(struct building *building)
{
	free(building->hashes);
	free(building->sorted);
	free(building->ends);
	free(building->order);
	free(building->taken);
	free(building->pilots);
}

static size_t words(size_t n, size_t each)
{
	return (n + each - 1) / each;
}

static int init(struct building *building, size_t n)
{
	uint32_t bits = 1;

	while (n > (size_t)KEYS_EACH << bits)
		bits++;
	if (bits > 31)
		return -E2BIG;
	building->n = n;
	building->buckets = (size_t)1 << bits;
	building->size.shift = 64 - bits;
	building->size.slots = n + n / FREE_EACH + 1;
	building->hashes = calloc(n + 1, sizeof(*building->hashes));
	building->sorted = calloc(n + 1, sizeof(*building->sorted));
	building->ends = calloc(building->buckets, sizeof(*building->ends));
	building->order = calloc(building->buckets, sizeof(*building->order));
	building->taken = calloc(words(building->size.slots, 64), sizeof(*building->taken));
	building->pilots =
		calloc(words(building->buckets, EM_ABI_PILOTS_EACH), sizeof(*building->pilots));
	if (!building->hashes || !building->sorted || !building->ends || !building->order ||
	    !building->taken || !building->pilots)
		return -ENOMEM;
	return 0;
}

static uint32_t begin_of(const struct building *building, size_t bucket)
{
	return bucket ? building->ends[bucket - 1] : 0;
}

static void sort_hashes(struct building *building)
{
	uint32_t *ends = building->ends, at = 0;

	memset(ends, 0, building->buckets * sizeof(*ends));
	for (size_t i = 0; i < building->n; i++)
		ends[building->hashes[i] >> building->size.shift]++;
	for (size_t i = 0; i < building->buckets; i++) {
		uint32_t size = ends[i];

		ends[i] = at;
		at += size;
	}
	for (size_t i = 0; i < building->n; i++)
		building->sorted[ends[building->hashes[i] >> building->size.shift]++] =
			building->hashes[i];
}

/* Returns whether none is too large. */
static bool sort_buckets(struct building *building)
{
	uint32_t begins[KEYS_MAX + 1] = {0}, at = 0;

	for (size_t i = 0; i < building->buckets; i++) {
		uint32_t size = building->ends[i] - begin_of(building, i);

		if (size > KEYS_MAX)
			return false;
		begins[size]++;
	}
	for (int size = KEYS_MAX; size >= 0; size--) {
		uint32_t n = begins[size];

		begins[size] = at;
		at += n;
	}
	for (uint32_t i = 0; i < building->buckets; i++)
		building->order[begins[building->ends[i] - begin_of(building, i)]++] = i;
	return true;
}

/* Takes the slots to which the pilot leads these keys, or none. */
static bool take(struct building *building, const uint64_t *hashes, uint32_t n, uint16_t pilot)
{
	uint32_t slots[KEYS_MAX];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot = em_abi_slot(hashes[i], pilot, building->size.slots);
		uint64_t bit = 1ULL << slot % 64;

		if (building->taken[slot / 64] & bit) {
			while (i--)
				building->taken[slots[i] / 64] &= ~(1ULL << slots[i] % 64);
			return false;
		}
		building->taken[slot / 64] |= bit;
		slots[i] = slot;
	}
	return true;
}

static bool place(struct building *building, uint32_t bucket)
{
	uint32_t begin = begin_of(building, bucket), n = building->ends[bucket] - begin;

	for (uint32_t pilot = 0; pilot < PILOTS; pilot++) {
		if (!take(building, building->sorted + begin, n, pilot))
			continue;
		building->pilots[bucket / EM_ABI_PILOTS_EACH] |=
			(uint64_t)pilot << bucket % EM_ABI_PILOTS_EACH * (64 / EM_ABI_PILOTS_EACH);
		return true;
	}
	return false;
}

/* Whether each key has got a slot. */
static bool place_all(struct building *building)
{
	sort_hashes(building);
	if (!sort_buckets(building))
		return false;
	memset(building->taken, 0, words(building->size.slots, 64) * sizeof(*building->taken));
	memset(building->pilots, 0,
	       words(building->buckets, EM_ABI_PILOTS_EACH) * sizeof(*building->pilots));
	for (size_t i = 0; i < building->buckets; i++)
		if (!place(building, building->order[i]))
			return false;
	return true;
}

int em_perfect_build(struct em_perfect *out, em_perfect_hash_fn *hash, const void *context,
		     size_t n)
{
	struct building building __attribute__((cleanup(clear))) = {.n = 0};
	int rc = init(&building, n);

	if (rc)
		return rc;
	for (uint64_t i = 0; i < TRIES; i++) {
		building.size.multiplier = MULTIPLIER * (2 * i + 1);
		hash(context, building.size.multiplier, building.hashes);
		if (!place_all(&building))
			continue;
		out->size = building.size;
		out->pilots = building.pilots;
		out->n_pilots = words(building.buckets, EM_ABI_PILOTS_EACH);
		building.pilots = NULL;
		return 0;
	}
	return -E2BIG;
}

void em_perfect_clear(struct em_perfect *table)
{
	free(table->pilots);
	*table = (struct em_perfect){0};
}

uint32_t em_perfect_slot(const struct em_abi_perfect *size, const uint64_t *pilots, uint64_t hash)
{
	uint32_t bucket = em_abi_bucket(hash, size->shift);

	return em_abi_slot(hash, em_abi_pilot(pilots[bucket / EM_ABI_PILOTS_EACH], bucket),
			   size->slots);
}
