/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * config_listener - one listener, its entities, and what becomes of datagrams.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/entities.h"
#include "config/reader.h"
#include "config/source.h"
#include "policy/copies.h"

#define EXPECTED_LISTENER "a group { name = …; … }"
#define EXPECTED_ENTITY	  "a group { tag = …; port = …; }"
#define EXPECTED_TAG	  "a group { offset = …; length = …; } or a list of 1-4 of these"
#define EXPECTED_ENTITIES "a list of entities, ( { tag = …; port = …; } )"
#define EXPECTED_NAME	  "1-32 of A-Z a-z 0-9 . _ -"
#define NAME_CHARACTERS                                                                            \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"                                     \
	"0123456789._-"

static void write_name(FILE *out, const char *lead, const struct em_config_key *key,
		       const void *object)
{
	const char *name = (const char *)object + key->offset;

	if (*name)
		fprintf(out, "%s%s = \"%s\";", lead, key->name, name);
}

static int read_name(struct em_reader *reader, const struct em_config_key *key,
		     const struct em_setting *setting, void *object)
{
	const char *name;
	int rc = em_config_string(reader, setting, &name);
	size_t length;

	if (rc)
		return rc;
	length = strlen(name);
	if (length < 1 || length > EM_NAME_MAX || name[strspn(name, NAME_CHARACTERS)])
		return em_config_mistake(reader, setting, "\"%.80s\": expected %s", name,
					 key->expected);
	memcpy((char *)object + key->offset, name, length + 1);
	return 0;
}

/* An entity as it is read. */
struct entity {
	const struct em_format *format;
	struct em_entity read;
	struct em_cover cover;
	const char *name; /* the tree's */
	struct em_copies copies;
};

static int read_entity_tag(struct em_reader *reader, const struct em_config_key *key,
			   const struct em_setting *setting, void *object)
{
	struct entity *entity = object;
	int wanted = entity->format->tag.length;
	const char *expected;
	int length;

	if (setting->type != EM_SETTING_STRING)
		return em_config_wrong_type(reader, setting, key->expected);
	length = em_tag_parse(entity->format, setting->text, &entity->cover, &expected);
	if (length < 0)
		return em_config_mistake(reader, setting, "\"%.80s\": expected %s", setting->text,
					 expected);
	if (wanted && length != wanted)
		return em_config_mistake(reader, setting,
					 "%d bytes, expected %d (the length of the tag)", length,
					 wanted);
	return 0;
}

static int read_entity_name(struct em_reader *reader, const struct em_config_key *key,
			    const struct em_setting *setting, void *object)
{
	struct entity *entity = object;
	const char *name, *expected;
	int rc = em_config_string(reader, setting, &name);

	(void)key;
	if (rc)
		return rc;
	expected = em_entity_name_check(name);
	if (expected)
		return em_config_mistake(reader, setting, "\"%.80s\": expected %s", name, expected);
	entity->name = name;
	return 0;
}

/*
 * An entity with a mistake is kept, so that those after it keep their numbers, and so that its name
 * and its tag, where they are known, are compared with others.
 */
static int append_entity(struct em_format *format, struct entity *entity)
{
	if (entity->read.unreadable)
		entity->cover = (struct em_cover){0};
	if (em_entity_set(&entity->read, entity->name, &entity->cover))
		return -ENOMEM;
	return em_entities_append(format, &entity->read);
}

/* The listener that is being read is the last one. */
static int add_copies(struct em_reader *reader, const struct em_setting *setting,
		      struct entity *entity)
{
	struct em_listener *listener = &reader->policy->listeners[reader->policy->n_listeners - 1];
	const struct em_setting *copies;
	int rc = 0;

	if (entity->copies.n)
		rc = em_copies_add(listener, &entity->copies, &entity->read.copies);
	if (rc != -E2BIG)
		return rc;
	copies = em_setting_member(setting, "copies");
	return em_config_mistake(reader, copies ? copies : setting,
				 "one list of ports too many, expected at most %d different ones "
				 "in a listener",
				 EM_COPY_LISTS_MAX);
}

