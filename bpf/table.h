/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * table - which slot of a hash table each of its keys gets; abi.h says how a program looks for it.
 */
#ifndef EM_TABLE_H
#define EM_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

struct em_table {
	struct em_abi_table size;
	uint32_t *slots; /* by key; owned */
};

/*
 * Slots that a search may look at, where the verifier follows a loop to its end.  In a half-full
 * table of a million entities, searches take up to some 50.
 */
#define EM_TABLE_PROBES 128

/*
 * A table for n keys with these hashes, as small as makes searches take no more probes than that.
 * Returns 0, -ENOMEM, or -E2BIG where too many hashes are the same; then *out is left alone.
 */
int em_table_build(struct em_table *out, const uint32_t *hashes, size_t n, uint32_t probes_max);
void em_table_clear(struct em_table *table);

#endif
