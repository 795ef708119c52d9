/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * config_write - a policy, written as the one configuration that stands for it.
 */
#include "config/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "config/reader.h"
#include "policy/copies.h"

static void write_hex(FILE *out, const uint8_t *bytes, size_t length)
{
	fputs("0x", out);
	for (size_t i = 0; i < length; i++)
		fprintf(out, "%02x", bytes[i]);
}

void em_config_write_number(FILE *out, const char *lead, const struct em_config_key *key,
			    const void *object)
{
	uint64_t value = em_config_member(key, object);

	if (value >= key->min && value <= key->max)
		fprintf(out, "%s%s = %" PRIu64 ";", lead, key->name, value);
}

void em_config_write_bool(FILE *out, const char *lead, const struct em_config_key *key,
			  const void *object)
{
	fprintf(out, "%s%s = %s;", lead, key->name,
		em_config_member(key, object) ? "true" : "false");
}

void em_config_write_word(FILE *out, const char *lead, const struct em_config_key *key,
			  const void *object)
{
	fprintf(out, "%s%s = \"%s\";", lead, key->name, key->words[em_config_member(key, object)]);
}

static void write_group(FILE *out, const char *lead, const struct em_config_key *keys,
			const void *object)
{
	for (; keys->name; keys++)
		if (keys->write && !keys->through)
			keys->write(out, lead, keys, object);
}

void em_config_write_interfaces(FILE *out, const char *lead, const struct em_config_key *key,
				const void *object)
{
	const struct em_listener *listener = object;

	fprintf(out, "%s%s = [ ", lead, key->name);
	for (size_t i = 0; i < listener->n_interfaces; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", listener->interfaces[i].name);
	fputs(" ];", out);
}

static void write_address(FILE *out, const struct em_address *address)
{
	char text[INET6_ADDRSTRLEN];

	fputs(inet_ntop(address->family, address->bytes, text, sizeof(text)), out);
}

/* An empty array is a mistake: without addresses or sources the key is left out. */
void em_config_write_addresses(FILE *out, const char *lead, const struct em_config_key *key,
			       const void *object)
{
	const struct em_listener *listener = object;

	if (!listener->n_addresses)
		return;
	fprintf(out, "%s%s = [ ", lead, key->name);
	for (size_t i = 0; i < listener->n_addresses; i++) {
		fputs(i ? ", \"" : "\"", out);
		write_address(out, &listener->addresses[i]);
		fputs("\"", out);
	}
	fputs(" ];", out);
}

void em_config_write_sources(FILE *out, const char *lead, const struct em_config_key *key,
			     const void *object)
{
	const struct em_listener *listener = object;

	if (!listener->n_sources)
		return;
	fprintf(out, "%s%s = [ ", lead, key->name);
	for (size_t i = 0; i < listener->n_sources; i++) {
		fputs(i ? ", \"" : "\"", out);
		write_address(out, &listener->sources[i].address);
		fprintf(out, "/%u\"", listener->sources[i].length);
	}
	fputs(" ];", out);
}

void em_config_write_payload(FILE *out, const char *lead, const struct em_config_key *key,
			     const void *object)
{
	fprintf(out, "%s%s = {", lead, key->name);
	write_group(out, " ", em_config_payload_keys, object);
	fputs(" };", out);
}

static void write_bytes(FILE *out, const char *key, const uint8_t *bytes, size_t length)
{
	fprintf(out, " %s = \"", key);
	write_hex(out, bytes, length);
	fputs("\";", out);
}

/* One above 2^63 - 1 is written as a byte string. */
static void write_number(FILE *out, uint64_t value)
{
	if (value > INT64_MAX)
		fprintf(out, "\"0x%016" PRIx64 "\"", value);
	else
		fprintf(out, "%" PRIu64 "%s", value, value > INT32_MAX ? "L" : "");
}

static void write_bound(FILE *out, const char *key, uint64_t value)
{
	fprintf(out, " %s = ", key);
	write_number(out, value);
	fputs(";", out);
}

static void write_values(FILE *out, const struct em_check *check)
{
	fputs(" values = (", out);
	for (uint8_t i = 0; i < check->n_values; i++) {
		fputs(i ? ", " : " ", out);
		write_number(out, check->values[i]);
	}
	fputs(" );", out);
}

static void write_number_check(FILE *out, const struct em_check *check)
{
	fprintf(out, " length = %u;", check->length);
	if (check->n_values) {
		write_values(out, check);
	} else {
		write_bound(out, "min", check->min);
		write_bound(out, "max", check->max);
	}
	fprintf(out, " endian = \"%s\";", check->little_endian ? "little" : "big");
}

static void write_check(FILE *out, const struct em_check *check)
{
	fprintf(out, "\n\t\t\t{ offset = %u;", check->offset);
	if (check->kind == EM_CHECK_BYTES)
		write_bytes(out, "bytes", check->bytes, check->length);
	else
		write_number_check(out, check);
	if (check->mask)
		write_bytes(out, "mask", check->mask, check->length);
	fprintf(out, " not = %s; }", check->negated ? "true" : "false");
}

static void write_checks(FILE *out, const char *lead, const char *name,
			 const struct em_check *checks, size_t n)
{
	fprintf(out, "%s%s = (", lead, name);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? "," : "", out);
		write_check(out, &checks[i]);
	}
	fputs(" );", out);
}

