/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * folder - the folder in which a network namespace keeps its generations.
 *
 *	/run/entitymux/net-INODE/     one per network namespace
 *		lock                  held while anything here is read or written
 *		namespace             identifies the one that has this inode number now
 *		pending               an apply that waits for confirmation, see pending.h
 *		gen-N/                one per generation: the one in force, and the one
 *				      before, which a rollback brings back
 *			policy.conf   the policy as a configuration, with its entities files
 *			record        the facts of the apply, see record.h
 *			baseline      the counts it starts from, see baseline.h
 *			seen          the counts when `stats` last looked, where only they
 *				      tell when an entity was seen; the same format
 *			final         what was counted and is not in the next one
 *		gen-N.tmp/            a generation being written or removed, or the
 *				      leftovers of a run that died
 *
 * A run may die at any point.  Nothing written before a reboot counts after it.  So a rename makes
 * each change atomic, and nothing is synced.
 *
 * This module handles files and whole generations.  The lock and the namespace are handled in
 * state.c, the contents of a generation in generation.c.
 */
#ifndef EM_FOLDER_H
#define EM_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"

#define EM_FOLDER_HALF	    ".tmp" /* suffix of incomplete folders */
#define EM_FOLDER_PENDING   "pending"
#define EM_FOLDER_NAME_SIZE sizeof("gen-4294967295" EM_FOLDER_HALF)

/* More than there will be applies. */
#define EM_FOLDER_GENERATION_MAX 2000000000U

struct em_folder {
	char *path;
	int fd;	    /* -1: there is none */
	bool stale; /* its generations belong to another namespace and are ignored */
};

/* The name of a generation's folder. */
void em_folder_name(char name[EM_FOLDER_NAME_SIZE], uint32_t generation, bool whole);

/*
 * Reports a failed operation on a file of the folder (NULL: on the folder itself).  The returned
 * error is never one that means "no such file".
 */
int em_folder_failed(const struct em_folder *folder, struct em_diag *diag, int error,
		     const char *what, const char *name);

/*
 * Opens a file for reading or for writing anew.  The file is in the folder of a generation or, if
 * that is NULL, in the folder itself.  Returns NULL with errno set on failure.
 */
FILE *em_folder_open_file(const struct em_folder *folder, const char *generation, const char *name,
			  bool writes);
/*
 * Closes a file that was written.  rc is the result of writing so far.  Returns the result
 * including that of closing.
 */
int em_folder_close_file(FILE *file, int rc);

/* Whether any generation in it counts. */
bool em_folder_counts(const struct em_folder *folder);

/*
 * Writes to *out the highest generation that left a trace; 0: none.  Ignores numbers above
 * EM_FOLDER_GENERATION_MAX, which are not ours.  Returns 0 or -errno, reported.
 */
int em_folder_newest(const struct em_folder *folder, uint32_t *out, struct em_diag *diag);

/* Whether the folder has neither a generation nor leftovers of one. */
bool em_folder_is_free(const struct em_folder *folder);

/*
 * The first removes the incomplete folder of one generation.  The second removes all generations
 * but those in keep, which ends with 0, and the leftovers of runs that died.  Both return 0, also
 * if there was nothing to remove, or -errno, reported.
 */
int em_folder_remove_half(const struct em_folder *folder, uint32_t generation,
			  struct em_diag *diag);
int em_folder_clean(const struct em_folder *folder, const uint32_t *keep, struct em_diag *diag);

#endif
