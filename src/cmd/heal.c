/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/heal.h"
#include "cmd/cmd.h"
#include "print/print.h"

static void tell(void *context, const char *text)
{
	struct em_document *out = context;

	em_print_healed(out, text);
	fflush(out->out);
}

static int run(const void *options, char *const *words, struct em_document *out,
	       struct em_diag *diag)
{
	(void)options, (void)words;
	out->lines = true;
	return em_heal_run(tell, out, diag);
}

const struct em_command em_cmd_heal = {
	.name = "heal",
	.help = "Stay, and put the policy in force in its place whenever it is taken away.",
	.json = true,
	.run = run,
};
