/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "cmd/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "config/config.h"
#include "engine/resolve.h"
#include "print/error.h"

#define OPTIONS_MAX  16
#define HELP_COLUMN  26
#define FIRST_OPTION 256 /* getopt_long() returns letters below */

/* The options of commands that print a document, and those of all commands. */
struct common {
	bool json;
	bool help;
};

static const struct em_option common_options[] = {
	{"json", 0, NULL, NULL, offsetof(struct common, json), "print one JSON document"},
	{"help", 'h', NULL, NULL, offsetof(struct common, help), "print this"},
};

/* A command line while it is read. */
struct reading {
	const struct em_command *command;
	void *given; /* the struct that holds the command's options */
	struct common common;
	const struct em_option *options[OPTIONS_MAX]; /* those of the command, then the common */
	size_t n_own, n;
	struct em_diag *diag;
	int rc;
};

static void add_option(struct reading *reading, const struct em_option *option)
{
	if (reading->n == OPTIONS_MAX)
		abort();
	reading->options[reading->n++] = option;
}

static void begin(struct reading *reading, const struct em_command *command)
{
	*reading = (struct reading){.command = command};
	for (const struct em_option *row = command->options; row && row->name; row++)
		add_option(reading, row);
	reading->n_own = reading->n;
	if (command->json)
		add_option(reading, &common_options[0]);
	add_option(reading, &common_options[1]);
}

/* --help. */

/* "=NAME", "[=NAME]" where it may be left out, or nothing.  Returns the number of characters. */
static int print_argument(const struct em_option *option)
{
	if (!option->argument)
		return 0;
	return printf(option->optional ? "[=%s]" : "=%s", option->argument);
}

static void print_synopsis(const struct reading *reading)
{
	printf("usage: entitymux %s", reading->command->name);
	for (size_t i = 0; i + 1 < reading->n; i++) {
		const struct em_option *option = reading->options[i];

		printf(" [");
		if (option->letter)
			printf("-%c|", option->letter);
		printf("--%s", option->name);
		print_argument(option);
		printf("]");
	}
	if (reading->command->words)
		printf(" %s", reading->command->words);
	printf("\n");
}

static void print_option(const struct em_option *option)
{
	int width = option->letter ? printf("  -%c, ", option->letter) : printf("      ");

	width += printf("--%s", option->name);
	width += print_argument(option);
	printf("%*s%s", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "", option->help);
	for (size_t i = 0; option->values && option->values[i]; i++)
		printf("%s%s", i ? ", " : ": ", option->values[i]);
	printf("\n");
}

void em_cmd_help(const struct em_command *command)
{
	struct reading reading;

	begin(&reading, command);
	print_synopsis(&reading);
	printf("\n%s\n\n", command->help);
	for (size_t i = 0; i < reading.n; i++)
		print_option(reading.options[i]);
	if (command->words_help)
		printf("\n%s\n", command->words_help);
}

/* The command line. */

/*
 * Reports a mistake in the command line, with a similar word if there is one.  Parsing goes on, so
 * that all mistakes are reported, as for a configuration.
 */
