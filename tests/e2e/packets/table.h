/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * table - the cases of the end-to-end test, read from the file `cases`, which explains its format.
 */
#ifndef E2E_TABLE_H
#define E2E_TABLE_H

#include <stddef.h>

#include "tests/lib/packet.h"

struct test_case {
	unsigned int line;	/* in the file */
	unsigned int interface; /* 0: in0, 1: in1 */
	char *packet;		/* its description; owned, like all strings here */
	char *outcome;
	char *why; /* may be empty */
};

struct test_policy {
	unsigned int line;
	char *title;
	char *optional; /* names of backends that may refuse it; may be empty */
	char *config;
	struct test_case *cases;
	size_t n_cases;
};

struct table {
	struct test_policy *policies;
	size_t n_policies;
};

/*
 * Each policy comes twice: as it is in the file and, where no listener has a `vlan`, once more for
 * tagged frames.  A mistake in the file is printed, and ends the program.
 */
void table_read(struct table *table, const char *path);
void table_clear(struct table *table);

#endif
