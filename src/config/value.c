/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * config_value - places and mistakes, and what a value is made of: strings, byte strings, arrays.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/entities.h"
#include "config/numbers.h"
#include "config/reader.h"

#define MESSAGE_MAX 512

/* Before 1.7 libconfig names an included file as @include does, later by its path. */
#if LIBCONFIG_VER_MAJOR == 1 && LIBCONFIG_VER_MINOR < 7
#define NAMES_AS_INCLUDED true
#else
#define NAMES_AS_INCLUDED false
#endif

/* What was parsed from memory has no file: that is the configuration itself. */
const char *em_config_file(struct em_reader *reader, const char *source)
{
	const char *file;
	char *path;

	if (!source)
		return em_policy_file(reader->policy, reader->path);
	if (!NAMES_AS_INCLUDED || !reader->folder)
		return em_policy_file(reader->policy, source);
	if (asprintf(&path, "%s/%s", reader->folder, source) < 0)
		return NULL;
	file = em_policy_file(reader->policy, path);
	free(path);
	return file;
}

struct em_place em_config_place(struct em_reader *reader, const config_setting_t *setting)
{
	const char *source = config_setting_source_file(setting);

	if (!reader->file || source != reader->source) {
		reader->source = source;
		reader->file = em_config_file(reader, source);
	}
	return (struct em_place){.file = reader->file, .line = config_setting_source_line(setting)};
}

bool em_config_is_listener(const config_setting_t *setting)
{
	const config_setting_t *list = config_setting_parent(setting);

	return list && config_setting_name(list) && config_setting_parent(list) &&
	       config_setting_is_root(config_setting_parent(list)) &&
	       strcmp(config_setting_name(list), "listeners") == 0;
}

void em_config_path(const config_setting_t *setting, char text[EM_KEY_MAX])
{
	const config_setting_t *parent = config_setting_parent(setting);
	size_t length;

	if (!parent)
		return;
	if (!em_config_is_listener(parent))
		em_config_path(parent, text);
	length = strlen(text);
	if (config_setting_name(setting))
		snprintf(text + length, EM_KEY_MAX - length, "%s%s", length ? "." : "",
			 config_setting_name(setting));
	else
		snprintf(text + length, EM_KEY_MAX - length, "[%d]", config_setting_index(setting));
}

int em_config_mistake(struct em_reader *reader, const config_setting_t *setting, const char *format,
		      ...)
{
	struct em_place place = em_config_place(reader, setting);
	char message[MESSAGE_MAX];
	char key[EM_KEY_MAX] = "";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	em_config_path(setting, key);
	return em_diag_error(reader->diag, -EM_EUSAGE, &place, "%s: %s", key, message);
}

static const char *type_name(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return "a group { … }";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a whole number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "a string";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_ARRAY:
		return "an array [ … ]";
	default:
		return "a list ( … )";
	}
}

int em_config_wrong_type(struct em_reader *reader, const config_setting_t *setting,
			 const char *expected)
{
	return em_config_mistake(reader, setting, "expected %s, found %s", expected,
				 type_name(setting));
}

int em_config_worse(int a, int b)
{
	if (a == -ENOMEM || b == -ENOMEM)
		return -ENOMEM;
	if (a == -EM_EUSAGE || b == -EM_EUSAGE)
		return -EM_EUSAGE;
	return a ? a : b;
}

int em_config_string(struct em_reader *reader, const config_setting_t *setting, const char **out)
{
	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		return em_config_wrong_type(reader, setting, "a string");
	*out = config_setting_get_string(setting);
	return 0;
}

int em_config_bytes(struct em_reader *reader, const config_setting_t *setting, uint8_t *bytes,
		    size_t size)
{
	const char *expected = EM_EXPECTED_BYTES;
	const char *text;
	int length;

	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		return em_config_wrong_type(reader, setting, expected);
	text = config_setting_get_string(setting);
	length = em_bytes_parse(text, bytes, size, &expected);
	if (length < 0)
		return em_config_mistake(reader, setting, "\"%.80s\": expected %s", text, expected);
	return length;
}

int em_config_array(struct em_reader *reader, const struct em_config_key *key,
		    const config_setting_t *setting)
{
	int length;

	if (!config_setting_is_array(setting) && !config_setting_is_list(setting))
		return em_config_wrong_type(reader, setting, key->expected);
	length = config_setting_length(setting);
	if (length == 0)
		return em_config_mistake(reader, setting, "empty, expected %s", key->expected);
	return length;
}
