/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state - what is applied in this network namespace, and the lock over it.
 *
 * One folder per network namespace below /run/entitymux; in it one folder per generation with the
 * policy as applied (a configuration), facts about the apply, and the counts carried over from
 * earlier generations.  Which generation is in force is the kernel's to say: a run that dies at
 * any point leaves at worst a folder too many, never a wrong answer.
 */
#ifndef EM_STATE_H
#define EM_STATE_H

#include <stdint.h>

#include "datapath.h"

struct em_state; /* the open, locked folder of this network namespace */

enum em_state_mode {
	EM_STATE_READ,	/* shared lock; fine where nothing was ever applied */
	EM_STATE_WRITE, /* exclusive lock; waits for another run; makes the folder */
};

/*
 * Takes the lock.  *out is closed with em_state_close().  Returns 0 or -errno, reported; never
 * -EBADMSG or -EOPNOTSUPP, which is true of all below.
 */
int em_state_open(struct em_state **out, enum em_state_mode mode, struct em_diag *diag);
/* The same in a root folder of the caller's, made where it is missing; for tests. */
int em_state_open_at(struct em_state **out, const char *root, enum em_state_mode mode,
		     struct em_diag *diag);
/* Gives up the lock.  After EM_STATE_WRITE, a folder without any generation is removed. */
void em_state_close(struct em_state *state);
void em_state_closep(struct em_state **state);

/* The facts of one apply. */
struct em_applied {
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

void em_applied_clear(struct em_applied *applied);

/* A number above that of every generation that left a trace in the folder, and above `floor`. */
uint32_t em_state_next_generation(const struct em_state *state, uint32_t floor);

/*
 * Writes the folder of a generation that has none yet, as a whole or not at all; the policy of
 * `applied` has to be set.  Returns 0 or -errno, reported.
 */
int em_state_store(struct em_state *state, const struct em_applied *applied, struct em_diag *diag);

/*
 * Reads it back into *out, which is left alone on failure.  Returns 0; -ENOENT, not reported, where
 * there is no such generation; or another -errno, reported.
 */
int em_state_load(struct em_state *state, uint32_t generation, struct em_applied *out,
		  struct em_diag *diag);

/* Whether the policy is, byte for byte as written, the one stored for a generation. */
bool em_state_same_policy(struct em_state *state, uint32_t generation,
			  const struct em_policy *policy);

/*
 * The counts carried over into the generation of `applied`, shaped like its policy: replaced as a
 * whole; added to stats when loaded, and nothing added where none were saved.  Returns 0 or
 * -errno, reported.
 */
int em_state_save_carried(struct em_state *state, const struct em_applied *applied,
			  const struct em_stats *stats, struct em_diag *diag);
int em_state_load_carried(struct em_state *state, const struct em_applied *applied,
			  struct em_stats *stats, struct em_diag *diag);

/*
 * Removes the folders of all generations but keep (0: of all), and what runs that died have left.
 * Returns 0 or -errno, reported.
 */
int em_state_clean(struct em_state *state, uint32_t keep, struct em_diag *diag);

#endif