static int read_entity(struct em_reader *reader, const struct em_setting *setting, void *object)
{
	static const struct em_config_key keys[] = {
		{"name", read_entity_name},
		{"tag", read_entity_tag, EM_KEY_REQUIRED, .expected = EM_EXPECTED_BYTES,
		 .unreadable = offsetof(struct entity, read.unreadable)},
		EM_KEY_ACTION("port", entity, read.action, EM_KEY_REQUIRED),
		EM_KEY_COPIES("copies", entity, copies),
		{NULL},
	};
	struct entity entity = {
		.format = object,
		.read = {.place = setting->place, .unreadable = setting->type != EM_SETTING_GROUP},
	};
	int result = em_config_group(reader, setting, EXPECTED_ENTITY, keys, &entity);

	result = em_config_worse(result, add_copies(reader, setting, &entity));
	return em_config_worse(result, append_entity(object, &entity));
}

static int read_entities(struct em_reader *reader, const struct em_config_key *key,
			 const struct em_setting *setting, void *object)
{
	struct em_format *format = object;
	int rc = em_config_list(reader, key, setting, read_entity, format);

	format->n_listed = format->n_entities;
	return rc;
}

static int read_entities_file(struct em_reader *reader, const struct em_config_key *key,
			      const struct em_setting *setting, void *object)
{
	struct em_place place = setting->place;
	const char *name;
	char *path;
	int rc = em_config_string(reader, setting, &name);

	if (rc)
		return rc;
	if (!*name)
		return em_config_mistake(reader, setting, "empty, expected %s", key->expected);
	path = em_source_path(reader->folder, name);
	if (!path)
		return -ENOMEM;
	rc = em_entities_read(reader->policy, object, path, &place, reader->diag);
	free(path);
	return rc;
}

/* A key that has no effect otherwise, which would be a warning when it is read again. */
static void write_of_replies(FILE *out, const char *lead, const struct em_config_key *key,
			     const void *object)
{
	if (((const struct em_listener *)object)->replies)
		em_config_write_number(out, lead, key, object);
}

/* Without it, it is not known which packets the listener claims: none, for em_policy_finish(). */
#define CLAIMS	  .unreadable = offsetof(struct em_listener, unreadable)
#define OF_FORMAT .through = offsetof(struct em_listener, formats)

/* In this order: entities after the tag. */
const struct em_config_key em_config_format_keys[] = {
	{"name", read_name, write_name, EM_KEY_REQUIRED, EM_KEY_MEMBER(em_format, name),
	 .expected = EXPECTED_NAME},
	{"payload", em_config_read_payload, em_config_write_payload,
	 .expected = "a group { min = …; max = …; }"},
	{"checks", em_config_read_checks, em_config_write_checks, .max = EM_CHECKS_MAX,
	 .expected = "a list of at most 8 checks, ( { … } )"},
	{"tag", em_config_read_tag, em_config_write_tag, .min = 1, .max = EM_PIECES_MAX,
	 .expected = EXPECTED_TAG},
	{"entities", read_entities, .max = EM_ENTITIES_MAX, .expected = EXPECTED_ENTITIES},
	{"entities_file", read_entities_file, .expected = "the path of a file"},
	EM_KEY_ACTION("unknown", em_format, unknown),
	{NULL},
};

/* Reports a missing tag, and missing entities, of a format. */
static int check_missing(struct em_reader *reader, const struct em_setting *group,
			 const struct em_config_key *keys)
{
	static const struct em_config_key tag = {"tag", .expected = EXPECTED_TAG};
	static const struct em_config_key entities = {
		"entities", .expected = "entities, entities_file or both"};
	int rc = 0;

	if (group->type != EM_SETTING_GROUP)
		return 0;
	if (!em_config_find(group, keys, "tag"))
		rc = em_config_missing(reader, group, &tag);
	if (!em_config_find(group, keys, "entities") &&
	    !em_config_find(group, keys, "entities_file"))
		rc = em_config_worse(rc, em_config_missing(reader, group, &entities));
	return rc;
}

