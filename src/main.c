// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main - the table of commands and the exit status.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "config-build.h"

enum status {
	STATUS_DONE,
	STATUS_FAILED,
	STATUS_USAGE,
	STATUS_UNSUPPORTED,
	STATUS_NOT_WHOLE,
};

static const struct em_command commands[] = {
	{"apply", em_cmd_apply, "[-n|--dry-run] [--backend=BACKEND] [--json] [CONFIG]",
	 "Check the configuration, choose a backend, install or update the policy."},
	{"check", em_cmd_check, "[--json] [CONFIG]",
	 "Read and check the configuration; list what a backend could not carry."},
	{"probe", em_cmd_probe, "[--json] [CONFIG]",
	 "Show what this host can carry, what stands in the way, and what apply would choose."},
	{"ruleset", em_cmd_ruleset, "[CONFIG]",
	 "Print the ruleset of the nft backend, for nft -f."},
	{"status", em_cmd_status, "[--json]",
	 "Show what is applied, by which backend, and whether it is still in place."},
	{"stats", em_cmd_stats, "[--json] [--reset]", "Show the counters, or set them to zero."},
	{"remove", em_cmd_remove, "", "Take everything away again."},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	printf("usage: entitymux COMMAND [ARGUMENT...]\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].description);
	printf("\nCONFIG is %s where it is left out.  Every command takes --help.\n",
	       EM_DEFAULT_CONFIG);
	printf("entitymux --version prints the version.\n");
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

static int run(int argc, char **argv, struct em_diag *diag)
{
	if (argc < 2)
		return em_diag_error(diag, -EM_EUSAGE, NULL, "no command; see entitymux --help");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help();
		return 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("entitymux %s\n", PACKAGE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(&commands[i], argc - 1, argv + 1, diag);
	return em_diag_error(diag, -EM_EUSAGE, NULL, "unknown command %s; see entitymux --help",
			     argv[1]);
}

int main(int argc, char **argv)
{
	struct em_diag diag;

	em_diag_init(&diag, stderr);
	return status_of(em_cmd_finish(run(argc, argv, &diag), &diag));
}
