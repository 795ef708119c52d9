/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * perfect - the table of the entities: a perfect hash, in which each key has a slot of its own and
 * is found with one look.
 *
 * Keys are divided into buckets by their hash.  Each bucket has a pilot, which is chosen so that it
 * leads all keys of the bucket to slots that no other key has; see em_abi_slot().  This is what
 * Pibiri and Trani call PTHash (2021).
 */
#ifndef EM_PERFECT_H
#define EM_PERFECT_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

struct em_perfect {
	struct em_abi_perfect size;
	uint64_t *pilots; /* values of map entitymux_pilot; owned */
	size_t n_pilots;  /* of these values */
};

/* Writes the hashes of all keys, by em_abi_hash_tag() with this multiplier. */
typedef void em_perfect_hash_fn(const void *context, uint64_t multiplier, uint64_t *hashes);

/*
 * A table for n keys.  Returns 0, -ENOMEM, or -E2BIG where no multiplier tells all keys apart; then
 * *out is left alone.
 */
int em_perfect_build(struct em_perfect *out, em_perfect_hash_fn *hash, const void *context,
		     size_t n);
void em_perfect_clear(struct em_perfect *table);

/* The slot of a hash, whether a key has it or not. */
uint32_t em_perfect_slot(const struct em_abi_perfect *size, const uint64_t *pilots, uint64_t hash);

#endif