/* The formats of a listener while they are read, and what it asks of all of them. */
struct formats {
	struct em_listener *listener;
	struct em_format common;
};

static uint8_t *copy_bytes(const uint8_t *bytes, size_t length, int *rc)
{
	uint8_t *copy = bytes ? malloc(length) : NULL;

	if (copy)
		memcpy(copy, bytes, length);
	else if (bytes)
		*rc = -ENOMEM;
	return copy;
}

static int copy_common(struct em_format *format, const struct em_format *common)
{
	int rc = 0;

	format->payload_min = common->payload_min;
	format->payload_max = common->payload_max;
	format->unknown = common->unknown;
	for (size_t i = 0; i < common->n_checks; i++) {
		struct em_check *check = &format->checks[format->n_checks++];

		*check = common->checks[i];
		check->bytes = copy_bytes(check->bytes, check->length, &rc);
		check->mask = copy_bytes(check->mask, check->length, &rc);
	}
	format->n_shared = format->n_checks;
	return rc;
}

static int read_format(struct em_reader *reader, const struct em_setting *setting, void *object)
{
	struct formats *formats = object;
	struct em_listener *listener = formats->listener;
	struct em_format *format = &listener->formats[listener->n_formats++];
	int rc = copy_common(format, &formats->common);

	format->place = setting->place;
	if (rc)
		return rc;
	rc = em_config_group(reader, setting, "a group { name = …; tag = …; … }",
			     em_config_format_keys, format);
	return em_config_worse(rc, check_missing(reader, setting, em_config_format_keys));
}

/* Reports the keys that stand both in the listener and in its formats. */
static int check_alone(struct em_reader *reader, const struct em_setting *listener)
{
	static const char *const keys[] = {"tag", "entities", "entities_file"};
	int rc = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct em_setting *setting = em_setting_member(listener, keys[i]);

		if (setting)
			rc = em_config_mistake(
				reader, setting,
				"does not go with formats, expected in each of them");
	}
	return rc;
}

static int read_formats(struct em_reader *reader, const struct em_config_key *key,
			const struct em_setting *setting, void *object)
{
	struct formats formats = {.listener = object};
	struct em_format *all = calloc(EM_FORMATS_MAX, sizeof(*all));
	int rc = check_alone(reader, setting->parent);
	size_t n;

	if (!all)
		return -ENOMEM;
	formats.common = formats.listener->formats[0];
	free(formats.listener->formats);
	formats.listener->formats = all;
	formats.listener->n_formats = 0;
	rc = em_config_worse(rc, em_config_list(reader, key, setting, read_format, &formats));
	em_format_clear(&formats.common);
	n = em_listener_entities(formats.listener);
	if (n > EM_ENTITIES_MAX)
		rc = em_config_worse(rc,
				     em_config_mistake(reader, setting,
						       "%zu entities in all, expected at most %d",
						       n, EM_ENTITIES_MAX));
	return rc;
}

static const char *const missing_words[] = {
	[EM_MISSING_ERROR] = "error", [EM_MISSING_WAIT] = "wait", NULL};

