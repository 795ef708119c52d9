/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table - the cases of the end-to-end test, read from the file `cases`, which explains its format.
 */
#include "table.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void read_title(struct reader *reader, const char *text)
{
	static const char optional[] = "(optional:";
	struct table *table = reader->table;
	const char *end = strrchr(text, ']'), *names = strstr(text, optional);
	struct test_policy *policy;

	if (!end)
		fail(reader, "expected [TITLE]");
	table->policies = checked(
		reader, realloc(table->policies, (table->n_policies + 1) * sizeof(*policy)));
	policy = &table->policies[table->n_policies++];
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
	struct test_policy *policy = current(reader);
	struct test_case *new = checked(
		reader, realloc(policy->cases, (policy->n_cases + 1) * sizeof(*policy->cases)));
	const char *arrow = strstr(text, "-> "), *why;
	unsigned int interface = strncmp(text, "in1:", 4) == 0;

	policy->cases = new;
	if (!arrow)
		fail(reader, "expected PACKET -> OUTCOME");
	text += interface ? 4 : 0;
	why = strchr(arrow, '#');
	why = why ? why + 1 : arrow + strlen(arrow);
	policy->cases[policy->n_cases++] = (struct test_case){
		.line = reader->line,
		.interface = interface,
		.packet = trimmed(reader, text, arrow - text),
		.outcome = trimmed(reader, arrow + 3, strcspn(arrow + 3, "#\n")),
		.why = trimmed(reader, why, strlen(why)),
	};
}

void table_read(struct table *table, const char *path)
{
	struct reader reader = {.table = table, .path = path};
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	*table = (struct table){0};
	if (!file)
		fail(&reader, strerror(errno));
	while (getline(&text, &size, file) >= 0) {
		reader.line++;
		if (*text == '#' || text[strspn(text, " \t\n")] == '\0')
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
