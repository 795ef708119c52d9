/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "print/document.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/utf8.h"
#include "print/human.h"

#define SCHEMA	   1
#define COUNT_SIZE 24

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static bool is_dumb(void)
{
	return !is_set("TERM") || !strcmp(getenv("TERM"), "dumb");
}

void em_document_init(struct em_document *document, FILE *out, bool json)
{
	int fd = json ? -1 : fileno(out);

	*document = (struct em_document){.out = out, .json = json};
	document->terminal = fd >= 0 && isatty(fd);
	document->colour = document->terminal && !is_set("NO_COLOR") && !is_dumb();
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
	putc_unlocked('"', out);
	for (;;) {
		size_t plain = plain_length(text);

		fwrite_unlocked(text, 1, plain, out);
		text += plain;
		if (!*text)
			break;
		text += escape(out, text);
	}
	putc_unlocked('"', out);
}

static void put_number(FILE *out, int64_t value)
{
	char text[EM_DECIMAL_MAX];

	if (value < 0)
		putc_unlocked('-', out);
	fputs_unlocked(em_decimal(value < 0 ? -(uint64_t)value : (uint64_t)value, text), out);
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
 * do objects in an array.  The rest stays on the line.  A key is a word of ours: nothing in it has
 * to be escaped.
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
		putc_unlocked(',', document->out);
	level->used = true;
	if (level->close == ']' && object && !document->lines)
		level->on_lines = true;
	if (level->on_lines)
		new_line(document);
	else
		putc_unlocked(' ', document->out);
	if (level->close == '}') {
		putc_unlocked('"', document->out);
		fputs_unlocked(key, document->out);
		fputs_unlocked("\": ", document->out);
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
		put_number(document->out, value);
	} else if (!document->json && before) {
		fprintf(document->out, "%s%" PRId64 "%s", before, value, after);
	}
}

void em_document_tenths(struct em_document *document, const char *key, uint64_t tenths)
{
	if (!document->json)
		return;
	begin_value(document, key, false);
	fprintf(document->out, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
}

static const char *format_count(const struct em_document *document, int64_t value,
				char text[COUNT_SIZE])
{
	if (document->terminal)
		em_human_count(text, value);
	else
		snprintf(text, COUNT_SIZE, "%" PRId64, value);
	return text;
}

void em_document_count(struct em_document *document, const char *key, const char *before,
		       int64_t value, const char *after)
{
	char text[COUNT_SIZE];

	if (document->json)
		em_document_number(document, key, before, value, after);
	else
		fprintf(document->out, "%s%s%s", before, format_count(document, value, text),
			after);
}

unsigned int em_document_count_width(const struct em_document *document, int64_t value)
{
	char text[COUNT_SIZE];

	return (unsigned int)strlen(format_count(document, value, text));
}

void em_document_count_cell(struct em_document *document, const char *key, const char *before,
			    int64_t value, unsigned int width)
{
	unsigned int columns = em_document_count_width(document, value);

	if (!document->json)
		fprintf(document->out, "%s%*s", before,
			width > columns ? (int)(width - columns) : 0, "");
	em_document_count(document, key, "", value, "");
}

void em_document_style(struct em_document *document, enum em_document_style style)
{
	static const char *const codes[] = {"\033[0m", "\033[1m", "\033[33m"};

	if (document->colour)
		fputs(codes[style], document->out);
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
