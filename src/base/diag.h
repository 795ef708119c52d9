/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * diag - what the tool has to say to a person, and the only writer of standard error.
 *
 * Whoever detects an error reports it here once, with its place in the configuration where it has
 * one, and returns the code that em_diag_error() hands back:
 *
 *	return em_diag_error(diag, -EM_EUSAGE, &tag->place, "tag of %zu bytes, expected %u", …);
 *
 * The code is what main() turns into the exit status: -EM_EUSAGE is 2, -EM_EUNSUPPORTED is 3,
 * -EM_EDRIFT is 4, and every errno is 1.
 */
#ifndef EM_DIAG_H
#define EM_DIAG_H

#include <stdio.h>

/* Codes beyond every errno that the kernel can return (MAX_ERRNO, 4095, in <linux/err.h>). */
enum em_code {
	EM_EUSAGE = 5001, /* the command line or the configuration is wrong */
	EM_EUNSUPPORTED,  /* this host cannot carry it */
	EM_EDRIFT,	  /* something is to be seen: what is applied is no longer whole */
};

/* A place in a configuration or entities file. */
struct em_place {
	const char *file;  /* as the user named it; not owned; NULL: no place to name */
	unsigned int line; /* from 1; 0: the file as a whole */
};

/* Is told each message; place is NULL where it has none.  Both are gone afterwards. */
typedef void em_diag_listen_fn(void *context, const struct em_place *place, const char *text);

struct em_diag {
	FILE *out;		   /* where messages go; not owned */
	unsigned int errors;	   /* reported so far */
	unsigned int warnings;	   /* reported so far */
	em_diag_listen_fn *listen; /* is told each message as well; NULL: nobody is */
	void *context;
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
 * file) in one line, text from outside shown safely (base/utf8.h); counts it, and returns code
 * unchanged.
 */
int em_diag_error(struct em_diag *diag, int code, const struct em_place *place, const char *format,
		  ...) __attribute__((format(printf, 4, 5)));

/*
 * The common form for an errno: "what could not be done: strerror(-rc)".  rc is a negative errno,
 * returned unchanged.
 */
int em_diag_errno(struct em_diag *diag, int rc, const struct em_place *place, const char *format,
		  ...) __attribute__((format(printf, 4, 5)));

/* Reports that memory has run out.  Returns -ENOMEM. */
int em_diag_enomem(struct em_diag *diag);

/* Like em_diag_error() with "warning: " before the message; nothing fails because of it. */
void em_diag_warning(struct em_diag *diag, const struct em_place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A line of information for a person, as "entitymux: message". */
void em_diag_note(struct em_diag *diag, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
