/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * lines - the format of the state files.  The first line is "format N".  Each other line is a key,
 * a blank and the value.
 *
 * Different versions of entitymux may run on the same host.  A key never changes its meaning, and a
 * reader skips unknown keys.  N grows when that is not enough.
 */
#ifndef EM_LINES_H
#define EM_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct em_lines {
	FILE *in;   /* not owned */
	char *key;  /* of the last line read; valid until the next */
	char *rest; /* "": the key has no value */
	char *line; /* owned; this and the following members are private to em_lines_next() */
	size_t size;
};

/*
 * Reads the first line.  Returns 0; -EBADMSG if there is none, or if this version does not know the
 * format; or -errno of the stream.
 */
int em_lines_begin(struct em_lines *lines, unsigned int format);
/*
 * Reads the next line.  Returns 1; 0 at the end; -EBADMSG if the last line is cut off; or -errno of
 * the stream.
 */
int em_lines_next(struct em_lines *lines);
/* Frees the memory used for reading. */
void em_lines_end(struct em_lines *lines);

/* Parses a word that is a decimal number as a whole, into *out. */
bool em_lines_number(const char *word, uint64_t *out);

/* Returns the result of writing to a stream: 0 or -errno. */
int em_lines_flush(FILE *out);

#endif
