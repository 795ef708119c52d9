/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_value - values of one key with their type and range, and groups of keys.
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

#include "config/entities.h"
#include "config/numbers.h"
#include "config/reader.h"

/* Of a key, with its path; a longer one is cut. */
#define KEY_MAX	    128
#define MESSAGE_MAX 512
/* A key longer than this resembles none of ours. */
#define NEAR_MAX 32

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

static bool is_listener(const config_setting_t *setting)
{
	const config_setting_t *list = config_setting_parent(setting);

	return list && config_setting_name(list) && config_setting_parent(list) &&
	       config_setting_is_root(config_setting_parent(list)) &&
	       strcmp(config_setting_name(list), "listeners") == 0;
}

/* Appends to text[KEY_MAX]: "listeners[1]", "checks[0].offset", "port". */
static void write_key(char *text, const config_setting_t *setting)
{
	const config_setting_t *parent = config_setting_parent(setting);
	size_t length;

	if (!parent)
		return;
	if (!is_listener(parent))
		write_key(text, parent);
	length = strlen(text);
	if (config_setting_name(setting))
		snprintf(text + length, KEY_MAX - length, "%s%s", length ? "." : "",
			 config_setting_name(setting));
	else
		snprintf(text + length, KEY_MAX - length, "[%d]", config_setting_index(setting));
}

int em_config_mistake(struct em_reader *reader, const config_setting_t *setting, const char *format,
		      ...)
{
	struct em_place place = em_config_place(reader, setting);
	char message[MESSAGE_MAX];
	char key[KEY_MAX] = "";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	write_key(key, setting);
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

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, substitutions and swaps of neighbours that make one of the other. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int rows[3][NEAR_MAX + 1] = {0};
	unsigned int *before = rows[0], *last = rows[1], *row = rows[2];
	size_t n = strlen(a), m = strlen(b);

	for (size_t j = 0; j <= m; j++)
		last[j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned int *spare = before;

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= m; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);

			row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + !same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[m];
}

static const char *nearest(const char *name, const struct em_config_key *keys)
{
	const char *found = NULL;
	unsigned int best;

	if (strlen(name) > NEAR_MAX)
		return NULL;
	/* With more mistakes than this it is another word. */
	best = (unsigned int)strlen(name) / 4 + 2;
	for (; keys->name; keys++) {
		unsigned int d = distance(name, keys->name);

		if (d < best) {
			best = d;
			found = keys->name;
		}
	}
	return found;
}

static int unknown_key(struct em_reader *reader, const config_setting_t *setting,
		       const struct em_config_key *keys)
{
	const char *near = nearest(config_setting_name(setting), keys);
	char all[MESSAGE_MAX] = "";

	if (near)
		return em_config_mistake(reader, setting, "unknown key; did you mean \"%s\"?",
					 near);
	for (; keys->name; keys++) {
		size_t length = strlen(all);

		snprintf(all + length, sizeof(all) - length, "%s%s", length ? ", " : "",
			 keys->name);
	}
	return em_config_mistake(reader, setting, "unknown key, expected one of %s", all);
}

/* The place is the group's: there is no line for what is not there. */
int em_config_missing(struct em_reader *reader, const config_setting_t *group,
		      const struct em_config_key *key)
{
	const config_setting_t *name = config_setting_get_member(group, "name");
	struct em_place place = em_config_place(reader, group);
	char path[KEY_MAX] = "";

	if (is_listener(group) && name && config_setting_type(name) == CONFIG_TYPE_STRING)
		return em_diag_error(reader->diag, -EM_EUSAGE, &place,
				     "listener \"%.80s\": %s: missing, expected %s",
				     config_setting_get_string(name), key->name, key->required);
	write_key(path, group);
	return em_diag_error(reader->diag, -EM_EUSAGE, &place, "%s%s%s: missing, expected %s", path,
			     *path ? "." : "", key->name, key->required);
}

static bool is_key(const char *name, const struct em_config_key *keys)
{
	while (keys->name && strcmp(keys->name, name) != 0)
		keys++;
	return keys->name;
}

