/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "cmd/cmd.h"
#include "engine/confirm.h"
#include "print/print.h"

struct options {
	bool when_due;
};

static const struct em_option options[] = {
	{"when-due", 0, NULL, NULL, offsetof(struct options, when_due),
	 "wait for confirmation first, and undo only without it"},
	{0},
};

static int run(const void *given, char *const *words, struct em_document *out, struct em_diag *diag)
{
	const struct options *wanted = given;
	struct em_rollback rollback;
	int rc;

	(void)words;
	if (wanted->when_due)
		return em_confirm_wait(diag);
	rc = em_rollback(&rollback, 0, diag);
	if (!rc) {
		out->done = "the last apply is undone";
		em_print_rollback(out, &rollback);
	}
	em_rollback_clear(&rollback);
	return rc;
}

const struct em_command em_cmd_rollback = {
	.name = "rollback",
	.help = "Undo the last apply.",
	.options = options,
	.size = sizeof(struct options),
	.run = run,
};
