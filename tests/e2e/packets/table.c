/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * table - the cases of the end-to-end test, read from the file `cases`, which explains its format.
 */
#include "table.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The VLAN id of policies that are made for tagged frames. */
#define TAG "7"

struct reader {
	struct table *table;
	const char *path;
	unsigned int line;
};

static void __attribute__((noreturn)) fail(const struct reader *reader, const char *problem)
{
	fprintf(stderr, "%s:%u: %s\n", reader->path, reader->line, problem);
	exit(EXIT_FAILURE);
}

static void *checked(const struct reader *reader, void *memory)
{
	if (!memory)
		fail(reader, "out of memory");
	return memory;
}

/* A copy without the blanks around it. */
static char *trimmed(const struct reader *reader, const char *text, size_t length)
{
	while (length && isspace((unsigned char)*text)) {
		text++;
		length--;
	}
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	return checked(reader, strndup(text, length));
}

static struct test_policy *current(const struct reader *reader)
{
	if (!reader->table->n_policies)
		fail(reader, "expected [TITLE] first");
	return &reader->table->policies[reader->table->n_policies - 1];
}

static struct test_policy *add_policy(const struct reader *reader)
{
	struct table *table = reader->table;
	size_t size = (table->n_policies + 1) * sizeof(*table->policies);

	table->policies = checked(reader, realloc(table->policies, size));
	return &table->policies[table->n_policies++];
}

static struct test_case *add_case(const struct reader *reader, struct test_policy *policy)
{
	size_t size = (policy->n_cases + 1) * sizeof(*policy->cases);

	policy->cases = checked(reader, realloc(policy->cases, size));
	return &policy->cases[policy->n_cases++];
}

static void read_title(struct reader *reader, const char *text)
{
	static const char optional[] = "(optional:";
	const char *end = strrchr(text, ']'), *names = strstr(text, optional);
	struct test_policy *policy;

	if (!end)
		fail(reader, "expected [TITLE]");
	policy = add_policy(reader);
	names = names ? names + strlen(optional) : "";
	*policy = (struct test_policy){
		.line = reader->line,
		.title = trimmed(reader, text + 1, end - text - 1),
		.optional = trimmed(reader, names, strcspn(names, ")")),
		.config = checked(reader, strdup("")),
	};
}

static void read_config(struct reader *reader, const char *text)
{
	struct test_policy *policy = current(reader);
	size_t length = strlen(policy->config);

	policy->config = checked(reader, realloc(policy->config, length + strlen(text) + 1));
	strcpy(policy->config + length, text);
}

static void read_case(struct reader *reader, const char *text)
{
	const char *arrow = strstr(text, "-> "), *why;
	unsigned int interface = strncmp(text, "in1:", 4) == 0;

	if (!arrow)
		fail(reader, "expected PACKET -> OUTCOME");
	text += interface ? 4 : 0;
	why = strchr(arrow, '#');
	why = why ? why + 1 : arrow + strlen(arrow);
	*add_case(reader, current(reader)) = (struct test_case){
		.line = reader->line,
		.interface = interface,
		.packet = trimmed(reader, text, arrow - text),
		.outcome = trimmed(reader, arrow + 3, strcspn(arrow + 3, "#\n")),
		.why = trimmed(reader, why, strlen(why)),
	};
}

/* Every listener gets a `vlan`. */
static char *tagged_config(const struct reader *reader, const char *config)
{
	static const char key[] = "interfaces = [", vlan[] = "vlan = " TAG "; ";
	size_t n = 0;
	char *tagged;

	for (const char *p = config; (p = strstr(p, key)); p++)
		n++;
	tagged = checked(reader, calloc(1, strlen(config) + n * strlen(vlan) + 1));
	for (const char *p; (p = strstr(config, key)); config = p + 1) {
		strncat(tagged, config, p - config);
		strcat(tagged, vlan);
		strncat(tagged, p, 1);
	}
	return strcat(tagged, config);
}

/* Words that count from the start of the frame count 4 bytes more. */
static char *tagged_packet(const struct reader *reader, const char *packet)
{
	char *copy = checked(reader, strdup(packet)), *position = NULL, *tagged = NULL;
	size_t size;
	FILE *out = checked(reader, open_memstream(&tagged, &size));

	fputs("vlan=" TAG, out);
	for (char *word = strtok_r(copy, " \t", &position); word;
	     word = strtok_r(NULL, " \t", &position)) {
		unsigned int n, shifted = !strncmp(word, "cut=", 4) || !strncmp(word, "pad=", 4);

		if (shifted && isdigit((unsigned char)word[4]) && sscanf(word + 4, "%u", &n) == 1)
			fprintf(out, " %.4s%u", word, n + 4);
		else
			fprintf(out, " %s", word);
	}
	if (fclose(out))
		fail(reader, "out of memory");
	free(copy);
	return tagged;
}

/* What the policy does with untagged frames is what this one does with tagged ones. */
static void add_tagged(const struct reader *reader, const struct test_policy *policy)
{
	struct test_policy tagged = {
		.line = policy->line,
		.optional = checked(reader, strdup(policy->optional)),
		.config = tagged_config(reader, policy->config),
	};

	if (asprintf(&tagged.title, "%s, tagged", policy->title) < 0)
		fail(reader, "out of memory");
	for (size_t i = 0; i < policy->n_cases; i++) {
		const struct test_case *plain = &policy->cases[i];
		struct test_case *new;

		/* About tags already, or about single bytes. */
		if (strstr(plain->packet, "vlan=") || strstr(plain->packet, "adtag=") ||
		    strstr(plain->packet, "poke="))
			continue;
		new = add_case(reader, &tagged);
		*new = *plain;
		new->packet = tagged_packet(reader, plain->packet);
		new->outcome = checked(reader, strdup(plain->outcome));
		new->why = checked(reader, strdup(plain->why));
	}
	*add_policy(reader) = tagged;
}

void table_read(struct table *table, const char *path)
{
	struct reader reader = {.table = table, .path = path};
	size_t n;
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	*table = (struct table){0};
	if (!file)
		fail(&reader, strerror(errno));
	while (getline(&text, &size, file) >= 0) {
		reader.line++;
		if (*text == '#' || *text == '@' || text[strspn(text, " \t\n")] == '\0')
			continue;
		if (*text == '[')
			read_title(&reader, text);
		else if (isspace((unsigned char)*text))
			read_config(&reader, text);
		else
			read_case(&reader, text);
	}
	free(text);
	fclose(file);
	n = table->n_policies;
	for (size_t i = 0; i < n; i++) {
		const struct test_policy policy = table->policies[i];

		if (!strstr(policy.config, "vlan = "))
			add_tagged(&reader, &policy);
	}
}

void table_clear(struct table *table)
{
	for (size_t i = 0; i < table->n_policies; i++) {
		struct test_policy *policy = &table->policies[i];

		for (size_t j = 0; j < policy->n_cases; j++) {
			free(policy->cases[j].packet);
			free(policy->cases[j].outcome);
			free(policy->cases[j].why);
		}
		free(policy->cases);
		free(policy->title);
		free(policy->optional);
		free(policy->config);
	}
	free(table->policies);
	*table = (struct table){0};
}
