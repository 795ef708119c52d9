/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * document - the result of a command, described once and printed as text or as JSON.
 *
 * Each value is given with its key in JSON, and with the text around it in the text form:
 *
 *	em_document_string(out, "config", "config:      ", path, "\n");
 *
 * A value without a key is printed in text only.  A value without text before it is printed in JSON
 * only, and so are objects and arrays.  An element of an array has EM_DOCUMENT_ELEMENT as its key.
 * Strings may hold any bytes: control characters and invalid UTF-8 are escaped, see base/utf8.h.
 * Values are written at once, so a document may have millions of them.
 *
 * In JSON the first value opens the outermost object, with "schema": 1.  With `lines` it does so
 * without: there the last document has it, for all of them.
 */
#ifndef EM_DOCUMENT_H
#define EM_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define EM_DOCUMENT_DEPTH_MAX 8

struct em_document_level {
	char close;    /* the bracket that ends it */
	bool used;     /* it is not empty */
	bool on_lines; /* its contents have lines of their own */
};

struct em_document {
	FILE *out; /* not owned */
	bool json; /* else text */
	/* Text: on a terminal, where large counters are short, and the same in colour. */
	bool terminal;
	bool colour;
	/* JSON: several documents, each in a line of its own; see em_document_next(). */
	bool lines;
	/* JSON: the open objects and arrays; none before the first value. */
	struct em_document_level levels[EM_DOCUMENT_DEPTH_MAX];
	unsigned int depth;
	bool begun; /* JSON: there has been a value */
	/* What the command has done, for when this cannot be written; NULL: nothing.  Not owned. */
	const char *done;
};

/* The key of an element of an array. */
#define EM_DOCUMENT_ELEMENT ""

/* There is colour on a terminal unless NO_COLOR is set, see https://no-color.org, or TERM is dumb.
 */
void em_document_init(struct em_document *document, FILE *out, bool json);
/* Ends the document, if one has begun.  Returns 0, or -errno of the stream. */
int em_document_end(struct em_document *document);

/* With `lines`: ends the document; the next value begins another one.  Text is left alone. */
void em_document_next(struct em_document *document);
/* With `lines`: begins a document that has "schema", as others always do. */
void em_document_schema(struct em_document *document);

void em_document_object(struct em_document *document, const char *key);
void em_document_array(struct em_document *document, const char *key);
/* Closes the innermost of them. */
void em_document_close(struct em_document *document);

/* NULL is null in JSON.  In text it prints nothing, and the text around it is left out too. */
void em_document_string(struct em_document *document, const char *key, const char *before,
			const char *value, const char *after);
void em_document_number(struct em_document *document, const char *key, const char *before,
			int64_t value, const char *after);
/* A number with one decimal place, only in JSON; `tenths` is not negative. */
void em_document_tenths(struct em_document *document, const char *key, uint64_t tenths);
/* A counter: the number, but short on a terminal, see human.h. */
void em_document_count(struct em_document *document, const char *key, const char *before,
		       int64_t value, const char *after);
void em_document_count_cell(struct em_document *document, const char *key, const char *before,
			    int64_t value, unsigned int width);
/* The columns that it takes. */
unsigned int em_document_count_width(const struct em_document *document, int64_t value);

/* Like the functions above, as a cell of a table: strings are aligned left, numbers right. */
void em_document_string_cell(struct em_document *document, const char *key, const char *before,
			     const char *value, unsigned int width);
void em_document_number_cell(struct em_document *document, const char *key, const char *before,
			     int64_t value, unsigned int width);
/* text is the form of this value for users. */
void em_document_bool(struct em_document *document, const char *key, const char *text, bool value);

/* What follows is in bold, or in the colour of what deserves a look, where there is colour. */
enum em_document_style { EM_DOCUMENT_PLAIN, EM_DOCUMENT_BOLD, EM_DOCUMENT_YELLOW };
void em_document_style(struct em_document *document, enum em_document_style style);

/* Text for users only.  It must not contain strings from outside. */
void em_document_text(struct em_document *document, const char *text);

#endif
