/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * entities - those of a policy that have one tag each, in the maps of a generation: in which slot
 * each of them is, and where it is counted.
 */
#ifndef EM_ENTITIES_H
#define EM_ENTITIES_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "bpf/perfect.h"
#include "engine/plan.h"
#include "policy/policy.h"

struct em_entities {
	struct em_perfect table;
	struct em_abi_shards counters;
	bool has_copies;
	bool has_long_tags;		  /* in which map they are */
	const struct em_samples *samples; /* what is sampled; NULL: nothing; not owned */
};

/*
 * Fills in what the constants say about them; has_long_tags is there.  Freed with
 * em_entities_clear(), also after a failure.  These functions return 0 or -errno, unreported.
 */
int em_entities_init(struct em_entities *out, const struct em_policy *policy, size_t n_intervals,
		     struct em_abi_constants *constants);
void em_entities_clear(struct em_entities *entities);

/* Before the maps are made, and once they are. */
int em_entities_set_sizes(const struct em_entities *entities, const struct bpf_object *object);
int em_entities_fill(const struct em_entities *entities, const struct bpf_object *object,
		     const struct em_policy *policy);

/* What finds the slots of a generation. */
struct em_entities_finder {
	struct em_abi_perfect size;
	const uint64_t *pilots; /* not owned */
	bool has_long_tags;
};

/* The slot of an entity of a format with this number among those of all listeners. */
uint32_t em_entities_slot(const struct em_entities_finder *finder, const struct em_abi_tag *tag,
			  uint32_t number);

#endif
