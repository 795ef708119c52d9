/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * parse - the format of libconfig, from text to a tree.
 *
 *	file	= { setting }
 *	setting	= WORD ( "=" | ":" ) value [ ";" | "," ]
 *	value	= "{" { setting } "}" | "(" [ values ] ")" | "[" [ values ] "]" | STRING { STRING }
 *		| NUMBER | FRACTION | "true" | "false"
 *	values	= value { "," value } [ "," ]
 */
#include "config/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/scan.h"

/* The deepest nesting; the deepest that means something has 7 levels. */
#define DEPTH_MAX 32
/*
 * The most settings of a group. There are fewer keys, and a search through so many takes no time.
 */
#define MEMBERS_MAX 256
/* Two listeners full of entities; 80 bytes each. */
#define SETTINGS_MAX (8 << 20)

struct parser {
	struct em_scanner scanner;
	struct em_token token; /* the one to be parsed */
	unsigned int depth;
};

static int parse_value(struct parser *parser, struct em_setting *setting);

static int next(struct parser *parser)
{
	return em_scan(&parser->scanner, &parser->token);
}

static bool is(const struct parser *parser, char c)
{
	return parser->token.type == EM_TOKEN_CHARACTER && *parser->token.text == c;
}

static bool is_quote(const struct em_token *token)
{
	static const char *const quotes[] = {"“", "”", "„", "‟", "‘", "’", "‚", "«", "»", "'", "`"};

	for (size_t i = 0; i < sizeof(quotes) / sizeof(*quotes); i++)
		if (token->length == strlen(quotes[i]) &&
		    strncmp(token->text, quotes[i], token->length) == 0)
			return true;
	return false;
}

/* A hint for a person who has written this token here, as they would in another format. */
static const char *hint(const struct parser *parser, bool key)
{
	const struct em_token *token = &parser->token;

	if (token->type == EM_TOKEN_CHARACTER && is_quote(token))
		return "; a string is in straight double quotes, \"…\"";
	if (is(parser, '-'))
		return "; this looks like YAML, a list is ( { name = value; … }, … )";
	if (key && (is(parser, '{') || token->type == EM_TOKEN_STRING))
		return "; this looks like JSON, a setting is name = value; without quotes and "
		       "without braces around the file";
	if (key && is(parser, '['))
		return "; this looks like an INI file, a setting is name = value;";
	if (!key && (token->type == EM_TOKEN_WORD))
		return "; a string is in double quotes, a boolean is true or false";
	return "";
}

/* The code point of a UTF-8 character of more than one byte. */
static unsigned int code_point(const struct em_token *token)
{
	unsigned int value = (unsigned char)token->text[0] & (0x7f >> token->length);

	for (size_t i = 1; i < token->length; i++)
		value = value << 6 | ((unsigned char)token->text[i] & 0x3f);
	return value;
}

static void describe(const struct em_token *token, char *text, size_t size)
{
	int length = token->length > 40 ? 40 : (int)token->length;

	if (token->type == EM_TOKEN_END)
		snprintf(text, size, "the end of the file");
	else if (token->type == EM_TOKEN_STRING)
		snprintf(text, size, "the string \"%.*s\"", length, token->text);
	else if (token->type == EM_TOKEN_CHARACTER && token->length > 1)
		snprintf(text, size, "%.*s (U+%04X)", length, token->text, code_point(token));
	else
		snprintf(text, size, "%.*s", length, token->text);
}

