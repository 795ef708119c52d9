/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * integers - the whole numbers of a configuration as they were written.
 */
#include "config/numbers.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* MAX_INCLUDE_DEPTH of libconfig, 1.5 to 1.8. */
#define DEPTH_MAX 10
#define CHUNK	  65536
/* What a key consists of. */
#define WORD "-_*0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

#define NUL_BYTE "a NUL byte in it, expected a text file"

struct scanner {
	struct em_numbers *integers;
	const char *folder;
	struct em_diag *diag;
	struct em_place place;
	const char *start; /* of the text of this file */
	const char *at;
	unsigned int depth;
	bool mistaken; /* something was reported */
};

static int scan(struct scanner *scanner);

static int load_descriptor(int descriptor, char **text)
{
	size_t size = 0, capacity = CHUNK;
	char *buffer = malloc(capacity);

	while (buffer) {
		ssize_t n = read(descriptor, buffer + size, capacity - size - 2);
		int error = n < 0 ? errno : 0;
		char *grown;

		if (n < 0 && error == EINTR)
			continue;
		if (n < 0 || memchr(buffer + size, '\0', (size_t)n)) {
			free(buffer);
			return n < 0 ? -error : -EILSEQ;
		}
		size += (size_t)n;
		if (n == 0) {
			/* libconfig takes a comment in the last line for a mistake without it. */
			memcpy(buffer + size, "\n", 2);
			*text = buffer;
			return 0;
		}
		if (capacity - size >= CHUNK / 2)
			continue;
		capacity *= 2;
		grown = realloc(buffer, capacity);
		if (!grown)
			free(buffer);
		buffer = grown;
	}
	return -ENOMEM;
}

/* -EILSEQ: it holds a NUL byte. */
static int load(const char *path, char **text)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	int error;

	if (descriptor < 0)
		return -errno;
	error = load_descriptor(descriptor, text);
	close(descriptor);
	return error;
}

static enum em_flaw judge_decimal(const char *text, bool wide, uint64_t *value)
{
	errno = 0;
	*value = strtoull(text, NULL, 10);
	if (errno == ERANGE)
		return EM_FLAW_HUGE;
	if (*value > INT64_MAX)
		return EM_FLAW_NEEDS_BYTES;
	return *value > INT32_MAX && !wide ? EM_FLAW_NEEDS_L : EM_FLAW_NONE;
}

static enum em_flaw judge_hex(const char *text, bool wide, uint64_t *value)
{
	errno = 0;
	*value = strtoull(text, NULL, 16);
	if (errno == ERANGE)
		return EM_FLAW_HUGE;
	return *value > UINT32_MAX && !wide ? EM_FLAW_NEEDS_L : EM_FLAW_NONE;
}

static enum em_flaw judge(const char *text, uint64_t *value)
{
	size_t length = strlen(text);
	size_t digits = strspn(text, "+-0123456789");
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	bool wide = text[length - 1] == 'L';
	enum em_flaw flaw;

	*value = 0;
	if (hex)
		digits = 2 + strspn(text + 2, "0123456789abcdefABCDEF");
	if ((hex && digits == 2) || strspn(text + digits, "L") != length - digits ||
	    length - digits > 2)
		return EM_FLAW_SPELLING;
	if (text[0] == '-' || text[0] == '+')
		return text[0] == '-' && text[1 + strspn(text + 1, "0")] != '\0' ? EM_FLAW_NEGATIVE
										 : EM_FLAW_SIGN;
	flaw = hex ? judge_hex(text, wide, value) : judge_decimal(text, wide, value);
	if (flaw == EM_FLAW_HUGE)
		*value = 0;
	return flaw;
}

static int append(struct em_numbers *integers, const char *text, size_t length)
{
	struct em_number *items = integers->items;
	struct em_number *item;

	if ((integers->n & (integers->n - 1)) == 0) {
		size_t capacity = integers->n ? integers->n * 2 : 1;

		items = reallocarray(items, capacity, sizeof(*items));
		if (!items)
			return -ENOMEM;
		integers->items = items;
	}
	item = &items[integers->n];
	item->text = strndup(text, length);
	if (!item->text)
		return -ENOMEM;
	item->flaw = judge(item->text, &item->value);
	integers->n++;
	return 0;
}

/* A fraction is no whole number and takes no part; all else that begins like a number does. */
static int number(struct scanner *scanner)
{
	const char *start = scanner->at;
	const char *end = start + strspn(start, "+-");
	bool fraction = false;

	end += strspn(end, "0123456789");
	if (*end == '.' || ((*end == 'e' || *end == 'E') && end[1 + strspn(end + 1, "+-")] >= '0' &&
			    end[1 + strspn(end + 1, "+-")] <= '9')) {
		fraction = true;
		if (*end == '.')
			end += 1 + strspn(end + 1, "0123456789");
		if (*end == 'e' || *end == 'E')
			end += 1 + strspn(end + 1, "+-");
	}
	while (isalnum((unsigned char)*end) || *end == '_')
		end++;
	scanner->at = end > start ? end : start + 1;
	return fraction ? 0 : append(scanner->integers, start, (size_t)(end - start));
}

static int complain(struct scanner *scanner, unsigned int line, const char *message)
{
	struct em_place place = {.file = scanner->place.file, .line = line};

	em_diag_error(scanner->diag, -EM_EUSAGE, &place, "%s", message);
	scanner->mistaken = true;
	return -EM_EUSAGE;
}

