/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * replace - writes a file beside the one of this name, which it then takes the place of in one
 * step: whoever reads it sees all of the old one or all of the new one.
 */
#ifndef EM_REPLACE_H
#define EM_REPLACE_H

#include <stdbool.h>
#include <stdio.h>

struct em_replacement {
	FILE *stream; /* NULL: none has begun */
	char *path;   /* owned; a link leads to the file that is replaced */
	char *beside; /* owned */
};

/*
 * A file that is there keeps its owner and its permissions.  Returns 0, -EEXIST where there is
 * something else than a regular file, or -errno; unreported.
 */
int em_replace_begin(struct em_replacement *out, const char *path);

/*
 * Closes the stream.  Where `keep` is set and all was written, the file takes its place; otherwise
 * it is removed.  Returns 0 or -errno, unreported.
 */
int em_replace_end(struct em_replacement *replacement, bool keep);

#endif