static void write_shared_checks(FILE *out, const char *lead, const struct em_config_key *key,
				const void *object)
{
	const struct em_format *first = ((const struct em_listener *)object)->formats;

	write_checks(out, lead, key->name, first->checks, first->n_shared);
}

void em_config_write_checks(FILE *out, const char *lead, const struct em_config_key *key,
			    const void *object)
{
	const struct em_format *format = object;

	write_checks(out, lead, key->name, format->checks + format->n_shared,
		     format->n_checks - format->n_shared);
}

static void write_piece(FILE *out, const struct em_piece *piece, const uint8_t *mask)
{
	const struct em_piece_field *field = em_piece_field(piece->source);

	if (field) {
		fprintf(out, "\n\t\t\t{ field = \"%s\"; }", field->name);
		return;
	}
	fprintf(out, "\n\t\t\t{ offset = %u; length = %u; mask = \"", piece->offset, piece->length);
	write_hex(out, mask, piece->length);
	fputs("\"; }", out);
}

void em_config_write_tag(FILE *out, const char *lead, const struct em_config_key *key,
			 const void *object)
{
	const struct em_tag *tag = &((const struct em_format *)object)->tag;
	const uint8_t *mask = tag->mask;

	fprintf(out, "%s%s = (", lead, key->name);
	for (size_t i = 0; i < tag->n_pieces; i++) {
		fputs(i ? "," : "", out);
		write_piece(out, &tag->pieces[i], mask);
		mask += tag->pieces[i].length;
	}
	fputs(" );", out);
}

void em_config_write_action(FILE *out, const char *lead, const struct em_config_key *key,
			    const void *object)
{
	const struct em_action *action = (const void *)((const char *)object + key->offset);

	if (action->verdict == EM_PORT)
		fprintf(out, "%s%s = %u;", lead, key->name, action->port);
	else
		fprintf(out, "%s%s = \"%s\";", lead, key->name, key->words[action->verdict]);
}

const struct em_config_key em_config_shared_keys[] = {
	{.name = "checks", .write = write_shared_checks},
	{NULL},
};

/* What is written, and where entities are. */
struct writer {
	const struct em_policy *policy;
	FILE *(*open_entities)(size_t listener, const char *name, void *context);
	void *context;
};

static int write_entities(FILE *out, const struct em_format *format, size_t from)
{
	char tag[EM_COVER_TEXT_MAX], action[EM_ACTION_TEXT_MAX];
	bool failed;

	for (size_t i = from; i < format->n_entities; i++) {
		const struct em_entity *entity = &format->entities[i];

		fputs_unlocked(em_entity_tag_format(format, entity, tag), out);
		putc_unlocked(',', out);
		fputs_unlocked(em_action_format(&entity->action, action), out);
		if (entity->name) {
			putc_unlocked(',', out);
			fputs_unlocked(entity->name, out);
		}
		putc_unlocked('\n', out);
	}
	failed = ferror(out);
	if (fclose(out))
		return -errno;
	return failed ? -EIO : 0;
}

