/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "base/utf8.h"

#include <string.h>

size_t em_utf8_length(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	size_t length = byte[0] < 0x80 ? 1 : byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;

	if (length == 1)
		return byte[0] ? 1 : 0;
	if (byte[0] < 0xc2 || byte[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong, surrogates, beyond U+10FFFF. */
	if ((byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xed && byte[1] > 0x9f) ||
	    (byte[0] == 0xf0 && byte[1] < 0x90) || (byte[0] == 0xf4 && byte[1] > 0x8f))
		return 0;
	return length;
}

bool em_utf8_is_control(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;

	/* The C1 controls are two bytes long. */
	return byte[0] < 0x20 || byte[0] == 0x7f || (byte[0] == 0xc2 && byte[1] < 0xa0);
}

/* Returns the length of the printable character at text; 0: there is none. */
static size_t printable_length(const char *text)
{
	/* A fast path for ASCII: there may be millions of characters. */
	if (*text >= ' ' && *text <= '~')
		return 1;
	return em_utf8_is_control(text) ? 0 : em_utf8_length(text);
}

size_t em_utf8_printable(const char *text)
{
	size_t safe = 0, length;

	while ((length = printable_length(text + safe)))
		safe += length;
	return safe;
}

void em_utf8_print(FILE *out, const char *text)
{
	for (;;) {
		size_t safe = em_utf8_printable(text);

		fwrite(text, 1, safe, out);
		text += safe;
		if (!*text)
			return;
		fprintf(out, "\\x%02x", (unsigned char)*text++);
	}
}

/* Returns the columns of a character, and its length. */
static size_t measure(const char *text, size_t *length)
{
	*length = printable_length(text);
	if (*length)
		return 1;
	*length = 1;
	return strlen("\\xHH");
}

static void print_one(FILE *out, const char *text, size_t length, size_t columns)
{
	if (columns == 1)
		fwrite(text, 1, length, out);
	else
		fprintf(out, "\\x%02x", (unsigned char)*text);
}

/* What lies between these columns as a whole. */
static void print_range(FILE *out, const char *text, size_t from, size_t to)
{
	for (size_t at = 0, length; *text && at < to; text += length) {
		const size_t columns = measure(text, &length);

		if (at >= from && at + columns <= to)
			print_one(out, text, length, columns);
		at += columns;
	}
}

void em_utf8_print_cut(FILE *out, const char *text, size_t columns)
{
	const size_t all = em_utf8_columns(text), dots = strlen("...");
	const size_t kept = columns > dots ? columns - dots : 0;

	if (all <= columns) {
		em_utf8_print(out, text);
		return;
	}
	print_range(out, text, 0, kept / 2);
	fputs("...", out);
	print_range(out, text, all - (kept - kept / 2), all);
}

size_t em_utf8_columns(const char *text)
{
	size_t columns = 0;

	while (*text) {
		size_t length;

		columns += measure(text, &length);
		text += length;
	}
	return columns;
}
