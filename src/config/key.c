/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* key - groups of keys, and the keys that a row describes: a number, a word, a boolean. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "config/reader.h"

/* All keys of a group, in one message. */
#define NAMES_MAX 512
/* Two numbers of 20 digits. */
#define RANGE_MAX 48

/* The key that the name is probably meant to be; NULL: none. */
static const char *nearest_key(const char *name, const struct em_config_key *keys)
{
	struct em_nearest nearest = em_nearest_of(name);

	for (; keys->name; keys++)
		em_nearest_offer(&nearest, keys->name);
	return nearest.found;
}

static int unknown_key(struct em_reader *reader, const struct em_setting *setting,
		       const struct em_config_key *keys)
{
	const char *near = nearest_key(setting->name, keys);
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

/* The place is that of the group: a missing key has no line. */
int em_config_missing(struct em_reader *reader, const struct em_setting *group,
		      const struct em_config_key *key)
{
	const struct em_setting *name = em_setting_member(group, "name");
	struct em_place place = group->place;
	char path[EM_KEY_MAX] = "", range[RANGE_MAX];

	if (em_config_is_listener(group) && name && name->type == EM_SETTING_STRING)
		return em_diag_error(reader->diag, -EM_EUSAGE, &place,
				     "listener \"%.80s\": %s: missing, expected %s", name->text,
				     key->name, expected_of(key, range));
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

const struct em_setting *em_config_find(const struct em_setting *group,
					const struct em_config_key *keys, const char *name)
{
	const struct em_setting *found = em_setting_member(group, name);

	for (const struct em_setting *member = group->first; !found && member;
	     member = member->next) {
		const char *near = NULL;

		if (!is_key(member->name, keys))
			near = nearest_key(member->name, keys);
		if (near && strcmp(near, name) == 0)
			found = member;
	}
	return found;
}

static int read_key(struct em_reader *reader, const struct em_config_key *key,
		    const struct em_setting *group, const struct em_setting *setting, void *object)
{
	int rc = 0;

	if (key->through)
		object = *(void **)((char *)object + key->through);
	if (setting && key->place)
		*(struct em_place *)((char *)object + key->place) = setting->place;
	if (setting && key->read)
		rc = key->read(reader, key, setting, object);
	else if (!setting && key->required)
		rc = em_config_missing(reader, group, key);
	if (rc && key->unreadable)
		*(bool *)((char *)object + key->unreadable) = true;
	return rc;
}

int em_config_group(struct em_reader *reader, const struct em_setting *setting,
		    const char *expected, const struct em_config_key *keys, void *object)
{
	int result = 0;

	if (setting->type != EM_SETTING_GROUP)
		return em_config_wrong_type(reader, setting, expected);
	for (const struct em_setting *member = setting->first; member; member = member->next)
		if (!is_key(member->name, keys))
			result = unknown_key(reader, member, keys);
	for (const struct em_config_key *key = keys; key->name && result != -ENOMEM; key++) {
		const struct em_setting *member = em_config_find(setting, keys, key->name);

		result = em_config_worse(result, read_key(reader, key, setting, member, object));
	}
	return result;
}

/*
 * Decimal or hexadecimal digits and, as libconfig wants it above 32 bits, up to two L behind them.
 * Returns 0, -EINVAL where it is something else, -ERANGE above 64 bits.
 */
static int parse_number(const char *text, uint64_t *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	size_t length = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
	const char *rest = digits + length;

	if (!length || strlen(rest) > 2 || rest[strspn(rest, "L")])
		return -EINVAL;
	errno = 0;
	*out = strtoull(digits, NULL, hex ? 16 : 10);
	return -errno;
}

int em_config_number(struct em_reader *reader, const struct em_config_key *key,
		     const struct em_setting *setting, uint64_t *out)
{
	char range[RANGE_MAX];
	uint64_t value;
	int rc;

	if (setting->type != EM_SETTING_NUMBER)
		return em_config_wrong_type(reader, setting, "a whole number");
	rc = parse_number(setting->text, &value);
	if (rc == -EINVAL)
		return em_config_mistake(
			reader, setting,
			"%.40s: expected a whole number, decimal or hex, without a sign",
			setting->text);
	if (rc || value < key->min || value > key->max)
		return em_config_mistake(reader, setting, "%.40s is out of range, expected %s",
					 setting->text, expected_of(key, range));
	*out = value;
	return 0;
}

int em_config_word(struct em_reader *reader, const struct em_config_key *key,
		   const struct em_setting *setting, uint64_t *out)
{
	struct em_nearest nearest;
	const char *text, *near;

	if (setting->type != EM_SETTING_STRING)
		return em_config_wrong_type(reader, setting, key->expected);
	text = setting->text;
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
			  const struct em_setting *setting, void *object)
{
	uint64_t value;
	int rc = em_config_number(reader, key, setting, &value);

	if (!rc)
		store(object, key, value);
	return rc;
}

int em_config_read_word(struct em_reader *reader, const struct em_config_key *key,
			const struct em_setting *setting, void *object)
{
	uint64_t value;
	int rc = em_config_word(reader, key, setting, &value);

	if (!rc)
		store(object, key, value);
	return rc;
}

int em_config_read_bool(struct em_reader *reader, const struct em_config_key *key,
			const struct em_setting *setting, void *object)
{
	if (setting->type != EM_SETTING_BOOL)
		return em_config_wrong_type(reader, setting, "true or false");
	store(object, key, em_setting_true(setting));
	return 0;
}

int em_config_read_action(struct em_reader *reader, const struct em_config_key *key,
			  const struct em_setting *setting, void *object)
{
	struct em_action *action = (void *)((char *)object + key->offset);
	uint64_t value;
	int rc;

	if (setting->type == EM_SETTING_NUMBER) {
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
