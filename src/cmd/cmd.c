// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 8

static void print_usage(const struct em_command *self)
{
	printf("usage: entitymux %s%s%s\n\n%s\n", self->name, self->arguments[0] ? " " : "",
	       self->arguments, self->description);
}

static void take_option(const struct em_option *options, int index)
{
	if (options[index].flag)
		*options[index].flag = true;
	else
		*options[index].argument = optarg;
}

static int find_letter(const struct em_option *options, int letter)
{
	for (int i = 0; options[i].name; i++)
		if (options[i].letter == letter)
			return i;
	return -1;
}

/* getopt_long() wants its own tables; values are indices, above all letters. */
static void make_tables(const struct em_option *options, struct option *table, char *letters)
{
	int n = 0;

	*letters++ = ':';
	for (; options[n].name && n < OPTIONS_MAX; n++) {
		table[n] = (struct option){options[n].name,
					   options[n].flag ? no_argument : required_argument, NULL,
					   256 + n};
		if (options[n].letter)
			*letters++ = options[n].letter;
		if (options[n].letter && options[n].argument)
			*letters++ = ':';
	}
	*letters++ = 'h';
	*letters = '\0';
	table[n++] = (struct option){"help", no_argument, NULL, 'h'};
	table[n] = (struct option){0};
}

static int bad_option(const struct em_command *self, char **argv, int kind, struct em_diag *diag)
{
	const char *word = argv[optind - 1];

	if (kind == ':')
		return em_diag_error(diag, -EM_EUSAGE, NULL,
				     "%s: option %s needs an argument; see entitymux %s --help",
				     self->name, word, self->name);
	return em_diag_error(diag, -EM_EUSAGE, NULL,
			     "%s: unknown option %s; see entitymux %s --help", self->name, word,
			     self->name);
}

int em_cmd_options(const struct em_command *self, int argc, char **argv,
		   const struct em_option *options, const char **word, bool *done,
		   struct em_diag *diag)
{
	struct option table[OPTIONS_MAX + 2];
	char letters[2 * OPTIONS_MAX + 3];
	int option;

	make_tables(options, table, letters);
	*done = false;
	optind = 1;
	while ((option = getopt_long(argc, argv, letters, table, NULL)) != -1) {
		int index = option >= 256 ? option - 256 : find_letter(options, option);

		if (option == 'h') {
			print_usage(self);
			*done = true;
			return 0;
		}
		if (option == '?' || option == ':' || index < 0)
			return bad_option(self, argv, option, diag);
		take_option(options, index);
	}
	if (optind < argc && word)
		*word = argv[optind++];
	if (optind < argc)
		return em_diag_error(diag, -EM_EUSAGE, NULL, "%s: unexpected argument %s",
				     self->name, argv[optind]);
	return 0;
}

int em_cmd_finish(int rc, struct em_diag *diag)
{
	if (fflush(stdout) || ferror(stdout))
		return em_diag_error(diag, -EIO, NULL, "standard output: %s", strerror(errno));
	return rc;
}
