/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * fill - a policy into the maps of its programs; compile.h makes the keys and values.
 */
#ifndef EM_FILL_H
#define EM_FILL_H

#include <bpf/libbpf.h>
#include <stddef.h>

#include "bpf/compile.h"
#include "bpf/entities.h"
#include "bpf/table.h"
#include "policy/policy.h"

/* What goes into the maps; of the entities, where. */
struct em_fill {
	struct em_compiled compiled;
	struct em_abi_claim *claims;
	size_t n_claims;
	struct em_table claim_table;
	struct em_entities entities; /* those with one tag, of all listeners */
};

/*
 * Fills in the constants as em_compile() does, and what follows from them, with a table of
 * claims in which a search takes so many probes at most, see table.h; freed with
 * em_fill_clear(), also after a failure.  Returns 0 or -errno, unreported.
 */
int em_fill_init(struct em_fill *out, const struct em_policy *policy,
		 const struct em_samples *samples, uint32_t probes_max,
		 struct em_abi_constants *constants);

/* Lets the programs mark what they have decided about, see marks.h. */
void em_fill_mark(struct em_fill *fill);
void em_fill_clear(struct em_fill *fill);

/* Before the maps are made.  Returns 0 or -errno, unreported. */
int em_fill_set_sizes(const struct em_fill *fill, const struct bpf_object *object,
		      const struct em_policy *policy);

/* Once they are.  Returns 0 or -errno, unreported. */
int em_fill_maps(const struct em_fill *fill, const struct bpf_object *object,
		 const struct em_policy *policy);

#endif
