/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * cmd - the commands.  Each has a file of its own; shared code is in cmd.c.
 *
 * A command is a row with its name, its arguments and its function.  --help, option parsing and the
 * JSON documents are derived from the row.
 */
#ifndef EM_CMD_H
#define EM_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "policy/policy.h"
#include "print/document.h"

/* An option of a command: a flag, or one with an argument. */
struct em_option {
	const char *name;
	char letter;		   /* 0: long only */
	const char *argument;	   /* name of the argument in --help; NULL: a flag */
	const char *const *values; /* allowed arguments, ended by NULL; NULL: any */
	size_t offset;		   /* offset in the command's struct of a bool or a const char * */
	const char *help;
	bool optional; /* the argument may be left out, and is "" then */
};

struct em_command {
	const char *name;
	const char *help;		 /* one line */
	const char *words;		 /* operands, as in the synopsis; NULL: none */
	const char *words_help;		 /* description, one sentence */
	unsigned int n_words;		 /* maximum number */
	bool json;			 /* takes --json */
	const struct em_option *options; /* ended by one without a name; NULL: none */
	size_t size;			 /* of the struct that they go into */
	/*
	 * options is that struct; members of options that were not given are zero.  words ends with
	 * NULL. Prints the result to out and returns 0 or -errno, reported.  See diag.h for the
	 * exit status.
	 */
	int (*run)(const void *options, char *const *words, struct em_document *out,
		   struct em_diag *diag);
};

extern const struct em_command em_cmd_apply;
extern const struct em_command em_cmd_check;
extern const struct em_command em_cmd_confirm;
extern const struct em_command em_cmd_diff;
extern const struct em_command em_cmd_entity;
extern const struct em_command em_cmd_explain;
extern const struct em_command em_cmd_heal;
extern const struct em_command em_cmd_probe;
extern const struct em_command em_cmd_remove;
extern const struct em_command em_cmd_rollback;
extern const struct em_command em_cmd_ruleset;
extern const struct em_command em_cmd_sample;
extern const struct em_command em_cmd_showconf;
extern const struct em_command em_cmd_stats;
extern const struct em_command em_cmd_status;
extern const struct em_command em_cmd_unknown;

/* The configuration used if the command line names none. */
#define EM_DEFAULT_CONFIG SYSCONFDIR "/entitymux.conf"
#define EM_CONFIG_HELP	  "CONFIG is " EM_DEFAULT_CONFIG " where it is left out."

/*
 * Runs a command; argv[0] is its name.  With --json, an error that occurs before anything was
 * printed is printed as the document.  Returns 0 or -errno, reported.
 */
int em_cmd_run(const struct em_command *command, int argc, char **argv, struct em_diag *diag);

/*
 * Like em_config_read().  If the default configuration is missing, the message names the example.
 */
int em_cmd_read_config(struct em_policy **out, const char *path, struct em_diag *diag);

/*
 * Reads a configuration to be used on this host.  The caller frees *out with em_policy_free().
 * Returns 0 or -errno, reported.
 */
int em_cmd_read_policy(struct em_policy **out, const char *path, struct em_diag *diag);

/*
 * Reads the argument of an option into *out; NULL leaves it alone.  Returns false where it is no
 * number from 1 to most.
 */
#define EM_CMD_CONFIRM_MAX 86400 /* seconds, of --confirm */
bool em_cmd_number(const char *text, size_t most, size_t *out);

/* What `entitymux COMMAND --help` prints. */
void em_cmd_help(const struct em_command *command);

#endif
