/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/heal.h"
#include "cmd/cmd.h"
#include "print/print.h"

struct options {
	bool once;
};

static const struct em_option options[] = {
	{"once", 0, NULL, NULL, offsetof(struct options, once), "look once, and do not stay"},
	{0},
};

static void tell(void *context, const char *text)
{
	struct em_document *out = context;

	em_print_healed(out, text);
	fflush(out->out);
}

static int run_once(struct em_document *out, struct em_diag *diag)
{
	struct em_heal result;
	int rc = em_heal_once(&result, diag);

	if (rc)
		return rc;
	em_print_heal(out, &result);
	return result.applied && !result.whole ? -EM_EDRIFT : 0;
}

static int run(const void *given, char *const *words, struct em_document *out, struct em_diag *diag)
{
	const struct options *wanted = given;

	(void)words;
	if (wanted->once)
		return run_once(out, diag);
	out->lines = true;
	return em_heal_run(tell, out, diag);
}

const struct em_command em_cmd_heal = {
	.name = "heal",
	.help = "Stay, and put the policy in force in its place whenever it is taken away.",
	.json = true,
	.options = options,
	.size = sizeof(struct options),
	.run = run,
};
