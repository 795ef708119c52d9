/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * scan - the text of a configuration, word by word.
 */
#include "config/scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/source.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS	"0123456789"
#define BLANKS	" \t\r\f\v"
/* The characters of a key; it begins with a letter or *. */
#define WORD "-*" LETTERS DIGITS

static struct em_scan_file *current(struct em_scanner *scanner)
{
	return &scanner->files[scanner->depth - 1];
}

static int complain(struct em_scanner *scanner, const char *message)
{
	return em_diag_error(scanner->reader->diag, -EM_EUSAGE, &current(scanner)->place, "%s",
			     message);
}

/* Goes on with the file at path, which is named at a place, as `what`. */
static int push(struct em_scanner *scanner, const char *path, const struct em_place *named,
		const char *what)
{
	struct em_diag *diag = scanner->reader->diag;
	struct em_scan_file *file = &scanner->files[scanner->depth];
	FILE *in;
	int rc;

	file->place = (struct em_place){.file = em_policy_file(scanner->reader->policy, path)};
	if (!file->place.file)
		return -ENOMEM;
	rc = em_source_open(&in, path, &file->place, named, what, diag);
	if (!rc)
		rc = em_source_read(in, &file->place, &file->text, diag);
	if (rc)
		return rc;
	file->at = file->text;
	file->place.line = 1;
	scanner->depth++;
	scanner->n_files++;
	scanner->size += strlen(file->text);
	return 0;
}

static void pop(struct em_scanner *scanner)
{
	free(current(scanner)->text);
	scanner->depth--;
}

int em_scan_begin(struct em_scanner *scanner, struct em_reader *reader, struct em_tree *tree)
{
	struct em_place place = {.file = reader->path};

	*scanner = (struct em_scanner){.reader = reader, .tree = tree};
	return push(scanner, reader->path, &place, NULL);
}

void em_scan_end(struct em_scanner *scanner)
{
	while (scanner->depth)
		pop(scanner);
}

static int skip_comment(struct em_scanner *scanner)
{
	struct em_scan_file *file = current(scanner);
	const char *end = strstr(file->at + 2, "*/");

	if (!end)
		return complain(scanner, "a comment begins here and is never closed, expected */");
	for (; file->at < end + 2; file->at++)
		file->place.line += *file->at == '\n';
	return 0;
}

/* Skips blanks and comments. */
static int skip(struct em_scanner *scanner)
{
	struct em_scan_file *file = current(scanner);
	int rc = 0;

	while (!rc) {
		file->at += strspn(file->at, BLANKS);
		if (*file->at == '\n') {
			file->place.line++;
			file->at++;
		} else if (*file->at == '#' || strncmp(file->at, "//", 2) == 0) {
			file->at += strcspn(file->at, "\n");
		} else if (strncmp(file->at, "/*", 2) == 0) {
			rc = skip_comment(scanner);
		} else {
			break;
		}
	}
	return rc;
}

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Puts what the escape stands for into *out.  Bytes of the escape, or a mistake. */
static int unescape(struct em_scanner *scanner, const char *at, char *out)
{
	static const char letters[] = "nrtf\\\"", values[] = "\n\r\t\f\\\"";
	const char *found = strchr(letters, at[1]);
	int high = at[1] == 'x' ? hex_value(at[2]) : -1;
	int low = high < 0 ? -1 : hex_value(at[3]);

	if (found && *found) {
		*out = values[found - letters];
		return 2;
	}
	if (low < 0)
		return complain(scanner, "\\ in a string, expected \\\\ for the character itself, "
					 "or one of \\\" \\n \\r \\t \\f \\xNN");
	*out = (char)(high << 4 | low);
	if (!*out)
		return complain(scanner, "\\x00 in a string, expected bytes without NUL (\"0x…\" "
					 "can say it)");
	return 4;
}

/* The quote that ends the string whose text is here, or the end of its line. */
static const char *string_end(const char *at)
{
	while (*at && *at != '"' && *at != '\n')
		at += *at == '\\' && at[1] && at[1] != '\n' ? 2 : 1;
	return at;
}

