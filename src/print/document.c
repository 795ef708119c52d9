/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "print/document.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define SCHEMA 1

void em_document_init(struct em_document *document, FILE *out, bool json)
{
	*document = (struct em_document){.out = out, .json = json};
}

/* JSON. */

/* The number of leading bytes that a string can hold unescaped. */
static size_t plain_length(const char *text)
{
	size_t printable = em_utf8_printable(text);
	size_t unquoted = strcspn(text, "\"\\");

	return printable < unquoted ? printable : unquoted;
}

/* Writes the character that has to be escaped, and returns its length. */
static size_t escape(FILE *out, const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	size_t length = em_utf8_length(text);

	if (!length)
		fprintf(out, "\\\\x%02x", byte[0]);
	else if (em_utf8_is_control(text))
		fprintf(out, "\\u%04x", byte[length - 1]);
	else
		fprintf(out, "\\%c", byte[0]);
	return length ? length : 1;
}

static void quote(FILE *out, const char *text)
{
	putc('"', out);
	for (;;) {
		size_t plain = plain_length(text);

		fwrite(text, 1, plain, out);
		text += plain;
		if (!*text)
			break;
		text += escape(out, text);
	}
	putc('"', out);
}

/* Begins a line, indented by two blanks per level whose contents have their own lines. */
static void new_line(const struct em_document *document)
{
	unsigned int indent = 0;

	for (unsigned int i = 0; i < document->depth; i++)
		indent += document->levels[i].on_lines ? 2 : 0;
	fprintf(document->out, "\n%*s", (int)indent, "");
}

static void open_level(struct em_document *document, char bracket, bool on_lines)
{
	document->levels[document->depth++] = (struct em_document_level){
		.close = bracket == '{' ? '}' : ']', .on_lines = on_lines};
	putc(bracket, document->out);
}

/*
 * Writes everything before a value.  Members of the outermost object get lines of their own, and so
 * do objects in an array.  The rest stays on the line.
 */
static void begin_value(struct em_document *document, const char *key, bool object)
{
	struct em_document_level *level;

	if (!document->depth) {
		document->begun = true;
		open_level(document, '{', !document->lines);
		if (!document->lines)
			em_document_number(document, "schema", NULL, SCHEMA, "");
	}
	level = &document->levels[document->depth - 1];
	if (level->used)
		putc(',', document->out);
	level->used = true;
	if (level->close == ']' && object && !document->lines)
		level->on_lines = true;
	if (level->on_lines)
		new_line(document);
	else
		putc(' ', document->out);
	if (level->close == '}') {
		quote(document->out, key);
		fputs(": ", document->out);
	}
}

void em_document_object(struct em_document *document, const char *key)
{
	if (!document->json)
		return;
	begin_value(document, key, true);
	open_level(document, '{', false);
}

void em_document_array(struct em_document *document, const char *key)
{
	if (!document->json)
		return;
	begin_value(document, key, false);
	open_level(document, '[', false);
}

void em_document_close(struct em_document *document)
{
	const struct em_document_level *level;

	if (!document->json || !document->depth)
		return;
	level = &document->levels[--document->depth];
	if (level->on_lines)
		new_line(document);
	else
		putc(' ', document->out);
	putc(level->close, document->out);
}

void em_document_next(struct em_document *document)
{
	if (!document->depth)
		return;
	while (document->depth)
		em_document_close(document);
	putc('\n', document->out);
	document->begun = false;
}

void em_document_schema(struct em_document *document)
{
	if (document->lines)
		em_document_number(document, "schema", NULL, SCHEMA, "");
}

int em_document_end(struct em_document *document)
{
	em_document_next(document);
	errno = 0;
	if (fflush(document->out) || ferror(document->out))
		return errno ? -errno : -EIO;
	return 0;
}

/* Values. */

void em_document_string(struct em_document *document, const char *key, const char *before,
			const char *value, const char *after)
{
	if (document->json && key) {
		begin_value(document, key, false);
		if (value)
			quote(document->out, value);
		else
			fputs("null", document->out);
	} else if (!document->json && before && value) {
		fputs(before, document->out);
		em_utf8_print(document->out, value);
		fputs(after, document->out);
	}
}

void em_document_number(struct em_document *document, const char *key, const char *before,
			int64_t value, const char *after)
{
	if (document->json && key) {
		begin_value(document, key, false);
		fprintf(document->out, "%" PRId64, value);
	} else if (!document->json && before) {
		fprintf(document->out, "%s%" PRId64 "%s", before, value, after);
	}
}

void em_document_string_cell(struct em_document *document, const char *key, const char *before,
			     const char *value, unsigned int width)
{
	size_t columns = document->json ? width : em_utf8_columns(value);

	em_document_string(document, key, before, value, "");
	if (columns < width)
		fprintf(document->out, "%*s", (int)(width - columns), "");
}

void em_document_number_cell(struct em_document *document, const char *key, const char *before,
			     int64_t value, unsigned int width)
{
	if (document->json)
		em_document_number(document, key, before, value, "");
	else
		fprintf(document->out, "%s%*" PRId64, before, (int)width, value);
}

void em_document_bool(struct em_document *document, const char *key, const char *text, bool value)
{
	if (document->json && key) {
		begin_value(document, key, false);
		fputs(value ? "true" : "false", document->out);
	} else if (!document->json && text) {
		fputs(text, document->out);
	}
}

void em_document_text(struct em_document *document, const char *text)
{
	if (!document->json)
		fputs(text, document->out);
}
