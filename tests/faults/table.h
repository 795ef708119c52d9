/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * table - the errors with which each system call is made to fail, and the names of both.
 */
#ifndef FAULTS_TABLE_H
#define FAULTS_TABLE_H

#include <stddef.h>

#define TABLE_ERRORS 6 /* 0 ends them */

struct table_call {
	int number; /* SYS_… */
	const char *name;
	int errors[TABLE_ERRORS];
};

/* NULL: not in the table. */
const struct table_call *table_find(int number);
const struct table_call *table_find_name(const char *name);

/* "ENOMEM", …, "KILL"; and back, 0 where it is none of those in the table. */
const char *table_error_name(int error);
int table_error_parse(const char *name);

#endif
