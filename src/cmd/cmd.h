/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd - the commands; each has a file of its own, and what they share is in cmd.c.
 *
 * A command gets its own words (argv[0] is its name), prints its result to standard output and
 * returns 0 or -errno, reported; diag.h says which exit status that becomes.
 */
#ifndef EM_CMD_H
#define EM_CMD_H

#include <getopt.h>
#include <stdbool.h>

#include "engine/backend.h"

struct em_command {
	const char *name;
	int (*run)(const struct em_command *self, int argc, char **argv, struct em_diag *diag);
	const char *arguments;	 /* as in the synopsis */
	const char *description; /* one line */
};

int em_cmd_apply(const struct em_command *self, int argc, char **argv, struct em_diag *diag);
int em_cmd_check(const struct em_command *self, int argc, char **argv, struct em_diag *diag);
int em_cmd_probe(const struct em_command *self, int argc, char **argv, struct em_diag *diag);
int em_cmd_remove(const struct em_command *self, int argc, char **argv, struct em_diag *diag);
int em_cmd_ruleset(const struct em_command *self, int argc, char **argv, struct em_diag *diag);
int em_cmd_stats(const struct em_command *self, int argc, char **argv, struct em_diag *diag);
int em_cmd_status(const struct em_command *self, int argc, char **argv, struct em_diag *diag);

/* An option of a command: a flag, or with an argument. */
struct em_option {
	const char *name;
	char letter;	       /* 0: long only */
	bool *flag;	       /* set to true; or */
	const char **argument; /* set to the argument */
};

/*
 * Reads the options of a command, ended by one without a name, and at most one further word into
 * *word (NULL: none is allowed).  --help prints the usage and sets *done.  Returns 0 or -EM_EUSAGE,
 * reported.
 */
int em_cmd_options(const struct em_command *self, int argc, char **argv,
		   const struct em_option *options, const char **word, bool *done,
		   struct em_diag *diag);

/* The configuration where none is named on the command line. */
#define EM_DEFAULT_CONFIG SYSCONFDIR "/entitymux.conf"

/* Flushes standard output; a result that could not be written is an error.  Passes rc on. */
int em_cmd_finish(int rc, struct em_diag *diag);

#endif