/* A string ends in its line: a missing quote is then reported where it is missing. */
static int scan_string(struct em_scanner *scanner, struct em_token *token)
{
	struct em_scan_file *file = current(scanner);
	const char *at = file->at + 1;
	const char *end = string_end(at);
	char *to;

	if (*end != '"')
		return complain(scanner, "a string begins in this line and does not end in it, "
					 "expected \"");
	to = em_tree_text(scanner->tree, (size_t)(end - at) + 1);
	if (!to)
		return -ENOMEM;
	token->type = EM_TOKEN_STRING;
	token->text = to;
	for (; at < end; to++) {
		int n = 1;

		*to = *at;
		if (*at == '\\')
			n = unescape(scanner, at, to);
		if (n < 0)
			return n;
		at += n;
	}
	*to = '\0';
	token->length = (size_t)(to - token->text);
	file->at = end + 1;
	return 0;
}

/* "5e3", "1.5": the whole of it, as libconfig has it; other text with a point is a word. */
static void scan_number(struct em_scan_file *file, struct em_token *token)
{
	const char *at = file->at + strspn(file->at, "+-");
	size_t digits = strspn(at, DIGITS);
	bool point = at[digits] == '.', exponent;

	if (point)
		digits += 1 + strspn(at + digits + 1, DIGITS);
	exponent = tolower((unsigned char)at[digits]) == 'e' &&
		   isdigit((unsigned char)at[digits + 1 + strspn(at + digits + 1, "+-")]);
	if (exponent)
		digits += 1 + strspn(at + digits + 1, "+-");
	at += digits;
	token->type = point || exponent ? EM_TOKEN_FRACTION : EM_TOKEN_NUMBER;
	if (exponent)
		at += strspn(at, DIGITS);
	else if (strchr(LETTERS ".", *at) && *at)
		token->type = point ? EM_TOKEN_WORD : EM_TOKEN_NUMBER;
	at += strspn(at, LETTERS DIGITS ".");
	token->length = (size_t)(at - file->at);
	file->at = at;
}

static int scan_token(struct em_scanner *scanner, struct em_token *token)
{
	struct em_scan_file *file = current(scanner);
	const char *at = file->at;

	*token = (struct em_token){.place = file->place, .text = at};
	if (*at == '"')
		return scan_string(scanner, token);
	if (isdigit((unsigned char)at[strspn(at, "+-.")])) {
		scan_number(file, token);
		return 0;
	}
	if (strchr(LETTERS "*", *at)) {
		token->type = EM_TOKEN_WORD;
		token->length = strspn(at, WORD);
	} else {
		token->type = EM_TOKEN_CHARACTER;
		token->length = em_utf8_length(at);
		if (!token->length)
			token->length = 1;
	}
	file->at += token->length;
	return 0;
}

/* What @include names: `what` is the whole of it, for messages. */
static int include(struct em_scanner *scanner, const struct em_token *name)
{
	struct em_place place = name->place;
	char *path, *what;
	int rc;

	if (scanner->depth == EM_SCAN_DEPTH)
		return em_diag_error(scanner->reader->diag, -EM_EUSAGE, &place,
				     "@include \"%.80s\": files that include each other %d deep, "
				     "expected fewer",
				     name->text, EM_SCAN_DEPTH);
	if (scanner->n_files == EM_SCAN_FILES || (long long)scanner->size > EM_SOURCE_MAX)
		return em_diag_error(
			scanner->reader->diag, -EM_EUSAGE, &place,
			"@include \"%.80s\": expected at most %d files and %lld bytes in all",
			name->text, EM_SCAN_FILES, EM_SOURCE_MAX);
	path = em_source_path(scanner->reader->folder, name->text);
	if (!path || asprintf(&what, "@include \"%s\"", name->text) < 0) {
		free(path);
		return -ENOMEM;
	}
	rc = push(scanner, path, &place, what);
	free(what);
	free(path);
	return rc;
}

int em_scan(struct em_scanner *scanner, struct em_token *token)
{
	int rc = skip(scanner);
	struct em_scan_file *file = current(scanner);

	if (rc)
		return rc;
	if (!*file->at && scanner->depth > 1) {
		pop(scanner);
		return em_scan(scanner, token);
	}
	if (!*file->at) {
		*token = (struct em_token){.place = file->place, .text = ""};
		/* The last line is the one before the end of the file. */
		if (file->at > file->text && file->at[-1] == '\n')
			token->place.line--;
		return 0;
	}
	if (strncmp(file->at, "@include", strlen("@include")) != 0)
		return scan_token(scanner, token);
	file->at += strlen("@include");
	file->at += strspn(file->at, BLANKS);
	if (*file->at != '"')
		return complain(scanner, "@include: expected the path of a file, in quotes");
	rc = scan_token(scanner, token);
	if (!rc)
		rc = include(scanner, token);
	return rc ? rc : em_scan(scanner, token);
}