/* Reports that something else was expected at the token. */
static int complain(const struct parser *parser, bool key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int complain(const struct parser *parser, bool key, const char *format, ...)
{
	char expected[256], found[64];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(expected, sizeof(expected), format, arguments);
	va_end(arguments);
	describe(&parser->token, found, sizeof(found));
	return em_diag_error(parser->scanner.reader->diag, -EM_EUSAGE, &parser->token.place,
			     "expected %s, found %s%s", expected, found, hint(parser, key));
}

/* The file ends in the middle of a group or a list. */
static int complain_of_end(const struct parser *parser, const struct em_setting *setting, char end)
{
	return complain(parser, false, "\"%c\" for what begins in line %u%s%s", end,
			setting->place.line, setting->name ? ", " : "",
			setting->name ? setting->name : "");
}

/* A copy of the token's text that lives as long as the tree. */
static const char *keep(struct parser *parser)
{
	const struct em_token *token = &parser->token;
	char *copy = em_tree_text(parser->scanner.tree, token->length + 1);

	if (copy) {
		memcpy(copy, token->text, token->length);
		copy[token->length] = '\0';
	}
	return copy;
}

/* Adjacent strings are one, as in C. */
static int parse_strings(struct parser *parser, struct em_setting *setting)
{
	int rc;

	setting->type = EM_SETTING_STRING;
	setting->text = parser->token.text;
	while (!(rc = next(parser)) && parser->token.type == EM_TOKEN_STRING) {
		size_t length = strlen(setting->text);
		char *joined =
			em_tree_text(parser->scanner.tree, length + parser->token.length + 1);

		if (!joined)
			return -ENOMEM;
		memcpy(joined, setting->text, length);
		memcpy(joined + length, parser->token.text, parser->token.length + 1);
		setting->text = joined;
	}
	return rc;
}

static int parse_scalar(struct parser *parser, struct em_setting *setting)
{
	const struct em_token *token = &parser->token;

	if (token->type == EM_TOKEN_STRING)
		return parse_strings(parser, setting);
	setting->text = keep(parser);
	if (!setting->text)
		return -ENOMEM;
	if (token->type == EM_TOKEN_NUMBER)
		setting->type = EM_SETTING_NUMBER;
	else if (token->type == EM_TOKEN_FRACTION)
		setting->type = EM_SETTING_FRACTION;
	else if (token->type == EM_TOKEN_WORD &&
		 (!strcasecmp(setting->text, "true") || !strcasecmp(setting->text, "false")))
		setting->type = EM_SETTING_BOOL;
	else if (setting->name)
		return complain(parser, false, "the value of %.40s", setting->name);
	else
		return complain(parser, false, "a value");
	return next(parser);
}

static struct em_setting *new_setting(struct parser *parser, struct em_setting *parent, int *rc)
{
	struct em_tree *tree = parser->scanner.tree;
	struct em_setting *setting = em_tree_new(tree, parent);

	*rc = setting ? 0 : -ENOMEM;
	if (setting)
		setting->place = parser->token.place;
	if (tree->n > SETTINGS_MAX)
		*rc = complain(parser, false, "at most %d settings", SETTINGS_MAX);
	return setting;
}

/* The elements of a list or an array, up to the character that ends it. */
static int parse_elements(struct parser *parser, struct em_setting *list, char end)
{
	int rc = 0;

	while (!rc && !is(parser, end)) {
		struct em_setting *element;

		if (parser->token.type == EM_TOKEN_END)
			return complain_of_end(parser, list, end);
		/* No list may have more elements; to stop here takes no time. */
		if (list->n == EM_ENTITIES_MAX)
			return complain(parser, false, "at most %d elements", EM_ENTITIES_MAX);
		element = new_setting(parser, list, &rc);
		if (!rc)
			rc = parse_value(parser, element);
		if (rc)
			return rc;
		em_setting_link(element);
		if (is(parser, ','))
			rc = next(parser);
		else if (parser->token.type != EM_TOKEN_END && !is(parser, end))
			return complain(parser, false, "\",\" or \"%c\" after an element", end);
	}
	return rc;
}

/* The name and what is between it and the value. */
static int parse_name(struct parser *parser, struct em_setting *setting)
{
	int rc;

	if (parser->token.type != EM_TOKEN_WORD)
		return complain(parser, true, setting->parent->parent ? "a key or \"}\"" : "a key");
	setting->name = keep(parser);
	if (!setting->name)
		return -ENOMEM;
	rc = next(parser);
	if (!rc && !is(parser, '=') && !is(parser, ':'))
		return complain(parser, true, "\"=\" after %.40s", setting->name);
	return rc ? rc : next(parser);
}

static int parse_setting(struct parser *parser, struct em_setting *group)
{
	struct em_setting *setting, *first;
	int rc;

	setting = new_setting(parser, group, &rc);
	if (!rc)
		rc = parse_name(parser, setting);
	if (!rc)
		rc = parse_value(parser, setting);
	if (rc)
		return rc;
	if (is(parser, ';') || is(parser, ','))
		rc = next(parser);
	else if (parser->token.type != EM_TOKEN_WORD && parser->token.type != EM_TOKEN_END &&
		 !is(parser, '}'))
		return complain(parser, false, "\";\" after the value of %.40s", setting->name);
	first = em_setting_member(group, setting->name);
	if (!first) {
		em_setting_link(setting);
		return rc;
	}
	(void)em_config_repeated(parser->scanner.reader, setting, &first->place);
	return rc;
}

/* The settings of a group that ends with }, or of the file, that ends without. */
static int parse_settings(struct parser *parser, struct em_setting *group)
{
	int rc = 0;

	while (!rc && !(group->parent && is(parser, '}'))) {
		if (parser->token.type == EM_TOKEN_END)
			return group->parent ? complain_of_end(parser, group, '}') : 0;
		if (group->n == MEMBERS_MAX)
			return complain(parser, true, "at most %d settings in a group",
					MEMBERS_MAX);
		rc = parse_setting(parser, group);
	}
	return rc;
}

static int parse_aggregate(struct parser *parser, struct em_setting *setting, char end)
{
	int rc;

	if (parser->depth == DEPTH_MAX)
		return complain(parser, false, "at most %d groups and lists within each other",
				DEPTH_MAX);
	parser->depth++;
	rc = next(parser);
	if (!rc && setting->type == EM_SETTING_GROUP)
		rc = parse_settings(parser, setting);
	else if (!rc)
		rc = parse_elements(parser, setting, end);
	parser->depth--;
	return rc ? rc : next(parser);
}

static int parse_value(struct parser *parser, struct em_setting *setting)
{
	if (is(parser, '{')) {
		setting->type = EM_SETTING_GROUP;
		return parse_aggregate(parser, setting, '}');
	}
	if (is(parser, '(')) {
		setting->type = EM_SETTING_LIST;
		return parse_aggregate(parser, setting, ')');
	}
	if (is(parser, '[')) {
		setting->type = EM_SETTING_ARRAY;
		return parse_aggregate(parser, setting, ']');
	}
	return parse_scalar(parser, setting);
}

int em_parse(struct em_reader *reader, struct em_tree *tree)
{
	struct parser parser = {0};
	int rc = em_scan_begin(&parser.scanner, reader, tree);

	if (!rc) {
		tree->root->place.file = parser.scanner.files[0].place.file;
		rc = next(&parser);
	}
	if (!rc)
		rc = parse_settings(&parser, tree->root);
	em_scan_end(&parser.scanner);
	return rc;
}
