/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * scan - the text of a configuration, word by word: comments are left out, the text of included
 * files takes the place of their @include.
 */
#ifndef EM_SCAN_H
#define EM_SCAN_H

#include <stddef.h>

#include "base/diag.h"
#include "config/reader.h"
#include "config/tree.h"

/* Files that include each other. */
#define EM_SCAN_DEPTH 10
/* The most files in all: a few that include each other twice would be thousands. */
#define EM_SCAN_FILES 1000

enum em_token_type {
	EM_TOKEN_END,
	EM_TOKEN_WORD,	   /* a key, true, false, or a string without its quotes */
	EM_TOKEN_NUMBER,   /* begins with a digit; whether it is one is not known yet */
	EM_TOKEN_FRACTION, /* 1.5, 5e3 */
	EM_TOKEN_STRING,
	EM_TOKEN_CHARACTER, /* anything else, of UTF-8 a whole one */
};

struct em_token {
	enum em_token_type type;
	struct em_place place;
	const char *
		text; /* as written, until the next token is read; a string's belongs to the tree */
	size_t length; /* bytes of text */
};

struct em_scanner {
	struct em_reader *reader;
	struct em_tree *tree; /* gets the strings */
	struct em_scan_file {
		char *text;
		const char *at;
		struct em_place place;
	} files[EM_SCAN_DEPTH]; /* the one that is read is the last */
	unsigned int depth;	/* how many there are */
	unsigned int n_files;	/* opened so far */
	size_t size;		/* of all of them */
};

/* Begins with the file of the reader.  em_scan_end() is called in any case. */
int em_scan_begin(struct em_scanner *scanner, struct em_reader *reader, struct em_tree *tree);
void em_scan_end(struct em_scanner *scanner);

/* The next token.  Returns 0, or a code as the functions of reader.h do; EM_TOKEN_END stays. */
int em_scan(struct em_scanner *scanner, struct em_token *token);

#endif