void em_config_write_entity(FILE *out, const struct em_listener *listener,
			    const struct em_format *format, const struct em_entity *entity)
{
	static const struct em_config_key copies = {.name = "copies"};
	const char *quote = entity->action.verdict == EM_PORT ? "" : "\"";
	char tag[EM_COVER_TEXT_MAX], action[EM_ACTION_TEXT_MAX];

	fputs("{", out);
	if (entity->name)
		fprintf(out, " name = \"%s\";", entity->name);
	fprintf(out, " tag = \"%s\"; port = %s%s%s;", em_entity_tag_format(format, entity, tag),
		quote, em_action_format(&entity->action, action), quote);
	if (entity->copies)
		em_config_write_copies(out, " ", &copies, em_copies_own(listener, entity));
	fputs(" }", out);
}

/* The first n, in the configuration itself. */
static void write_entities_inline(FILE *out, const struct em_listener *listener,
				  const struct em_format *format, size_t n)
{
	fputs("\n\t\tentities = (", out);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ",\n\t\t\t" : "\n\t\t\t", out);
		em_config_write_entity(out, listener, format, &format->entities[i]);
	}
	fputs(" );", out);
}

/* How many entities there are up to the last one with copies. */
static size_t count_copied(const struct em_format *format)
{
	size_t n = format->n_entities;

	while (n && !format->entities[n - 1].copies)
		n--;
	return n;
}

/* One file for each format, which the format names. */
static int write_entities_file(FILE *out, const struct writer *writer, size_t listener,
			       size_t index)
{
	const struct em_listener *of = &writer->policy->listeners[listener];
	const struct em_format *format = &of->formats[index];
	size_t n_copied = of->n_copy_lists ? count_copied(format) : 0;
	char name[sizeof("listener--.entities") + 6 * sizeof(listener)];
	FILE *entities;

	if (!writer->open_entities) {
		write_entities_inline(out, of, format, format->n_entities);
		return 0;
	}
	if (n_copied)
		write_entities_inline(out, of, format, n_copied);
	if (*format->name)
		snprintf(name, sizeof(name), "listener-%zu-%zu.entities", listener + 1, index + 1);
	else
		snprintf(name, sizeof(name), "listener-%zu.entities", listener + 1);
	fprintf(out, "\n\t\tentities_file = \"%s\";", name);
	entities = writer->open_entities(listener, name, writer->context);
	if (!entities)
		return errno ? -errno : -EIO;
	return write_entities(entities, format, n_copied);
}

static int write_formats(FILE *out, const struct writer *writer, size_t index)
{
	const struct em_listener *listener = &writer->policy->listeners[index];
	int rc = 0;

	write_group(out, "\n\t\t", em_config_shared_keys, listener);
	fputs("\n\t\tformats = (", out);
	for (size_t i = 0; !rc && i < listener->n_formats; i++) {
		fputs(i ? ", {" : " {", out);
		write_group(out, "\n\t\t", em_config_format_keys, &listener->formats[i]);
		rc = write_entities_file(out, writer, index, i);
		fputs(" }", out);
	}
	fputs(" );", out);
	return rc;
}

static int write_listener(FILE *out, const struct writer *writer, size_t index)
{
	const struct em_listener *listener = &writer->policy->listeners[index];
	int rc;

	fputs("\t{", out);
	write_group(out, "\n\t\t", em_config_listener_keys, listener);
	if (*listener->formats->name) {
		rc = write_formats(out, writer, index);
	} else {
		write_group(out, "\n\t\t", em_config_format_keys, listener->formats);
		rc = write_entities_file(out, writer, index, 0);
	}
	fputs("\n\t}", out);
	return rc;
}

int em_config_write(const struct em_policy *policy, FILE *out,
		    FILE *(*open_entities)(size_t listener, const char *name, void *context),
		    void *context)
{
	const struct writer writer = {policy, open_entities, context};

	fprintf(out, "backend = \"%s\";\n\nlisteners = (\n", em_backend_name(policy->backend));
	for (size_t i = 0; i < policy->n_listeners; i++) {
		int rc = write_listener(out, &writer, i);

		if (rc)
			return rc;
		fputs(i + 1 < policy->n_listeners ? ",\n" : "\n", out);
	}
	fputs(");\n", out);
	if (fflush(out))
		return -errno;
	return ferror(out) ? -EIO : 0;
}
