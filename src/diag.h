/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag - what the tool has to say to a person, and the only writer of standard error.
 *
 * Whoever detects an error reports it here once, with its place in the configuration where it has
 * one, and returns the code that em_diag_error() hands back:
 *
 *	return em_diag_error(diag, -EBADMSG, &tag->place, "tag of %zu bytes, expected %u", …);
 *
 * The code is what main() turns into the exit status: -EBADMSG (usage or configuration) is 2,
 * -EOPNOTSUPP (this host cannot carry it) is 3, -ESTALE (applied but no longer whole) is 4, any
 * other is 1.  An errno of the kernel that happens to be one of these is translated by whoever talks
 * to the kernel.
 */
#ifndef EM_DIAG_H
#define EM_DIAG_H

#include <stdio.h>

/* A place in a configuration or entities file. */
struct em_place {
	const char *file;  /* as the user named it; not owned; NULL: no place to name */
	unsigned int line; /* from 1; 0: the file as a whole */
};

struct em_diag {
	FILE *out;	       /* where messages go; not owned */
	unsigned int errors;   /* reported so far */
	unsigned int warnings; /* reported so far */
};

/* Reports to out (stderr in the tool, a memory stream in tests). */
void em_diag_init(struct em_diag *diag, FILE *out);

/* A diag whose messages are kept, for a command whose result they are a part of. */
struct em_diag_kept {
	struct em_diag diag;
	char *text;
	size_t size;
};

/* Returns 0, or -errno where nothing can be kept.  Then, and only then, there is nothing to end. */
int em_diag_keep(struct em_diag_kept *kept);
/*
 * Ends it: the messages, without the program's name and in one line, in memory of the caller's.
 * NULL: out of memory.
 */
char *em_diag_take_kept(struct em_diag_kept *kept);

/*
 * Prints "entitymux: FILE:LINE: message" (or "entitymux: message" where place is NULL or names no
 * file), counts it, and returns code unchanged.
 */
int em_diag_error(struct em_diag *diag, int code, const struct em_place *place, const char *format,
		  ...) __attribute__((format(printf, 4, 5)));

/* The same with "warning: " before the message; nothing fails because of it. */
void em_diag_warning(struct em_diag *diag, const struct em_place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A line of information for a person, as "entitymux: message". */
void em_diag_note(struct em_diag *diag, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
