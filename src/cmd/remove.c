/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/remove.h"
#include "cmd/cmd.h"

static int run(const void *options, char *const *words, struct em_document *out,
	       struct em_diag *diag)
{
	(void)options, (void)words, (void)out;
	return em_remove(0, false, diag);
}

const struct em_command em_cmd_remove = {
	.name = "remove",
	.help = "Take everything away again.",
	.run = run,
};
