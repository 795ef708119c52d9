/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * decimal - numbers as text, where printf() would take most of the time: of a million entities.
 */
#ifndef EM_DECIMAL_H
#define EM_DECIMAL_H

#include <stdint.h>

#define EM_DECIMAL_MAX 21 /* "18446744073709551615" and NUL */

/* Returns the first digit, which is somewhere in text. */
char *em_decimal(uint64_t number, char text[EM_DECIMAL_MAX]);

#endif
