/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * cut - runs a command and kills it instead of one of its system calls, so that it dies at a place
 * that is known.
 *
 *	cut CALL NTH COMMAND [ARGUMENT...]
 *
 * Exit status 0: it has died there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/faults/inject.h"
#include "tests/faults/table.h"

int main(int argc, char **argv)
{
	struct inject inject = {.error = INJECT_KILL};
	const struct table_call *call;

	if (argc < 4)
		return 2;
	call = table_find_name(argv[1]);
	if (!call)
		return 2;
	inject.at.number = call->number;
	inject.at.nth = atoi(argv[2]);
	inject_run(&inject, (const char *const *)&argv[3]);
	printf("%s%s", inject.out, inject.err);
	return !inject.reached;
}
