/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * document - the result of a command, described once and printed as text or as JSON.
 *
 * Each value comes with its key in the JSON document and with the text around it that people see:
 *
 *	em_document_string(out, "config", "config:      ", path, "\n");
 *
 * A value without a key is for people only, one without text before it for programs only.  Objects
 * and arrays are there for programs only; what is in an array has EM_DOCUMENT_ELEMENT as its key.
 * Strings may hold any bytes: control characters and what is no UTF-8 are shown safely, see
 * base/utf8.h.  Values are written as they come, so a document may have millions of them.
 *
 * In JSON the first value opens the outermost object, with "schema": 1.
 */
#ifndef EM_DOCUMENT_H
#define EM_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define EM_DOCUMENT_DEPTH_MAX 8

struct em_document_level {
	char close;    /* the bracket that ends it */
	bool used;     /* there is something in it */
	bool on_lines; /* what is in it stands on lines of its own */
};

struct em_document {
	FILE *out; /* not owned */
	bool json; /* else text */
	/* JSON: the objects and arrays that are open; none before the first value. */
	struct em_document_level levels[EM_DOCUMENT_DEPTH_MAX];
	unsigned int depth;
	bool begun; /* JSON: there has been a value */
};

/* The key of an element of an array. */
#define EM_DOCUMENT_ELEMENT ""

void em_document_init(struct em_document *document, FILE *out, bool json);
/* Ends a document that has begun, if there is one.  Returns 0, or -errno of the stream. */
int em_document_end(struct em_document *document);

void em_document_object(struct em_document *document, const char *key);
void em_document_array(struct em_document *document, const char *key);
/* Closes the innermost of them. */
void em_document_close(struct em_document *document);

/* NULL is null in JSON, and nothing in text, not even what is around it. */
void em_document_string(struct em_document *document, const char *key, const char *before,
			const char *value, const char *after);
void em_document_number(struct em_document *document, const char *key, const char *before,
			int64_t value, const char *after);
/* The same as a cell of a table: strings are aligned left, numbers right. */
void em_document_string_cell(struct em_document *document, const char *key, const char *before,
			     const char *value, unsigned int width);
void em_document_number_cell(struct em_document *document, const char *key, const char *before,
			     int64_t value, unsigned int width);
/* text is how people see this value of it. */
void em_document_bool(struct em_document *document, const char *key, const char *text, bool value);

/* What is for people only, with nothing from outside in it. */
void em_document_text(struct em_document *document, const char *text);

#endif
