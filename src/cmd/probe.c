/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "print/print.h"

/* Without a configuration, which may not exist yet, the result is about the host alone. */
static int read_config(struct em_policy **out, const char *path, struct em_diag *diag)
{
	if (path || !access(EM_DEFAULT_CONFIG, F_OK) || errno != ENOENT)
		return em_cmd_read_policy(out, path ? path : EM_DEFAULT_CONFIG, diag);
	em_diag_note(diag, "there is no %s; this is about the host alone", EM_DEFAULT_CONFIG);
	return 0;
}

/* The exit status is that of the predicted apply. */
static int run(const void *options, char *const *words, struct em_document *out,
	       struct em_diag *diag)
{
	struct em_policy *policy __attribute__((cleanup(em_policy_freep))) = NULL;
	struct em_probe probe __attribute__((cleanup(em_probe_clear))) = {0};
	const char *path = words[0] ? words[0] : EM_DEFAULT_CONFIG;
	char absolute[PATH_MAX];
	int rc = read_config(&policy, words[0], diag);

	(void)options;
	if (!rc)
		rc = em_probe_run(&probe, policy, realpath(path, absolute) ? absolute : path, diag);
	if (rc)
		return rc;
	em_print_probe(out, &probe);
	return policy ? em_probe_choice(&probe)->error : 0;
}

const struct em_command em_cmd_probe = {
	.name = "probe",
	.help = "Show what this host can carry, what stands in the way, and what apply would "
		"choose.",
	.words = "[CONFIG]",
	.words_help = EM_CONFIG_HELP
	"\nWhere that does not exist either, it is about the kernel and all interfaces.",
	.n_words = 1,
	.json = true,
	.run = run,
};
