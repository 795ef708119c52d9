/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * generation - the files of a generation: the record of the apply, the policy as a configuration,
 * and the counts it starts from.
 *
 * A file that is damaged, or of another version of entitymux, is treated as missing, and a warning
 * says what is lost.  A file that cannot be read for another reason is an error.  All functions
 * with a diag return 0 or -errno, reported.
 */
#ifndef EM_GENERATION_H
#define EM_GENERATION_H

#include <stdint.h>

#include "policy/stats.h"
#include "state/record.h"
#include "state/state.h"

/* Finds the highest generation that left a trace in the folder; 0: none. */
int em_generation_newest(uint32_t *out, const struct em_state *state, struct em_diag *diag);
/* Finds a number above that one and above `floor`. */
int em_generation_next(uint32_t *out, const struct em_state *state, uint32_t floor,
		       struct em_diag *diag);

/* Writes the folder of a new generation, completely or not at all. */
int em_generation_store(struct em_state *state, const struct em_record *record,
			const struct em_policy *policy, struct em_diag *diag);

/* Loads a record.  out->generation is 0 if there is no such generation, or no readable record. */
int em_generation_load_record(struct em_state *state, uint32_t generation, struct em_record *out,
			      struct em_diag *diag);

/* Loads a policy, which the caller frees.  *out is NULL if there is no readable policy. */
int em_generation_load_policy(struct em_state *state, uint32_t generation, struct em_policy **out,
			      struct em_diag *diag);

/* Sets *same to whether the policy, as written, is byte for byte that of a generation. */
int em_generation_same_policy(struct em_state *state, uint32_t generation,
			      const struct em_policy *policy, bool *same, struct em_diag *diag);

/*
 * Saves or loads the counts that a generation starts from, in the shape of its policy.  Saving
 * replaces the whole file.  Loading adds to stats.
 */
int em_generation_save_baseline(struct em_state *state, uint32_t generation,
				const struct em_policy *policy, const struct em_stats *stats,
				struct em_diag *diag);
int em_generation_load_baseline(struct em_state *state, uint32_t generation,
				const struct em_policy *policy, struct em_stats *stats,
				struct em_diag *diag);

/*
 * The same of what the kernel counted at the last look, with the times that are known.  Several
 * runs may save it at a time: each replaces the whole file.  *out is the caller's to free; NULL:
 * there was no look.
 */
int em_generation_save_seen(struct em_state *state, uint32_t generation,
			    const struct em_policy *policy, const struct em_stats *stats,
			    struct em_diag *diag);
int em_generation_load_seen(struct em_state *state, uint32_t generation,
			    const struct em_policy *policy, struct em_stats **out,
			    struct em_diag *diag);

/* Whether the generation still has a folder.  Returns 0 or -errno, reported. */
int em_generation_is_kept(const struct em_state *state, uint32_t generation, bool *kept,
			  struct em_diag *diag);

/*
 * What a generation has counted for that the next one has not, for a rollback, likewise.  It is
 * saved once the next one has all other counts.  The last one is for counts that were set to zero
 * since.
 */
int em_generation_save_final(struct em_state *state, uint32_t generation,
			     const struct em_policy *policy, const struct em_stats *stats,
			     struct em_diag *diag);
int em_generation_load_final(struct em_state *state, uint32_t generation,
			     const struct em_policy *policy, struct em_stats *stats,
			     struct em_diag *diag);
int em_generation_has_final(struct em_state *state, uint32_t generation, bool *out,
			    struct em_diag *diag);
int em_generation_forget_final(struct em_state *state, uint32_t generation, struct em_diag *diag);

/*
 * Removes the folders of all generations but keep (0: all) and those that it replaces and restores,
 * and the leftovers of runs that died.
 */
int em_generation_clean(struct em_state *state, uint32_t keep, struct em_diag *diag);

#endif
