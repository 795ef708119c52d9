/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "state/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "state/lines.h"

#define FORMAT 1

void em_record_clear(struct em_record *record)
{
	free(record->config);
	free(record->reason);
	free(record->programs);
	free(record->undoes);
	free(record->ports);
	free(record->attachments);
	free(record->waiting);
	em_edited_clear(&record->edited);
	*record = (struct em_record){0};
}

/* See write_text(). */
static int read_text(char **out, const char *value)
{
	char *at;

	free(*out);
	*out = at = malloc(strlen(value) + 1);
	if (!at)
		return -ENOMEM;
	for (; *value; value++) {
		bool escaped = *value == '\\' && (value[1] == 'n' || value[1] == '\\');

		value += escaped;
		*at++ = escaped && *value == 'n' ? '\n' : *value;
	}
	*at = '\0';
	return 0;
}

static int read_backend(enum em_backend *out, const char *value)
{
	int backend = em_backend_parse(value);

	if (backend < 0)
		return -EBADMSG;
	*out = (enum em_backend)backend;
	return 0;
}

static int read_u32(uint32_t *out, const char *value)
{
	return sscanf(value, "%" SCNu32, out) == 1 ? 0 : -EBADMSG;
}

/* The optional words of an attachment line. */
static const struct {
	const char *word;
	size_t offset;
} words[] = {
	{"vlan", offsetof(struct em_attachment, vlan)},
	{"replies", offsetof(struct em_attachment, replies)},
	{"fragments", offsetof(struct em_attachment, fragments)},
	{"conntrack", offsetof(struct em_attachment, conntrack)},
};

#define PROGRAM "program="
#define ALIAS	"alias="
#define N_WORDS (sizeof(words) / sizeof(words[0]))

static void read_words(struct em_attachment *attachment, char *rest)
{
	char *word;

	while ((word = strsep(&rest, " "))) {
		if (!strncmp(word, PROGRAM, strlen(PROGRAM)))
			attachment->program = strtoul(word + strlen(PROGRAM), NULL, 10);
		if (!strncmp(word, ALIAS, strlen(ALIAS)))
			snprintf(attachment->alias, sizeof(attachment->alias), "%s",
				 word + strlen(ALIAS));
		for (size_t i = 0; i < N_WORDS; i++)
			if (!strcmp(word, words[i].word))
				*(bool *)((char *)attachment + words[i].offset) = true;
	}
}

/* This version does not know the hook, and cannot handle the attachment. */
static int read_attachment(struct em_record *record, char *value)
{
	struct em_attachment attachment = {0}, *grown;
	char hook[32];
	int kind, end;

	_Static_assert(IF_NAMESIZE == 16, "of which one is for the end");
	if (sscanf(value, "%u %31s %15s%n", &attachment.ifindex, hook, attachment.interface,
		   &end) != 3)
		return -EBADMSG;
	kind = em_hook_parse(hook);
	if (kind < 0)
		return -EBADMSG;
	attachment.hook = (enum em_hook)kind;
	read_words(&attachment, value + end);
	grown = reallocarray(record->attachments, record->n_attachments + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[record->n_attachments++] = attachment;
	record->attachments = grown;
	return 0;
}

/* "6001-6003,7000", or "" for none. */
static int read_ports(struct em_ports **out, char *value)
{
	char *range;

	free(*out);
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	while (*value && (range = strsep(&value, ","))) {
		uint64_t first, last;
		const char *begin = strsep(&range, "-");

		if (!em_lines_number(begin, &first) ||
		    !em_lines_number(range ? range : begin, &last) || last > UINT16_MAX)
			return -EBADMSG;
		for (; first <= last; first++)
			em_ports_add(*out, first);
		if (!value)
			break;
	}
	return 0;
}

static int read_waiting(struct em_record *record, const char *name)
{
	void *grown =
		reallocarray(record->waiting, record->n_waiting + 1, sizeof(*record->waiting));

	if (!grown)
		return -ENOMEM;
	record->waiting = grown;
	snprintf(record->waiting[record->n_waiting++], sizeof(*record->waiting), "%s", name);
	return 0;
}

#define ADDED "added"

static int read_edited(struct em_record *record, char *value)
{
	const char *where = strsep(&value, " "), *tag = strsep(&value, " "), *word;
	struct em_edited edited = {.added = false};

	if (!tag)
		return -EBADMSG;
	snprintf(edited.where, sizeof(edited.where), "%s", where);
	snprintf(edited.tag, sizeof(edited.tag), "%s", tag);
	while ((word = strsep(&value, " ")))
		edited.added |= !strcmp(word, ADDED);
	return em_edited_add(&record->edited, &edited);
}

/* The numbers of a record, by their keys. */
static const struct {
	const char *key;
	size_t offset;
} numbers[] = {
	{"generation", offsetof(struct em_record, generation)},
	{"listeners", offsetof(struct em_record, listeners)},
	{"entities", offsetof(struct em_record, entities)},
	{"replaces", offsetof(struct em_record, replaces)},
	{"restores", offsetof(struct em_record, restores)},
	{"edits", offsetof(struct em_record, edits)},
	{"samples", offsetof(struct em_record, samples)},
	{"header_limit", offsetof(struct em_record, header_limit)},
};

static int read_fact(struct em_record *record, const char *key, char *value)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(key, numbers[i].key))
			return read_u32((uint32_t *)((char *)record + numbers[i].offset), value);
	if (!strcmp(key, "backend"))
		return read_backend(&record->backend, value);
	if (!strcmp(key, "wanted"))
		return read_backend(&record->wanted, value);
	if (!strcmp(key, "config"))
		return read_text(&record->config, value);
	if (!strcmp(key, "reason"))
		return read_text(&record->reason, value);
	if (!strcmp(key, "programs"))
		return read_text(&record->programs, value);
	if (!strcmp(key, "edited"))
		return read_edited(record, value);
	if (!strcmp(key, "undoes"))
		return read_text(&record->undoes, value);
	if (!strcmp(key, "ports"))
		return read_ports(&record->ports, value);
	if (!strcmp(key, "attachment"))
		return read_attachment(record, value);
	if (!strcmp(key, "waiting"))
		return read_waiting(record, value);
	if (!strcmp(key, "applied_at"))
		snprintf(record->applied_at, sizeof(record->applied_at), "%s", value);
	return 0;
}

