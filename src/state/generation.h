/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * generation - what is kept of a generation: the policy as applied (a configuration), facts about
 * the apply, and the counts carried over from earlier generations.
 *
 * All functions with a diag return 0 or -errno, reported.
 */
#ifndef EM_GENERATION_H
#define EM_GENERATION_H

#include <stdint.h>

#include "engine/backend.h"
#include "state/state.h"

/* The facts of one apply. */
struct em_record {
	uint32_t generation;
	enum em_backend backend;
	enum em_backend wanted; /* as asked for on the command line or in the configuration */
	char *config;		/* absolute path of the configuration; owned */
	char *reason;		/* why this backend; owned */
	char applied_at[32];	/* UTC, ISO 8601 */
	struct em_attachment *attachments; /* owned */
	size_t n_attachments;
	struct em_policy *policy; /* owned */
};

void em_record_clear(struct em_record *applied);

/* A number above that of every generation that left a trace in the folder, and above `floor`. */
uint32_t em_generation_next(const struct em_state *state, uint32_t floor);

/*
 * Writes the folder of a generation that has none yet, as a whole or not at all; the policy of
 * `applied` has to be set.
 */
int em_generation_store(struct em_state *state, const struct em_record *applied,
			struct em_diag *diag);

/*
 * Reads it back into *out, which is left alone on failure.  Returns -ENOENT, not reported, where
 * there is no such generation.
 */
int em_generation_load(struct em_state *state, uint32_t generation, struct em_record *out,
		       struct em_diag *diag);

/* Whether the policy is, byte for byte as written, the one stored for a generation. */
bool em_generation_same_policy(struct em_state *state, uint32_t generation,
			       const struct em_policy *policy);

/*
 * The counts carried over into the generation of `applied`, shaped like its policy: replaced as a
 * whole; added to stats when loaded, and nothing added where none were saved.
 */
int em_generation_save_baseline(struct em_state *state, const struct em_record *applied,
				const struct em_stats *stats, struct em_diag *diag);
int em_generation_load_baseline(struct em_state *state, const struct em_record *applied,
				struct em_stats *stats, struct em_diag *diag);

/*
 * Removes the folders of all generations but keep (0: of all), and what runs that died have left.
 */
int em_generation_clean(struct em_state *state, uint32_t keep, struct em_diag *diag);

#endif
