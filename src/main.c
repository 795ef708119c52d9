/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * main - the table of commands and the exit status.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "cmd/cmd.h"
#include "config-build.h"
#include "print/error.h"

enum status {
	STATUS_DONE,
	STATUS_FAILED,
	STATUS_USAGE,
	STATUS_UNSUPPORTED,
	STATUS_NOT_WHOLE,
};

static const struct em_command *const commands[] = {
	&em_cmd_apply,	 &em_cmd_check,	   &em_cmd_diff,     &em_cmd_probe,
	&em_cmd_ruleset, &em_cmd_explain,  &em_cmd_showconf, &em_cmd_entity,
	&em_cmd_status,	 &em_cmd_stats,	   &em_cmd_unknown,  &em_cmd_sample,
	&em_cmd_confirm, &em_cmd_rollback, &em_cmd_heal,     &em_cmd_remove,
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	printf("usage: entitymux COMMAND [ARGUMENT...]\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-8s %s\n", commands[i]->name, commands[i]->help);
	printf("\n%s\n", EM_CONFIG_HELP);
	printf("entitymux COMMAND --help lists the options of a command.\n"
	       "entitymux --version prints the version and what is built in.\n");
}

static enum status status_of(int rc)
{
	switch (rc) {
	case 0:
		return STATUS_DONE;
	case -EM_EUSAGE:
		return STATUS_USAGE;
	case -EM_EUNSUPPORTED:
		return STATUS_UNSUPPORTED;
	case -EM_EDRIFT:
		return STATUS_NOT_WHOLE;
	default:
		return STATUS_FAILED;
	}
}

/*
 * What is opened later must not take the place of standard output or error, or of what libraries
 * print to.  A closed one stays one that nothing can be written to.
 */
static int keep_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
			return -errno;
	return 0;
}

static const struct em_command *find_command(const char *name, struct em_diag *diag)
{
	struct em_nearest nearest = em_nearest_of(name);

	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (!strcmp(name, commands[i]->name))
			return commands[i];
		em_nearest_offer(&nearest, commands[i]->name);
	}
	if (nearest.found)
		em_diag_error(diag, -EM_EUSAGE, NULL, "unknown command %.64s; did you mean %s?",
			      name, nearest.found);
	else
		em_diag_error(diag, -EM_EUSAGE, NULL, "unknown command %.64s; see entitymux --help",
			      name);
	return NULL;
}

static int flush(struct em_diag *diag)
{
	return fflush(stdout) ? em_diag_errno(diag, -errno, NULL, "standard output") : 0;
}

static int help(const char *name, struct em_diag *diag)
{
	const struct em_command *command = name ? find_command(name, diag) : NULL;

	if (command)
		em_cmd_help(command);
	else if (name)
		return -EM_EUSAGE;
	else
		print_help();
	return flush(diag);
}

static void print_version(void)
{
	printf("entitymux %s\nfeatures: nft", PACKAGE_VERSION);
#ifdef HAVE_BPF
	printf(" bpf");
#endif
#ifdef HAVE_CURSES
	printf(" watch");
#endif
	printf("\n");
}

/* Finds the command of argv.  Returns NULL with the result in *rc if there is none to run. */
static const struct em_command *choose(int *rc, char **argv, struct em_diag *diag)
{
	*rc = -EM_EUSAGE;
	if (!argv[1]) {
		em_diag_error(diag, *rc, NULL, "no command; see entitymux --help");
		return NULL;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		*rc = help(argv[2], diag);
		return NULL;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		print_version();
		*rc = flush(diag);
		return NULL;
	}
	return find_command(argv[1], diag);
}

static bool wants_json(char *const *argv)
{
	for (; *argv; argv++)
		if (!strcmp(*argv, "--json"))
			return true;
	return false;
}

/* Without a command there is no result: with --json, the document is the error. */
static void print_error(int rc, const struct em_print_messages *messages)
{
	struct em_document out;

	em_document_init(&out, stdout, true);
	em_print_error(&out, rc, messages);
	em_document_end(&out); /* which could only report that this failed, too */
}

int main(int argc, char **argv)
{
	struct em_print_messages messages = {0};
	const struct em_command *command;
	struct em_diag diag;
	int rc;

	/* Whoever runs this may ignore them; it waits for children, and bounds their time. */
	signal(SIGCHLD, SIG_DFL);
	signal(SIGALRM, SIG_DFL);
	em_diag_init(&diag, stderr);
	rc = keep_standard_files();
	if (rc)
		return status_of(em_diag_errno(&diag, rc, NULL, "/dev/null"));
	diag.listen = em_print_keep_message;
	diag.context = &messages;
	command = choose(&rc, argv, &diag);
	diag.listen = NULL;
	if (command)
		rc = em_cmd_run(command, argc - 1, argv + 1, &diag);
	else if (rc && wants_json(argv))
		print_error(rc, &messages);
	em_print_clear_messages(&messages);
	return status_of(rc);
}
