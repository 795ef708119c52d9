/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * entities - an entities file, lines of `tag,port[,name]`, read into a format.
 */
#include "config/entities.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/source.h"

/* The longest line that is no comment; the longest useful one has 143 bytes. */
#define LINE_MAX_BYTES 1023
/* A file of the wrong kind must not cause a message for each of its lines. */
#define MISTAKES_SHOWN 20
#define BLANK	       " \t"

struct reader {
	FILE *in;
	struct em_format *format;
	struct em_diag *diag;
	struct em_place place;
	unsigned int mistakes;
	char line[LINE_MAX_BYTES + 1];
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int hex_parse(const char *text, uint8_t *bytes, size_t size, const char **expected)
{
	size_t length = strlen(text);

	*expected = "an even number of hex digits after 0x";
	if (text[strspn(text, "0123456789abcdefABCDEF")] || length % 2)
		return -1;
	for (size_t i = 0; i < length / 2 && i < size; i++)
		bytes[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
	return (int)(length / 2);
}

static int pairs_parse(const char *text, uint8_t *bytes, size_t size, const char **expected)
{
	size_t n = (strlen(text) + 1) / 3;

	*expected = EM_EXPECTED_BYTES;
	for (size_t i = 0; i < n; i++, text += 3) {
		if (hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0 ||
		    text[2] != (i + 1 < n ? ':' : '\0'))
			return -1;
		if (i < size)
			bytes[i] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
	}
	return n < 2 ? -1 : (int)n;
}

int em_bytes_parse(const char *text, uint8_t *bytes, size_t size, const char **expected)
{
	int length;

	if (strncmp(text, "0x", 2) == 0) {
		length = hex_parse(text + 2, bytes, size, expected);
	} else if (strncmp(text, "text:", 5) == 0) {
		length = (int)strlen(text + 5);
		memcpy(bytes, text + 5, (size_t)length < size ? (size_t)length : size);
	} else {
		return pairs_parse(text, bytes, size, expected);
	}
	if (length == 0) {
		*expected = "at least one byte after 0x or text:";
		return -1;
	}
	return length;
}

const char *em_entity_name_check(const char *name)
{
	const char *text = name;
	size_t length = strlen(name);

	if (length < 1 || length > EM_ENTITY_NAME_MAX)
		return "a name of 1-64 bytes";
	while (*text) {
		size_t bytes = em_utf8_length(text);

		if (!bytes)
			return "a name in UTF-8";
		if (em_utf8_is_control(text) || *text == '"' || *text == '\\')
			return "a name without control characters, double quotes and backslashes";
		text += bytes;
	}
	if (name[0] == ' ' || name[length - 1] == ' ')
		return "a name without blanks at its ends";
	return NULL;
}

int em_entities_append(struct em_format *format, const struct em_entity *entity)
{
	size_t n = format->n_entities;
	struct em_entity *entities = format->entities;

	if (n == EM_ENTITIES_MAX) {
		em_entity_clear(entity);
		return -E2BIG;
	}
	if ((n & (n - 1)) == 0) {
		entities = reallocarray(entities, n ? n * 2 : 1, sizeof(*entities));
		if (!entities) {
			em_entity_clear(entity);
			return -ENOMEM;
		}
		format->entities = entities;
	}
	entities[n] = *entity;
	format->n_entities++;
	return 0;
}

static void mistake(struct reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void mistake(struct reader *reader, const char *format, ...)
{
	char message[256];
	va_list arguments;

	if (reader->mistakes++ >= MISTAKES_SHOWN)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	em_diag_error(reader->diag, -EM_EUSAGE, &reader->place, "%s", message);
}

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, BLANK);
	length = strlen(text);
	while (length && strchr(BLANK, text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/*
 * The next line, trimmed; "" for one that says nothing or was reported; NULL at the end, or where
 * the file is none of text.
 */
static char *next_line(struct reader *reader)
{
	size_t length = 0;
	char *line;
	int c;

	while ((c = getc_unlocked(reader->in)) != EOF && c != '\n') {
		if (c == '\0') {
			reader->place.line++;
			mistake(reader, "a NUL byte, expected a text file");
			return NULL;
		}
		if (length < LINE_MAX_BYTES)
			reader->line[length] = (char)c;
		length++;
	}
	if (c == EOF && length == 0)
		return NULL;
	reader->place.line++;
	reader->line[length < LINE_MAX_BYTES ? length : LINE_MAX_BYTES] = '\0';
	if (length && length <= LINE_MAX_BYTES && reader->line[length - 1] == '\r')
		reader->line[length - 1] = '\0';
	line = trim(reader->line);
	if (*line != '#' && length > LINE_MAX_BYTES)
		mistake(reader, "a line of %zu bytes, expected at most %d", length, LINE_MAX_BYTES);
	else if (*line != '#')
		return line;
	*line = '\0';
	return line;
}

/* The field up to the next comma; the rest is left behind it. */
static char *field(char **rest)
{
	return trim(strsep(rest, ","));
}

/* Whether what it covers is known. */
static bool parse_tag(struct reader *reader, const char *text, struct em_cover *out)
{
	unsigned int wanted = reader->format->tag.length;
	const char *expected;
	int length = em_tag_parse(reader->format, text, out, &expected);

	if (length < 0)
		mistake(reader, "tag: \"%.40s\": expected %s", text, expected);
	else if (wanted && (unsigned int)length != wanted)
		mistake(reader, "tag: %d bytes, expected %u (the length of the tag)", length,
			wanted);
	else
		return wanted != 0;
	return false;
}

static void parse_action(struct reader *reader, const char *text, struct em_action *action)
{
	if (em_action_parse(action, text))
		return;
	if (!*text || text[strspn(text, "0123456789")])
		mistake(reader, "port: \"%.40s\": expected pass, drop or a port 1-65535 in decimal",
			text);
	else
		mistake(reader, "port: %.40s is out of range, expected pass, drop or 1-65535",
			text);
}

static const char *parse_name(struct reader *reader, const char *text)
{
	const char *expected = *text ? em_entity_name_check(text) : NULL;

	if (expected)
		mistake(reader, "name: \"%.80s\": expected %s", text, expected);
	return expected || !*text ? NULL : text;
}

static int parse_line(struct reader *reader, char *line)
{
	struct em_entity entity = {.place = reader->place};
	struct em_cover cover;
	const char *tag_text = field(&line);
	const char *name = NULL;
	bool known;

	if (!line) {
		mistake(reader, "\"%.40s\": expected tag,port or tag,port,name", tag_text);
		return 0;
	}
	known = parse_tag(reader, tag_text, &cover);
	parse_action(reader, field(&line), &entity.action);
	if (line)
		name = parse_name(reader, trim(line));
	if (!known)
		return 0;
	if (em_entity_set(&entity, name, &cover))
		return -ENOMEM;
	/* An entity with a wrong port is kept all the same: its tag may be a duplicate. */
	return em_entities_append(reader->format, &entity);
}

static int read_lines(struct reader *reader)
{
	char *line;

	while ((line = next_line(reader))) {
		int rc = *line ? parse_line(reader, line) : 0;

		if (rc == -E2BIG)
			mistake(reader, "one entity too many, expected at most %d in a listener",
				EM_ENTITIES_MAX);
		if (rc)
			return rc == -E2BIG ? 0 : rc;
	}
	return ferror(reader->in) ? -errno : 0;
}

int em_entities_read(struct em_policy *policy, struct em_format *format, const char *path,
		     const struct em_place *named, struct em_diag *diag)
{
	struct reader reader = {.format = format, .diag = diag};
	char *what;
	int rc;

	reader.place.file = em_policy_file(policy, path);
	format->entities_file = reader.place.file;
	if (!reader.place.file || asprintf(&what, "entities_file: %s", path) < 0)
		return -ENOMEM;
	rc = em_source_open(&reader.in, path, &reader.place, named, what, diag);
	if (!rc) {
		rc = read_lines(&reader);
		if (rc && rc != -ENOMEM)
			em_diag_errno(diag, rc, named, "%s", what);
		fclose(reader.in);
	}
	free(what);
	reader.place.line = 0;
	if (reader.mistakes > MISTAKES_SHOWN)
		em_diag_error(diag, -EM_EUSAGE, &reader.place, "… and %u more mistakes",
			      reader.mistakes - MISTAKES_SHOWN);
	return reader.mistakes ? -EM_EUSAGE : rc;
}
