/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * generation - what is kept of a generation: the record of the apply, the policy as a
 * configuration, and the counts that it starts from.
 *
 * Each of the three may be damaged, or of another version of entitymux: then it is as if it were
 * not there, and a warning says what is lost.  A file that cannot be read for any other reason is
 * an error.  All functions with a diag return 0 or -errno, reported.
 */
#ifndef EM_GENERATION_H
#define EM_GENERATION_H

#include <stdint.h>

#include "policy/stats.h"
#include "state/record.h"
#include "state/state.h"

/* The highest generation that left a trace in the folder; 0: none. */
int em_generation_newest(uint32_t *out, const struct em_state *state, struct em_diag *diag);
/* A number above that, and above `floor`. */
int em_generation_next(uint32_t *out, const struct em_state *state, uint32_t floor,
		       struct em_diag *diag);

/* Writes the folder of a generation that has none yet, as a whole or not at all. */
int em_generation_store(struct em_state *state, const struct em_record *record,
			const struct em_policy *policy, struct em_diag *diag);

/* out->generation is 0 where there is no such generation, or no record that can be read. */
int em_generation_load_record(struct em_state *state, uint32_t generation, struct em_record *out,
			      struct em_diag *diag);

/* *out, the caller's to free, is NULL where there is no policy that can be read. */
int em_generation_load_policy(struct em_state *state, uint32_t generation, struct em_policy **out,
			      struct em_diag *diag);

/* Writes to *same whether the policy is, byte for byte as written, the one of a generation. */
int em_generation_same_policy(struct em_state *state, uint32_t generation,
			      const struct em_policy *policy, bool *same, struct em_diag *diag);

/*
 * The counts that a generation starts from, shaped like its policy: replaced as a whole; added to
 * stats when loaded.
 */
int em_generation_save_baseline(struct em_state *state, uint32_t generation,
				const struct em_policy *policy, const struct em_stats *stats,
				struct em_diag *diag);
int em_generation_load_baseline(struct em_state *state, uint32_t generation,
				const struct em_policy *policy, struct em_stats *stats,
				struct em_diag *diag);

/*
 * Removes the folders of all generations but keep (0: of all), and what runs that died have left.
 */
int em_generation_clean(struct em_state *state, uint32_t keep, struct em_diag *diag);

#endif
