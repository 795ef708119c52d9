/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * config_value - places and mistakes, and what a value is made of: strings, byte strings, arrays.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/entities.h"
#include "config/reader.h"

#define MESSAGE_MAX 512

bool em_config_is_listener(const struct em_setting *setting)
{
	const struct em_setting *list = setting->parent;

	return list && list->name && list->parent && !list->parent->parent &&
	       strcmp(list->name, "listeners") == 0;
}

void em_config_path(const struct em_setting *setting, char text[EM_KEY_MAX])
{
	const struct em_setting *parent = setting->parent;
	size_t length;

	if (!parent)
		return;
	if (!em_config_is_listener(parent))
		em_config_path(parent, text);
	length = strlen(text);
	if (setting->name)
		snprintf(text + length, EM_KEY_MAX - length, "%s%s", length ? "." : "",
			 setting->name);
	else
		snprintf(text + length, EM_KEY_MAX - length, "[%u]", setting->index);
}

int em_config_mistake(struct em_reader *reader, const struct em_setting *setting,
		      const char *format, ...)
{
	char message[MESSAGE_MAX];
	char key[EM_KEY_MAX] = "";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	em_config_path(setting, key);
	return em_diag_error(reader->diag, -EM_EUSAGE, &setting->place, "%s: %s", key, message);
}

static const char *const type_names[] = {
	[EM_SETTING_GROUP] = "a group { … }",	[EM_SETTING_LIST] = "a list ( … )",
	[EM_SETTING_ARRAY] = "an array [ … ]",	[EM_SETTING_STRING] = "a string",
	[EM_SETTING_NUMBER] = "a whole number", [EM_SETTING_FRACTION] = "a number with a fraction",
	[EM_SETTING_BOOL] = "true or false",
};

int em_config_wrong_type(struct em_reader *reader, const struct em_setting *setting,
			 const char *expected)
{
	return em_config_mistake(reader, setting, "expected %s, found %s", expected,
				 type_names[setting->type]);
}

int em_config_repeated(struct em_reader *reader, const struct em_setting *setting,
		       const struct em_place *first)
{
	return em_config_mistake(reader, setting, "is there already (%s%sline %u)",
				 first->file == setting->place.file ? "" : first->file,
				 first->file == setting->place.file ? "" : ", ", first->line);
}

int em_config_worse(int a, int b)
{
	if (a == -ENOMEM || b == -ENOMEM)
		return -ENOMEM;
	if (a == -EM_EUSAGE || b == -EM_EUSAGE)
		return -EM_EUSAGE;
	return a ? a : b;
}

int em_config_string(struct em_reader *reader, const struct em_setting *setting, const char **out)
{
	if (setting->type != EM_SETTING_STRING)
		return em_config_wrong_type(reader, setting, "a string");
	*out = setting->text;
	return 0;
}

int em_config_bytes(struct em_reader *reader, const struct em_setting *setting, uint8_t *bytes,
		    size_t size)
{
	const char *expected = EM_EXPECTED_BYTES;
	const char *text;
	int length;

	if (setting->type != EM_SETTING_STRING)
		return em_config_wrong_type(reader, setting, expected);
	text = setting->text;
	length = em_bytes_parse(text, bytes, size, &expected);
	if (length < 0)
		return em_config_mistake(reader, setting, "\"%.80s\": expected %s", text, expected);
	return length;
}

static int read_elements(struct em_reader *reader, const struct em_config_key *key,
			 const struct em_setting *setting, em_config_element *read, void *object)
{
	int result = 0;

	if (setting->n < key->min || (key->max && setting->n > key->max))
		result = em_config_mistake(reader, setting,
					   "%u elements, expected %" PRIu64 "-%" PRIu64, setting->n,
					   key->min, key->max);
	for (const struct em_setting *element = setting->first; element && result != -ENOMEM;
	     element = element->next) {
		/* Elements beyond the limit are reported once, and not looked at. */
		if (key->max && element->index == key->max)
			break;
		result = em_config_worse(result, read(reader, element, object));
	}
	return result;
}

int em_config_list(struct em_reader *reader, const struct em_config_key *key,
		   const struct em_setting *setting, em_config_element *read, void *object)
{
	if (setting->type != EM_SETTING_LIST)
		return em_config_wrong_type(reader, setting, key->expected);
	return read_elements(reader, key, setting, read, object);
}

int em_config_array(struct em_reader *reader, const struct em_config_key *key,
		    const struct em_setting *setting, em_config_element *read, void *object)
{
	if (setting->type != EM_SETTING_ARRAY && setting->type != EM_SETTING_LIST)
		return em_config_wrong_type(reader, setting, key->expected);
	if (setting->n == 0)
		return em_config_mistake(reader, setting, "empty, expected %s", key->expected);
	return read_elements(reader, key, setting, read, object);
}
