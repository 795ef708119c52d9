/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * key - groups of keys, and the keys that are told by a row: a number, a word, a boolean.
 */
#include <errno.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "config/numbers.h"
#include "config/reader.h"

/* All keys of a group, in one message. */
#define NAMES_MAX 512
/* Two numbers of 20 digits. */
#define RANGE_MAX 48

/* Which of the keys the name was probably meant to be; NULL: none. */
static const char *nearest_key(const char *name, const struct em_config_key *keys)
{
	struct em_nearest nearest = em_nearest_of(name);

	for (; keys->name; keys++)
		em_nearest_offer(&nearest, keys->name);
	return nearest.found;
}

static int unknown_key(struct em_reader *reader, const config_setting_t *setting,
		       const struct em_config_key *keys)
{
	const char *near = nearest_key(config_setting_name(setting), keys);
	char all[NAMES_MAX] = "";

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

/* "1-65535", or what the key says instead. */
static const char *expected_of(const struct em_config_key *key, char text[RANGE_MAX])
{
	if (key->expected)
		return key->expected;
	snprintf(text, RANGE_MAX, "%" PRIu64 "-%" PRIu64, key->min, key->max);
	return text;
}

/* The place is the group's: there is no line for what is not there. */
int em_config_missing(struct em_reader *reader, const config_setting_t *group,
		      const struct em_config_key *key)
{
	const config_setting_t *name = config_setting_get_member(group, "name");
	struct em_place place = em_config_place(reader, group);
	char path[EM_KEY_MAX] = "", range[RANGE_MAX];

	if (em_config_is_listener(group) && name && config_setting_type(name) == CONFIG_TYPE_STRING)
		return em_diag_error(reader->diag, -EM_EUSAGE, &place,
				     "listener \"%.80s\": %s: missing, expected %s",
				     config_setting_get_string(name), key->name,
				     expected_of(key, range));
	em_config_path(group, path);
	return em_diag_error(reader->diag, -EM_EUSAGE, &place, "%s%s%s: missing, expected %s", path,
			     *path ? "." : "", key->name, expected_of(key, range));
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
			near = nearest_key(config_setting_name(member), keys);
		if (near && strcmp(near, name) == 0)
			found = member;
	}
	return found;
}

static int read_key(struct em_reader *reader, const struct em_config_key *key,
		    const config_setting_t *setting, void *object)
{
	if (key->place)
		*(struct em_place *)((char *)object + key->place) =
			em_config_place(reader, setting);
	return key->read ? key->read(reader, key, setting, object) : 0;
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

		if (member)
			result = em_config_worse(result, read_key(reader, key, member, object));
		else if (key->required)
			result = em_config_worse(result, em_config_missing(reader, setting, key));
	}
	return result;
}

int em_config_number(struct em_reader *reader, const struct em_config_key *key,
		     const config_setting_t *setting, uint64_t *out)
{
	char range[RANGE_MAX];
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
	    integer->value < key->min || integer->value > key->max)
		return em_config_mistake(reader, setting, "%.40s is out of range, expected %s",
					 integer->text, expected_of(key, range));
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

int em_config_word(struct em_reader *reader, const struct em_config_key *key,
		   const config_setting_t *setting, uint64_t *out)
{
	struct em_nearest nearest;
	const char *text, *near;

	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		return em_config_wrong_type(reader, setting, key->expected);
	text = config_setting_get_string(setting);
	nearest = em_nearest_of(text);
	for (size_t i = 0; key->words[i]; i++) {
		if (strcmp(key->words[i], text) == 0) {
			*out = i;
			return 0;
		}
		em_nearest_offer(&nearest, key->words[i]);
	}
	near = nearest.found;
	return em_config_mistake(reader, setting, "\"%.80s\": expected %s%s%s%s", text,
				 key->expected, near ? "; did you mean \"" : "", near ? near : "",
				 near ? "\"?" : "");
}

static void store(void *object, const struct em_config_key *key, uint64_t value)
{
	void *member = (char *)object + key->offset;

	if (key->size == sizeof(uint8_t))
		*(uint8_t *)member = (uint8_t)value;
	else if (key->size == sizeof(uint16_t))
		*(uint16_t *)member = (uint16_t)value;
	else
		*(uint32_t *)member = (uint32_t)value;
}

uint64_t em_config_member(const struct em_config_key *key, const void *object)
{
	const void *member = (const char *)object + key->offset;

	if (key->size == sizeof(uint8_t))
		return *(const uint8_t *)member;
	if (key->size == sizeof(uint16_t))
		return *(const uint16_t *)member;
	return *(const uint32_t *)member;
}

int em_config_read_number(struct em_reader *reader, const struct em_config_key *key,
			  const config_setting_t *setting, void *object)
{
	uint64_t value;
	int rc = em_config_number(reader, key, setting, &value);

	if (!rc)
		store(object, key, value);
	return rc;
}

int em_config_read_word(struct em_reader *reader, const struct em_config_key *key,
			const config_setting_t *setting, void *object)
{
	uint64_t value;
	int rc = em_config_word(reader, key, setting, &value);

	if (!rc)
		store(object, key, value);
	return rc;
}

int em_config_read_bool(struct em_reader *reader, const struct em_config_key *key,
			const config_setting_t *setting, void *object)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return em_config_wrong_type(reader, setting, "true or false");
	store(object, key, (uint64_t)config_setting_get_bool(setting));
	return 0;
}

int em_config_read_action(struct em_reader *reader, const struct em_config_key *key,
			  const config_setting_t *setting, void *object)
{
	struct em_action *action = (void *)((char *)object + key->offset);
	int type = config_setting_type(setting);
	bool number = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
	uint64_t value;
	int rc;

	if (!key->words || (number && key->max)) {
		rc = em_config_number(reader, key, setting, &value);
		if (!rc)
			*action = (struct em_action){EM_PORT, (uint16_t)value};
		return rc;
	}
	rc = em_config_word(reader, key, setting, &value);
	if (!rc)
		*action = (struct em_action){.verdict = (enum em_verdict)value};
	return rc;
}
