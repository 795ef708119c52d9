/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * integers - the whole numbers of a configuration as they were written.
 *
 * libconfig up to 1.5 cuts a number that does not fit into 32 bits without a word (4294967296
 * becomes 0, 0xdeadbeef a negative number), later versions widen some of them, refuse others and
 * know further spellings.  So that a number means the same with every version, the reader takes
 * only the structure from libconfig and the value from here: this scanner knows just enough of
 * the syntax (strings, comments, @include) to find every number, in the order of the text.
 *
 * On the way it reports what libconfig swallows silently: a string or comment that is never
 * closed, and a zero byte in a string.
 */
#ifndef EM_INTEGERS_H
#define EM_INTEGERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* Why a number is not simply its value, whatever the range that is asked for. */
enum em_flaw {
	EM_FLAW_NONE,
	EM_FLAW_SPELLING,    /* neither decimal nor hex: 0b11, 12ab */
	EM_FLAW_SIGN,	     /* +5, -0 */
	EM_FLAW_NEGATIVE,    /* -1 */
	EM_FLAW_NEEDS_L,     /* an L would make libconfig read all of it */
	EM_FLAW_NEEDS_BYTES, /* decimal, 2^63 to 2^64-1: only a byte string can say it */
	EM_FLAW_HUGE,	     /* more than 64 bits */
};

struct em_number {
	char *text;	/* as written; owned */
	uint64_t value; /* 0 with EM_FLAW_SPELLING, …_SIGN, …_NEGATIVE and …_HUGE */
	enum em_flaw flaw;
};

struct em_numbers {
	struct em_number *items; /* owned; in the order of the text, included files in place */
	size_t n;
};

/*
 * Reads the file at path into *text (the caller's to free, ended by a newline and NUL) and finds
 * the numbers in it and in the files it includes, which are relative to folder (NULL: the current
 * one).  Included files that cannot be read are left for libconfig to report.
 * Returns 0; -EM_EUSAGE for what libconfig would swallow, and *text is NULL where the rest of it
 * makes no sense; -ENOMEM, not reported, or -errno where the file cannot be read, and *text is
 * NULL. *out is cleared by the caller in any case.
 */
int em_numbers_read(struct em_numbers *out, char **text, const char *path, const char *folder,
		    struct em_diag *diag);

void em_numbers_clear(struct em_numbers *integers);

#endif
