/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "cmd/cmd.h"
#include "engine/transaction.h"

static int run(const void *options, char *const *words, struct em_document *out,
	       struct em_diag *diag)
{
	(void)options, (void)words, (void)out;
	return em_transaction_remove(diag);
}

const struct em_command em_cmd_remove = {
	.name = "remove",
	.help = "Take everything away again.",
	.run = run,
};