const config_setting_t *em_config_find(const config_setting_t *group,
				       const struct em_config_key *keys, const char *name)
{
	const config_setting_t *found = config_setting_get_member(group, name);

	for (int i = 0; !found && i < config_setting_length(group); i++) {
		const config_setting_t *member = config_setting_get_elem(group, (unsigned int)i);
		const char *near = NULL;

		if (!is_key(config_setting_name(member), keys))
			near = nearest(config_setting_name(member), keys);
		if (near && strcmp(near, name) == 0)
			found = member;
	}
	return found;
}

int em_config_group(struct em_reader *reader, const config_setting_t *setting, const char *expected,
		    const struct em_config_key *keys, void *object)
{
	int result = 0;

	if (!config_setting_is_group(setting))
		return em_config_wrong_type(reader, setting, expected);
	for (int i = 0; i < config_setting_length(setting); i++) {
		const config_setting_t *member = config_setting_get_elem(setting, (unsigned int)i);

		if (!is_key(config_setting_name(member), keys))
			result = unknown_key(reader, member, keys);
	}
	for (const struct em_config_key *key = keys; key->name && result != -ENOMEM; key++) {
		const config_setting_t *member = em_config_find(setting, keys, key->name);

		if (member && key->read)
			result = em_config_worse(result, key->read(reader, member, object));
		else if (!member && key->required)
			result = em_config_worse(result, em_config_missing(reader, setting, key));
	}
	return result;
}

static int out_of_range(struct em_reader *reader, const config_setting_t *setting, const char *text,
			const struct em_config_range *range)
{
	if (range->text)
		return em_config_mistake(reader, setting, "%.40s is out of range, expected %s",
					 text, range->text);
	return em_config_mistake(reader, setting,
				 "%.40s is out of range, expected %" PRIu64 "-%" PRIu64, text,
				 range->min, range->max);
}

int em_config_number(struct em_reader *reader, const config_setting_t *setting,
		     const struct em_config_range *range, uint64_t *out)
{
	const struct em_number *integer = config_setting_get_hook(setting);

	if (!integer)
		return em_config_wrong_type(reader, setting, "a whole number");
	if (integer->flaw == EM_FLAW_SPELLING)
		return em_config_mistake(reader, setting,
					 "%.40s: expected a whole number, decimal or hex",
					 integer->text);
	if (integer->flaw == EM_FLAW_SIGN)
		return em_config_mistake(reader, setting,
					 "%.40s: expected a whole number without a sign",
					 integer->text);
	if (integer->flaw == EM_FLAW_NEGATIVE || integer->flaw == EM_FLAW_HUGE ||
	    integer->value < range->min || integer->value > range->max)
		return out_of_range(reader, setting, integer->text, range);
	if (integer->flaw == EM_FLAW_NEEDS_L)
		return em_config_mistake(reader, setting,
					 "%.40s does not fit into 32 bits, expected %.40sL",
					 integer->text, integer->text);
	if (integer->flaw == EM_FLAW_NEEDS_BYTES)
		return em_config_mistake(reader, setting,
					 "%.40s does not fit into 63 bits, expected 0x%" PRIx64
					 "L or \"0x%016" PRIx64 "\"",
					 integer->text, integer->value, integer->value);
	*out = integer->value;
	return 0;
}

int em_config_string(struct em_reader *reader, const config_setting_t *setting, const char **out)
{
	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		return em_config_wrong_type(reader, setting, "a string");
	*out = config_setting_get_string(setting);
	return 0;
}

int em_config_word(struct em_reader *reader, const config_setting_t *setting,
		   const char *const *words, const char *expected, int *out)
{
	const char *text;

	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		return em_config_wrong_type(reader, setting, expected);
	text = config_setting_get_string(setting);
	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], text) == 0) {
			*out = i;
			return 0;
		}
	}
	return em_config_mistake(reader, setting, "\"%.80s\": expected %s", text, expected);
}

int em_config_bytes(struct em_reader *reader, const config_setting_t *setting, uint8_t *bytes,
		    size_t size)
{
	const char *expected = "bytes as \"0x…\" or \"text:…\"";
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

int em_config_array(struct em_reader *reader, const config_setting_t *setting, const char *expected)
{
	int length;

	if (!config_setting_is_array(setting) && !config_setting_is_list(setting))
		return em_config_wrong_type(reader, setting, expected);
	length = config_setting_length(setting);
	if (length == 0)
		return em_config_mistake(reader, setting, "empty, expected %s", expected);
	return length;
}
