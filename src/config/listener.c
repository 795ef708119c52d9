/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_listener - one listener, its entities, and what becomes of datagrams.
 */
#include <errno.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "config/entities.h"
#include "config/reader.h"

#define EXPECTED_LISTENER "a group { name = …; … }"
#define EXPECTED_NAME	  "1-32 of A-Z a-z 0-9 . _ -"
#define EXPECTED_ENTITIES "a list of entities, ( { tag = …; port = …; } )"
#define EXPECTED_ENTITY	  "a group { tag = …; port = …; }"
#define EXPECTED_UNKNOWN  "\"pass\", \"drop\" or a port 1-65535"
#define NAME_CHARACTERS                                                                            \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"                                     \
	"0123456789._-"

static int read_port_number(struct em_reader *reader, const config_setting_t *setting,
			    uint16_t *out, const char *expected)
{
	const struct em_config_range range = {1, 65535, expected};
	uint64_t value;
	int error = em_config_number(reader, setting, &range, &value);

	if (!error)
		*out = (uint16_t)value;
	return error;
}

static int read_name(struct em_reader *reader, const config_setting_t *setting, void *object)
{
	struct em_listener *listener = object;
	const char *name;
	int error = em_config_string(reader, setting, &name);
	size_t length;

	if (error)
		return error;
	length = strlen(name);
	if (length < 1 || length > EM_NAME_MAX || name[strspn(name, NAME_CHARACTERS)])
		return em_config_mistake(reader, setting, "\"%.80s\": expected " EXPECTED_NAME,
					 name);
	memcpy(listener->name, name, length + 1);
	return 0;
}

static int read_port(struct em_reader *reader, const config_setting_t *setting, void *object)
{
	struct em_listener *listener = object;
	int error = read_port_number(reader, setting, &listener->port, NULL);

	listener->unreadable = error != 0;
	return error;
}

static int read_vlan(struct em_reader *reader, const config_setting_t *setting, void *object)
{
	static const struct em_config_range range = {1, 4094};
	struct em_listener *listener = object;
	uint64_t value = 0;
	int error = em_config_number(reader, setting, &range, &value);

	/* Not known which packets it claims: none, for em_policy_finish(). */
	if (error)
		listener->unreadable = true;
	listener->vlan = (uint16_t)value;
	return error;
}

/* An entity as it is read. */
struct entity {
	const struct em_listener *listener;
	struct em_entity read;
	const char *name; /* libconfig's */
};

static int read_entity_tag(struct em_reader *reader, const config_setting_t *setting, void *object)
{
	struct entity *entity = object;
	int wanted = entity->listener->tag.length;
	int length = em_config_bytes(reader, setting, entity->read.tag, sizeof(entity->read.tag));

	if (length < 0)
		return length;
	if (wanted && length != wanted)
		return em_config_mistake(reader, setting,
					 "%d bytes, expected %d (the length of the tag)", length,
					 wanted);
	entity->read.unreadable = false;
	return 0;
}

static int read_entity_port(struct em_reader *reader, const config_setting_t *setting, void *object)
{
	struct em_action *action = &((struct entity *)object)->read.action;

	action->verdict = EM_PORT;
	return read_port_number(reader, setting, &action->port, NULL);
}

static int read_entity_name(struct em_reader *reader, const config_setting_t *setting, void *object)
{
	struct entity *entity = object;
	const char *name, *expected;
	int error = em_config_string(reader, setting, &name);

	if (error)
		return error;
	expected = em_entity_name_check(name);
	if (expected)
		return em_config_mistake(reader, setting, "\"%.80s\": expected %s", name, expected);
	entity->name = name;
	return 0;
}

/*
 * One with a mistake is kept all the same, so that those after it keep their numbers, and its name
 * and its tag, where that is known, are compared with theirs.
 */
static int append_entity(struct em_listener *listener, struct entity *entity)
{
	if (entity->name) {
		entity->read.name = strdup(entity->name);
		if (!entity->read.name)
			return -ENOMEM;
	}
	return em_entities_append(listener, &entity->read);
}

static int read_entity(struct em_reader *reader, const config_setting_t *setting,
		       struct em_listener *listener)
{
	static const struct em_config_key keys[] = {
		{"name", read_entity_name, NULL},
		{"tag", read_entity_tag, "bytes as \"0x…\" or \"text:…\""},
		{"port", read_entity_port, "1-65535"},
		{NULL},
	};
	struct entity entity = {
		.listener = listener,
		.read = {.place = em_config_place(reader, setting), .unreadable = true},
	};
	int result = em_config_group(reader, setting, EXPECTED_ENTITY, keys, &entity);

	return em_config_worse(result, append_entity(listener, &entity));
}

static int read_entities(struct em_reader *reader, const config_setting_t *setting, void *object)
{
	struct em_listener *listener = object;
	int n, result = 0;

	if (!config_setting_is_list(setting))
		return em_config_wrong_type(reader, setting, EXPECTED_ENTITIES);
	n = config_setting_length(setting);
	if (n > EM_ENTITIES_MAX)
		result = em_config_mistake(reader, setting, "%d entities, expected at most %d", n,
					   EM_ENTITIES_MAX);
	for (int i = 0; i < n && i < EM_ENTITIES_MAX && result != -ENOMEM; i++) {
		const config_setting_t *entity = config_setting_get_elem(setting, (unsigned int)i);

		result = em_config_worse(result, read_entity(reader, entity, listener));
	}
	listener->n_listed = listener->n_entities;
	return result;
}