/* The order matters: formats come after the keys that hold for all of them. */
const struct em_config_key em_config_listener_keys[] = {
	{"name", read_name, write_name, EM_KEY_REQUIRED, EM_KEY_MEMBER(em_listener, name),
	 .expected = EXPECTED_NAME},
	{"interfaces", em_config_read_interfaces, em_config_write_interfaces, EM_KEY_REQUIRED,
	 .min = 1, .max = EM_INTERFACES_MAX, .expected = "an array of names, e.g. [ \"eth0\" ]"},
	EM_KEY_NUMBER("port", em_listener, port, 1, 65535, EM_KEY_REQUIRED, CLAIMS),
	EM_KEY_NUMBER("vlan", em_listener, vlan, 1, 4094, CLAIMS),
	{"addresses", em_config_read_addresses, em_config_write_addresses, CLAIMS,
	 .expected = "an array of addresses, e.g. [ \"192.0.2.1\", \"2001:db8::1\" ]"},
	{"sources", em_config_read_sources, em_config_write_sources,
	 .expected = "an array of prefixes, e.g. [ \"192.0.2.0/24\", \"2001:db8::/32\" ]"},
	{"payload", em_config_read_payload, em_config_write_payload, OF_FORMAT,
	 .expected = "a group { min = …; max = …; }"},
	{"checks", em_config_read_checks, em_config_write_checks, OF_FORMAT, .max = EM_CHECKS_MAX,
	 .expected = "a list of at most 8 checks, ( { … } )"},
	{"tag", em_config_read_tag, em_config_write_tag, OF_FORMAT, .min = 1, .max = EM_PIECES_MAX,
	 .expected = EXPECTED_TAG},
	{"entities", read_entities, OF_FORMAT, .max = EM_ENTITIES_MAX,
	 .expected = EXPECTED_ENTITIES},
	{"entities_file", read_entities_file, OF_FORMAT, .expected = "the path of a file"},
	EM_KEY_ACTION("unknown", em_format, unknown, OF_FORMAT),
	{"formats", read_formats, .min = 1, .max = EM_FORMATS_MAX,
	 .expected = "a list of 1-8 formats, ( { name = …; tag = …; … } )"},
	EM_KEY_ACTION("invalid", em_listener, invalid),
	EM_KEY_COPIES("copies", em_listener, copies),
	EM_KEY_COPIES("unknown_copies", em_listener, unknown_copies),
	EM_KEY_WORD("missing", em_listener, missing, missing_words, "\"error\" or \"wait\""),
	EM_KEY_BOOL("replies", em_listener, replies,
		    .place = offsetof(struct em_listener, replies_place)),
	{"flows", em_config_read_number, write_of_replies, EM_KEY_MEMBER(em_listener, flows),
	 .min = 1, .max = EM_FLOWS_MAX},
	{"flow_timeout", em_config_read_number, write_of_replies,
	 EM_KEY_MEMBER(em_listener, flow_timeout), .min = 1, .max = EM_TIMEOUT_MAX},
	{NULL},
};

static void warn_of_flows(struct em_reader *reader, const struct em_setting *group,
			  const struct em_listener *listener)
{
	static const char *const names[] = {"flows", "flow_timeout"};

	for (size_t i = 0; !listener->replies && i < 2; i++) {
		const struct em_setting *setting = em_setting_member(group, names[i]);

		if (setting)
			em_diag_warning(reader->diag, &setting->place,
					"%s: without replies = true it has no effect", names[i]);
	}
}

int em_config_read_listener(struct em_reader *reader, const struct em_setting *setting,
			    void *object)
{
	struct em_policy *policy = object;
	struct em_listener *listener = &policy->listeners[policy->n_listeners++];
	struct em_place place = setting->place;
	int result;

	*listener = (struct em_listener){
		.place = place,
		.unreadable = setting->type != EM_SETTING_GROUP,
		.replies_place = place,
		.invalid = {EM_DROP},
		.flows = 65536,
		.flow_timeout = 180,
	};
	listener->formats = calloc(1, sizeof(*listener->formats));
	if (!listener->formats)
		return -ENOMEM;
	listener->n_formats = 1;
	listener->formats[0] = (struct em_format){
		.place = place,
		.payload_max = EM_PAYLOAD_MAX,
		.unknown = {EM_PASS},
	};
	result = em_config_group(reader, setting, EXPECTED_LISTENER, em_config_listener_keys,
				 listener);
	if (setting->type == EM_SETTING_GROUP &&
	    !em_config_find(setting, em_config_listener_keys, "formats"))
		result = em_config_worse(result,
					 check_missing(reader, setting, em_config_listener_keys));
	if (!result)
		warn_of_flows(reader, setting, listener);
	return result;
}