static int comment(struct scanner *scanner)
{
	const char *end = strstr(scanner->at + 2, "*/");

	if (!end)
		return complain(scanner, scanner->place.line,
				"a comment begins here and is never closed, expected */");
	for (; scanner->at < end + 2; scanner->at++)
		scanner->place.line += *scanner->at == '\n';
	return 0;
}

static bool is_zero_escape(const char *at)
{
	return at[0] == '\\' && (at[1] == 'x' || at[1] == 'X') && at[2] == '0' && at[3] == '0';
}

static int string(struct scanner *scanner)
{
	unsigned int line = scanner->place.line;
	const char *at = scanner->at + 1;

	for (; *at && *at != '"'; at++) {
		if (is_zero_escape(at))
			(void)complain(
				scanner, scanner->place.line,
				"\\x00 in a string, expected bytes without NUL (\"0x…\" can say "
				"it)");
		if (*at == '\\' && (at[1] == '\\' || at[1] == '"'))
			at++;
		scanner->place.line += *at == '\n';
	}
	if (!*at)
		return complain(scanner, line,
				"a string begins here and is never closed, expected \"");
	scanner->at = at + 1;
	return 0;
}

/* The path of an @include at the start of this line, and where its text ends; else NULL. */
static char *include_path(const struct scanner *scanner, const char **end)
{
	const char *at = scanner->at;
	char *path;
	char *to;

	if (at != scanner->start && at[-1] != '\n')
		return NULL;
	at += strspn(at, " \t");
	if (strncmp(at, "@include", strlen("@include")) != 0)
		return NULL;
	at += strlen("@include");
	if (!strspn(at, " \t") || at[strspn(at, " \t")] != '"')
		return NULL;
	at += strspn(at, " \t") + 1;
	path = to = malloc(strlen(at) + 1);
	if (!path)
		return NULL;
	for (; *at && *at != '"'; at++) {
		if (*at == '\\' && (at[1] == '\\' || at[1] == '"'))
			at++;
		*to++ = *at;
	}
	*to = '\0';
	*end = *at ? at + 1 : at;
	return path;
}

/* -ECANCELED: libconfig is going to refuse it, so that the rest of the text does not matter. */
static int include(struct scanner *scanner, const char *name)
{
	struct scanner inner = *scanner;
	char *path = NULL;
	char *text = NULL;
	int error;

	if (scanner->depth == DEPTH_MAX)
		return -ECANCELED;
	if (asprintf(&path, "%s%s%s", scanner->folder && *name != '/' ? scanner->folder : "",
		     scanner->folder && *name != '/' ? "/" : "", name) < 0)
		return -ENOMEM;
	inner.place = (struct em_place){.file = path};
	inner.depth++;
	error = load(path, &text);
	inner.start = inner.at = text;
	if (error == -EILSEQ)
		error = complain(&inner, 0, NUL_BYTE);
	else
		error = error ? -ECANCELED : scan(&inner);
	scanner->mistaken = inner.mistaken;
	free(text);
	free(path);
	return error;
}

static int line_start(struct scanner *scanner)
{
	const char *end = NULL;
	char *path = include_path(scanner, &end);
	int error;

	if (!path)
		return 0;
	scanner->at = end;
	error = include(scanner, path);
	free(path);
	return error;
}

static int token(struct scanner *scanner)
{
	const char *at = scanner->at;

	if (*at == '#' || (at[0] == '/' && at[1] == '/')) {
		scanner->at += strcspn(at, "\n");
	} else if (at[0] == '/' && at[1] == '*') {
		return comment(scanner);
	} else if (*at == '"') {
		return string(scanner);
	} else if (isalpha((unsigned char)*at) || *at == '*') {
		scanner->at += strspn(at, WORD);
	} else if (isdigit((unsigned char)*at) || *at == '.' ||
		   ((*at == '+' || *at == '-') &&
		    (isdigit((unsigned char)at[1]) || at[1] == '.'))) {
		return number(scanner);
	} else {
		scanner->at++;
	}
	return 0;
}

static int scan(struct scanner *scanner)
{
	int error = 0;

	scanner->place.line = 1;
	while (!error && *scanner->at) {
		error = line_start(scanner);
		if (!error && *scanner->at == '\n') {
			scanner->place.line++;
			scanner->at++;
		} else if (!error && *scanner->at) {
			error = token(scanner);
		}
	}
	return error;
}

int em_numbers_read(struct em_numbers *out, char **text, const char *path, const char *folder,
		    struct em_diag *diag)
{
	struct scanner scanner = {.integers = out, .folder = folder, .diag = diag};
	struct em_place place = {.file = path};
	int error;

	*out = (struct em_numbers){0};
	*text = NULL;
	error = load(path, text);
	if (error == -EILSEQ)
		return em_diag_error(diag, -EM_EUSAGE, &place, NUL_BYTE);
	if (error)
		return error == -ENOMEM
			       ? error
			       : em_diag_error(diag, error, &place, "%s", strerror(-error));
	scanner.place = place;
	scanner.start = scanner.at = *text;
	error = scan(&scanner);
	if (error == -EM_EUSAGE || error == -ENOMEM) {
		free(*text);
		*text = NULL;
		return error;
	}
	return scanner.mistaken ? -EM_EUSAGE : 0;
}

void em_numbers_clear(struct em_numbers *integers)
{
	for (size_t i = 0; i < integers->n; i++)
		free(integers->items[i].text);
	free(integers->items);
	*integers = (struct em_numbers){0};
}