int em_record_read(struct em_record *out, FILE *in)
{
	struct em_record record __attribute__((cleanup(em_record_clear))) = {0};
	struct em_lines lines __attribute__((cleanup(em_lines_end))) = {.in = in};
	int rc = em_lines_begin(&lines, FORMAT);

	while (!rc && (rc = em_lines_next(&lines)) > 0)
		rc = read_fact(&record, lines.key, lines.rest);
	if (rc)
		return rc;
	if (!record.generation || !record.backend || !record.config || !record.reason ||
	    !record.applied_at[0])
		return -EBADMSG;
	*out = record;
	record = (struct em_record){0};
	return 0;
}

static void write_fact(FILE *out, const char *key, const char *value)
{
	fprintf(out, "%s %s\n", key, value);
}

/* Any bytes, of which a line has but one newline. */
static void write_text(FILE *out, const char *key, const char *value)
{
	fprintf(out, "%s ", key);
	for (; *value; value++)
		if (*value == '\n' || *value == '\\')
			fprintf(out, "\\%c", *value == '\n' ? 'n' : '\\');
		else
			fputc(*value, out);
	fputc('\n', out);
}

static void write_attachment(FILE *out, const struct em_attachment *attachment)
{
	fprintf(out, "attachment %u %s %s", attachment->ifindex, em_hook_name(attachment->hook),
		attachment->interface);
	if (attachment->program)
		fprintf(out, " " PROGRAM "%" PRIu32, attachment->program);
	if (attachment->alias[0])
		fprintf(out, " " ALIAS "%s", attachment->alias);
	for (size_t i = 0; i < N_WORDS; i++)
		if (*(const bool *)((const char *)attachment + words[i].offset))
			fprintf(out, " %s", words[i].word);
	fputc('\n', out);
}

static void write_ports(FILE *out, const struct em_ports *ports)
{
	const char *before = "ports ";
	uint16_t first, last;

	for (uint32_t from = 0; em_ports_range(ports, from, &first, &last); from = last + 1U) {
		fprintf(out, "%s%u", before, first);
		if (last > first)
			fprintf(out, "-%u", last);
		before = ",";
	}
	fprintf(out, *before == ',' ? "\n" : "ports\n");
}

int em_record_write(const struct em_record *record, FILE *out)
{
	fprintf(out, "format %d\n", FORMAT);
	fprintf(out, "generation %" PRIu32 "\n", record->generation);
	write_fact(out, "backend", em_backend_name(record->backend));
	write_fact(out, "wanted", em_backend_name(record->wanted));
	write_text(out, "config", record->config ? record->config : "");
	write_text(out, "reason", record->reason ? record->reason : "");
	write_fact(out, "applied_at", record->applied_at);
	if (record->programs)
		write_text(out, "programs", record->programs);
	fprintf(out, "listeners %" PRIu32 "\n", record->listeners);
	fprintf(out, "entities %" PRIu32 "\n", record->entities);
	fprintf(out, "replaces %" PRIu32 "\n", record->replaces);
	if (record->restores)
		fprintf(out, "restores %" PRIu32 "\n", record->restores);
	if (record->header_limit)
		fprintf(out, "header_limit %" PRIu32 "\n", record->header_limit);
	if (record->edits)
		fprintf(out, "edits %" PRIu32 "\n", record->edits);
	for (size_t i = 0; i < record->edited.n; i++)
		fprintf(out, "edited %s %s%s\n", record->edited.all[i].where,
			record->edited.all[i].tag, record->edited.all[i].added ? " " ADDED : "");
	if (record->samples)
		fprintf(out, "samples %" PRIu32 "\n", record->samples);
	if (record->undoes)
		write_text(out, "undoes", record->undoes);
	if (record->ports)
		write_ports(out, record->ports);
	for (size_t i = 0; i < record->n_attachments; i++)
		write_attachment(out, &record->attachments[i]);
	for (size_t i = 0; i < record->n_waiting; i++)
		write_fact(out, "waiting", record->waiting[i]);
	return em_lines_flush(out);
}