static void mistake(struct reading *reading, const char *near, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void mistake(struct reading *reading, const char *near, const char *format, ...)
{
	const char *name = reading->command->name;
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (near)
		reading->rc = em_diag_error(reading->diag, -EM_EUSAGE, NULL,
					    "%s: %s; did you mean %s?", name, text, near);
	else
		reading->rc = em_diag_error(reading->diag, -EM_EUSAGE, NULL,
					    "%s: %s; see entitymux %s --help", name, text, name);
}

static void unknown_option(struct reading *reading, const char *word)
{
	struct em_nearest nearest = em_nearest_of(word + strspn(word, "-"));
	char near[64];

	for (size_t i = 0; i < reading->n; i++)
		em_nearest_offer(&nearest, reading->options[i]->name);
	if (nearest.found)
		snprintf(near, sizeof(near), "--%s", nearest.found);
	mistake(reading, nearest.found ? near : NULL, "unknown option %.64s", word);
}

/* Reports what getopt_long() returned ':' or '?' for.  optopt is 0 for an unknown long option. */
static void bad_option(struct reading *reading, int kind, const char *word)
{
	if (kind == ':')
		mistake(reading, NULL, "option %.64s needs an argument", word);
	else if (optopt >= FIRST_OPTION)
		mistake(reading, NULL, "option --%s takes no argument",
			reading->options[optopt - FIRST_OPTION]->name);
	else if (optopt)
		mistake(reading, NULL, "unknown option -%c", optopt);
	else
		unknown_option(reading, word);
}

static bool is_value(const struct em_option *option, const char *argument)
{
	for (size_t i = 0; option->values && option->values[i]; i++)
		if (!strcmp(option->values[i], argument))
			return true;
	return !option->values;
}

static void bad_value(struct reading *reading, const struct em_option *option)
{
	struct em_nearest nearest = em_nearest_of(optarg);
	char all[128] = "";

	for (size_t i = 0; option->values[i]; i++) {
		size_t length = strlen(all);

		em_nearest_offer(&nearest, option->values[i]);
		snprintf(all + length, sizeof(all) - length, "%s%s", i ? ", " : "",
			 option->values[i]);
	}
	mistake(reading, nearest.found, "--%s=%.64s: expected %s", option->name, optarg, all);
}

static void take_option(struct reading *reading, size_t index)
{
	const struct em_option *option = reading->options[index];
	void *base = index < reading->n_own ? reading->given : &reading->common;
	void *target = (char *)base + option->offset;

	if (!option->argument)
		*(bool *)target = true;
	else if (option->optional && !optarg)
		*(const char **)target = "";
	else if (is_value(option, optarg))
		*(const char **)target = optarg;
	else
		bad_value(reading, option);
}

static size_t index_of(const struct reading *reading, int option)
{
	size_t i = 0;

	if (option >= FIRST_OPTION)
		return (size_t)(option - FIRST_OPTION);
	while (reading->options[i]->letter != option)
		i++;
	return i;
}

/* Tables in the form of getopt_long().  Option values are indices, offset above all letters. */
static void make_tables(const struct reading *reading, struct option *table, char *letters)
{
	*letters++ = ':';
	for (size_t i = 0; i < reading->n; i++) {
		const struct em_option *option = reading->options[i];

		table[i] = (struct option){option->name,
					   !option->argument  ? no_argument
					   : option->optional ? optional_argument
							      : required_argument,
					   NULL, FIRST_OPTION + (int)i};
		if (option->letter)
			*letters++ = option->letter;
		if (option->letter && option->argument)
			*letters++ = ':';
		if (option->letter && option->optional)
			*letters++ = ':';
	}
	*letters = '\0';
	table[reading->n] = (struct option){0};
}

/* The remaining words start at optind. */
static void read_line(struct reading *reading, int argc, char **argv)
{
	struct option table[OPTIONS_MAX + 1];
	char letters[3 * OPTIONS_MAX + 2];
	int option;

	make_tables(reading, table, letters);
	optind = 1;
	while ((option = getopt_long(argc, argv, letters, table, NULL)) != -1)
		if (option == '?' || option == ':')
			bad_option(reading, option, argv[optind - 1]);
		else
			take_option(reading, index_of(reading, option));
	if ((unsigned int)(argc - optind) > reading->command->n_words && !reading->common.help)
		mistake(reading, NULL, "unexpected argument %.64s",
			argv[optind + (int)reading->command->n_words]);
}

/* error is that of the output, 0: none. */
static int check_written(const struct em_document *out, int error, struct em_diag *diag)
{
	if (!error)
		return 0;
	em_diag_errno(diag, error, NULL, "standard output");
	if (out->done)
		em_diag_note(diag, "%s all the same", out->done);
	return error;
}

int em_cmd_run(const struct em_command *command, int argc, char **argv, struct em_diag *diag)
{
	struct em_print_messages messages = {0};
	struct reading reading;
	struct em_document out;
	int rc = 0, written;

	begin(&reading, command);
	reading.diag = diag;
	reading.given = calloc(1, command->size + 1);
	if (!reading.given)
		return em_diag_enomem(diag);
	diag->listen = em_print_keep_message;
	diag->context = &messages;
	read_line(&reading, argc, argv);
	em_document_init(&out, stdout, reading.common.json);
	if (reading.rc)
		rc = reading.rc;
	else if (reading.common.help)
		em_cmd_help(command);
	else
		rc = command->run(reading.given, argv + optind, &out, diag);
	if (rc && out.json && !out.begun)
		em_print_error(&out, rc, &messages);
	written = em_document_end(&out);
	diag->listen = NULL;
	/* What 4 says cannot be relied on where it was not printed. */
	if (!rc || (rc == -EM_EDRIFT && written))
		rc = check_written(&out, written, diag);
	em_print_clear_messages(&messages);
	free(reading.given);
	return rc;
}

int em_cmd_read_config(struct em_policy **out, const char *path, struct em_diag *diag)
{
	int rc = em_config_read(out, path, diag);

	if (rc == -ENOENT && !strcmp(path, EM_DEFAULT_CONFIG) && access(path, F_OK))
		em_diag_note(diag, "there is an example: cp " DOCDIR
				   "/entitymux.conf " EM_DEFAULT_CONFIG);
	return rc;
}

int em_cmd_read_policy(struct em_policy **out, const char *path, struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	int rc = em_cmd_read_config(&policy, path, diag);

	if (!rc)
		rc = em_resolve(policy, true, diag);
	if (rc)
		return rc;
	*out = policy;
	policy = NULL;
	return 0;
}

bool em_cmd_number(const char *text, size_t most, size_t *out)
{
	unsigned long n;
	char *end;

	if (!text)
		return true;
	errno = 0;
	n = strtoul(text, &end, 10);
	*out = n;
	return *text >= '1' && *text <= '9' && !*end && !errno && n <= most;
}
