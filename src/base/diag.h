/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * diag - messages for the user, and the only writer of standard error.
 *
 * An error is reported here once, where it is detected, with its place in the configuration if it
 * has one.  The caller returns the code that em_diag_error() returns:
 *
 *	return em_diag_error(diag, -EM_EUSAGE, &tag->place, "tag of %zu bytes, expected %u", …);
 *
 * main() turns the code into the exit status: 2 for -EM_EUSAGE, 3 for -EM_EUNSUPPORTED, 4 for
 * -EM_EDRIFT, and 1 for every errno.
 */
#ifndef EM_DIAG_H
#define EM_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Error codes above all errno values that the kernel can return (MAX_ERRNO, 4095, in
 * <linux/err.h>).
 */
enum em_code {
	EM_EUSAGE = 5001, /* the command line or the configuration is wrong */
	EM_EUNSUPPORTED,  /* this host does not support it */
	EM_EDRIFT,	  /* what is applied is no longer complete */
};

/* A place in a configuration or entities file. */
struct em_place {
	const char *file;  /* as given by the user; not owned; NULL: no place */
	unsigned int line; /* from 1; 0: the file as a whole */
};

/* Called for each message.  place is NULL if it has none.  Both are only valid during the call. */
typedef void em_diag_listen_fn(void *context, const struct em_place *place, const char *text);

/* How far long work has come: a line on a terminal. */
struct em_progress {
	bool terminal;	  /* there is one */
	bool shown;	  /* the line is there */
	const char *what; /* NULL: no work is going on */
	uint64_t begun;	  /* the command, and … */
	uint64_t since;	  /* … this work: em_clock_monotonic() */
	uint64_t next;	  /* when the line is to change */
};

struct em_diag {
	FILE *out;		   /* where messages go; not owned */
	unsigned int errors;	   /* reported so far */
	unsigned int warnings;	   /* reported so far */
	em_diag_listen_fn *listen; /* also called for each message; NULL: none */
	void *context;
	struct em_progress progress;
};

/* Makes a diag that reports to out (stderr in the tool, a memory stream in tests). */
void em_diag_init(struct em_diag *diag, FILE *out);

/* A diag that collects its messages, for a command that prints them as part of its result. */
struct em_diag_kept {
	struct em_diag diag;
	char *text;
	size_t size;
};

/*
 * Returns 0, or -errno if it cannot collect messages; only then em_diag_take_kept() is not needed.
 */
int em_diag_keep(struct em_diag_kept *kept);
/*
 * Ends the collection and returns the messages, without the program's name and in one line; the
 * caller frees them.  NULL: out of memory.
 */
char *em_diag_take_kept(struct em_diag_kept *kept);

/*
 * Prints "entitymux: FILE:LINE: message", or "entitymux: message" if place is NULL or names no
 * file. The message is one line, and text from outside is escaped (base/utf8.h).  Counts the
 * message and returns code unchanged.
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

#ifdef EM_ANALYSIS
/* An analyzer that sees the caller alone is told that what these return is an error. */
static inline int em_diag_negative(int rc)
{
	if (rc >= 0)
		__builtin_unreachable();
	return rc;
}

#define em_diag_error(...)  em_diag_negative(em_diag_error(__VA_ARGS__))
#define em_diag_errno(...)  em_diag_negative(em_diag_errno(__VA_ARGS__))
#define em_diag_enomem(...) em_diag_negative(em_diag_enomem(__VA_ARGS__))
#endif

/*
 * Like em_diag_error() with "warning: " before the message.  A warning does not make the command
 * fail.
 */
void em_diag_warning(struct em_diag *diag, const struct em_place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints information for the user, as "entitymux: message". */
void em_diag_note(struct em_diag *diag, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Says how far work has come that began with the first call for this `what` (static text, such as
 * "add entities"): "add entities: 43 % of 1000000, 2 s left".  On a terminal only, a second after
 * em_diag_init() at the earliest, and ten times a second at most.  The line goes where done is
 * total, and before a message.
 */
void em_diag_progress(struct em_diag *diag, const char *what, size_t done, size_t total);

/*
 * Whether an error is one of the moment: memory, descriptors, buffers or time that were short.
 * Trying again may do.
 */
bool em_error_is_passing(int rc);

#endif
