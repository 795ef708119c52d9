/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * save - changes one line of an entities file, and leaves all others as they are.
 */
#ifndef EM_SAVE_H
#define EM_SAVE_H

#include "base/replace.h"
#include "policy/edit.h"

/* A file that was written beside the one whose place it takes in the end. */
struct em_save {
	struct em_replacement file; /* stream is NULL: nothing is to be saved */
	char *path;		    /* owned */
};

/*
 * Writes the file of the format anew, with the change: its entity gets another line, a new one at
 * the end, or none.  The policy is the configuration as it was read, the name of the change is the
 * one to be written (NULL: none), and `tag` is how the user has written it.  An entity of the
 * configuration itself, and a file that several formats have, is a mistake.  Returns 0, -EM_EUSAGE
 * or -errno, reported.
 */
int em_save_begin(struct em_save *out, const struct em_policy *policy,
		  const struct em_format *format, const struct em_entity_edit *change,
		  const char *tag, struct em_diag *diag);
/* Puts the file in its place, or only removes it.  Returns 0 or -errno, reported. */
int em_save_end(struct em_save *save, bool keep, struct em_diag *diag);

#endif
