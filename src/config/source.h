/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * source - the files that a configuration consists of, opened with care: a configuration may name
 * a device or a pipe by mistake, and must not hang on it.
 */
#ifndef EM_SOURCE_H
#define EM_SOURCE_H

#include <stdio.h>

#include "base/diag.h"

/*
 * The most bytes of a configuration with all that it includes: a listener with the most entities
 * has at most 160 MB.
 */
#define EM_SOURCE_MAX (256LL << 20)

/* The path of a file that a configuration in this folder (NULL: the current one) names; or NULL. */
char *em_source_path(const char *folder, const char *name);

/*
 * Opens a regular file for reading, behind its byte order mark if it has one, and warns, with
 * `self`, where others may write to it.  A failure is reported with the place that names the file
 * and, unless it is NULL, what is wanted. Returns 0 or -errno; -ENOMEM is not reported.
 */
int em_source_open(FILE **out, const char *path, const struct em_place *self,
		   const struct em_place *named, const char *what, struct em_diag *diag);

/*
 * Reads a file opened with em_source_open(), closes it, and puts its text into *text, the caller's
 * to free.  Returns 0, or -EM_EUSAGE where it is no text, or -errno;
 * reported with the file's place, `self`, but for -ENOMEM.
 */
int em_source_read(FILE *file, const struct em_place *self, char **text, struct em_diag *diag);

#endif