static int read_entities_file(struct em_reader *reader, const config_setting_t *setting,
			      void *object)
{
	struct em_place place = em_config_place(reader, setting);
	const char *name;
	char *path;
	int error = em_config_string(reader, setting, &name);

	if (error)
		return error;
	if (!*name)
		return em_config_mistake(reader, setting, "empty, expected the path of a file");
	if (asprintf(&path, "%s%s%s", reader->folder && *name != '/' ? reader->folder : "",
		     reader->folder && *name != '/' ? "/" : "", name) < 0)
		return -ENOMEM;
	error = em_entities_read(reader->policy, object, path, &place, reader->diag);
	free(path);
	return error;
}

static int read_verdict(struct em_reader *reader, const config_setting_t *setting,
			const char *expected, struct em_action *out)
{
	static const char *const words[] = {[EM_PASS] = "pass", [EM_DROP] = "drop", NULL};
	int word;
	int error = em_config_word(reader, setting, words, expected, &word);

	if (!error)
		*out = (struct em_action){.verdict = word};
	return error;
}

static int read_unknown(struct em_reader *reader, const config_setting_t *setting, void *object)
{
	struct em_action *unknown = &((struct em_listener *)object)->unknown;
	int type = config_setting_type(setting);

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return read_verdict(reader, setting, EXPECTED_UNKNOWN, unknown);
	unknown->verdict = EM_PORT;
	return read_port_number(reader, setting, &unknown->port, EXPECTED_UNKNOWN);
}

static int read_invalid(struct em_reader *reader, const config_setting_t *setting, void *object)
{
	return read_verdict(reader, setting, "\"drop\" or \"pass\"",
			    &((struct em_listener *)object)->invalid);
}

static int read_replies(struct em_reader *reader, const config_setting_t *setting, void *object)
{
	struct em_listener *listener = object;

	listener->replies_place = em_config_place(reader, setting);
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return em_config_wrong_type(reader, setting, "true or false");
	listener->replies = config_setting_get_bool(setting);
	return 0;
}

static int read_flows(struct em_reader *reader, const config_setting_t *setting, void *object)
{
	static const struct em_config_range range = {1, EM_FLOWS_MAX};
	uint64_t value;
	int error = em_config_number(reader, setting, &range, &value);

	if (!error)
		((struct em_listener *)object)->flows = (uint32_t)value;
	return error;
}

static int read_flow_timeout(struct em_reader *reader, const config_setting_t *setting,
			     void *object)
{
	static const struct em_config_range range = {1, EM_TIMEOUT_MAX};
	uint64_t value;
	int error = em_config_number(reader, setting, &range, &value);

	if (!error)
		((struct em_listener *)object)->flow_timeout = (uint32_t)value;
	return error;
}

/* In this order: what claims packets after the port, entities after the tag. */
static const struct em_config_key listener_keys[] = {
	{"name", read_name, EXPECTED_NAME},
	{"interfaces", em_config_read_interfaces, "an array of names, e.g. [ \"eth0\" ]"},
	{"port", read_port, "1-65535"},
	{"vlan", read_vlan, NULL},
	{"addresses", em_config_read_addresses, NULL},
	{"sources", em_config_read_sources, NULL},
	{"payload", em_config_read_payload, NULL},
	{"checks", em_config_read_checks, NULL},
	{"tag", em_config_read_tag, "a group { offset = …; length = …; }"},
	{"entities", read_entities, NULL},
	{"entities_file", read_entities_file, NULL},
	{"unknown", read_unknown, NULL},
	{"invalid", read_invalid, NULL},
	{"replies", read_replies, NULL},
	{"flows", read_flows, NULL},
	{"flow_timeout", read_flow_timeout, NULL},
	{NULL},
};

int em_config_read_listener(struct em_reader *reader, const config_setting_t *setting)
{
	static const struct em_config_key entities = {"entities", NULL,
						      "entities, entities_file or both"};
	struct em_listener *listener = &reader->policy->listeners[reader->policy->n_listeners++];
	struct em_place place = em_config_place(reader, setting);
	int result;

	*listener = (struct em_listener){
		.place = place,
		.unreadable = true, /* until its port is known */
		.replies_place = place,
		.payload_max = EM_PAYLOAD_MAX,
		.unknown = {EM_PASS},
		.invalid = {EM_DROP},
		.flows = 65536,
		.flow_timeout = 180,
	};
	result = em_config_group(reader, setting, EXPECTED_LISTENER, listener_keys, listener);
	if (config_setting_is_group(setting) &&
	    !em_config_find(setting, listener_keys, "entities") &&
	    !em_config_find(setting, listener_keys, "entities_file"))
		result = em_config_worse(result, em_config_missing(reader, setting, &entities));
	return result;
}
