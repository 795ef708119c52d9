/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * lines - the form of the files in which state is kept: the first line is "format N", and each line
 * a key, a blank and the rest.
 *
 * Another version of entitymux may run on the same host.  A key keeps its meaning for good, and who
 * reads skips the keys that it does not know.  N grows when that would be wrong.
 */
#ifndef EM_LINES_H
#define EM_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct em_lines {
	FILE *in;   /* not owned */
	char *key;  /* of the line that was read last; valid until the next */
	char *rest; /* "": nothing comes behind the key */
	char *line; /* owned, like what follows for em_lines_next() alone */
	size_t size;
};

/*
 * Reads the first line.  Returns 0; -EBADMSG where there is none, or a format that this version
 * does not know; or -errno of the stream.
 */
int em_lines_begin(struct em_lines *lines, unsigned int format);
/* Returns 1; 0 at the end; -EBADMSG where the last line is cut off; or -errno of the stream. */
int em_lines_next(struct em_lines *lines);
/* Frees what reading took. */
void em_lines_end(struct em_lines *lines);

/* All of a word is a decimal number, which is written to *out. */
bool em_lines_number(const char *word, uint64_t *out);

/* What became of a stream that was written to: 0 or -errno. */
int em_lines_flush(FILE *out);

#endif
