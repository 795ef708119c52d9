/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * folder - the folder in which a network namespace keeps its generations.
 *
 *	/run/entitymux/net-INODE/     one per network namespace
 *		lock                  held while anything here is read or written
 *		namespace             which one this is, of all that have had this inode number
 *		gen-N/                one per generation
 *			policy.conf   the policy as a configuration, with its entities files
 *			record        the facts of the apply, see record.h
 *			baseline      the counts it starts from, see baseline.h
 *		gen-N.tmp/            a generation being written or removed, or what a dead run
 *				      left of it
 *
 * A run may die at any point, but not the machine under it: what was written before a reboot does
 * not count after it.  So a rename is all it takes for all or nothing, and nothing is synced.
 *
 * Here is what is done to files and to generations as a whole; the lock and the namespace are in
 * state.c, what is in a generation in generation.c.
 */
#ifndef EM_FOLDER_H
#define EM_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"

#define EM_FOLDER_HALF	    ".tmp" /* suffix of what is not whole */
#define EM_FOLDER_NAME_SIZE sizeof("gen-4294967295" EM_FOLDER_HALF)

/* More than there will be applies. */
#define EM_FOLDER_GENERATION_MAX 2000000000U

struct em_folder {
	char *path;
	int fd;	    /* -1: there is none */
	bool stale; /* its generations do not count: they are those of another namespace */
};

/* The name of a generation's folder. */
void em_folder_name(char name[EM_FOLDER_NAME_SIZE], uint32_t generation, bool whole);

/*
 * Reports what could not be done to a file of the folder (NULL: to the folder itself), as an error
 * that is not taken for a file that is missing.
 */
int em_folder_failed(const struct em_folder *folder, struct em_diag *diag, int error,
		     const char *what, const char *name);

/*
 * Opens a file, in a folder of a generation or (NULL) in the folder itself, to be read or, anew,
 * written.  Returns NULL with errno set on failure.
 */
FILE *em_folder_open_file(const struct em_folder *folder, const char *generation, const char *name,
			  bool writes);
/* Closes one that was written; rc is what became of the writing so far, as is the result. */
int em_folder_close_file(FILE *file, int rc);

/* Whether any generation in it counts. */
bool em_folder_counts(const struct em_folder *folder);

/*
 * The highest generation that left a trace; 0: none.  Those above EM_FOLDER_GENERATION_MAX are not
 * from us.  Returns 0 or -errno, reported.
 */
int em_folder_newest(const struct em_folder *folder, uint32_t *out, struct em_diag *diag);

/* No generation, nor the leftovers of one, is in it. */
bool em_folder_is_free(const struct em_folder *folder);

/*
 * Removes what is not whole of a generation; and all generations but keep (0: all), with what runs
 * that died have left.  Both return 0, also where there was nothing, or -errno, reported.
 */
int em_folder_remove_half(const struct em_folder *folder, uint32_t generation,
			  struct em_diag *diag);
int em_folder_clean(const struct em_folder *folder, uint32_t keep, struct em_diag *diag);

#endif
