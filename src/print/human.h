/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * human - numbers for people: three digits or so and a letter, instead of all digits; and ages.
 */
#ifndef EM_HUMAN_H
#define EM_HUMAN_H

#include <stdint.h>

#define EM_HUMAN_SIZE 24

/*
 * 0, 0.3, 42, 999, 1.23k, 43.2k, 5.6M, …: powers of 1000.  value is not negative.  Returns text.
 */
const char *em_human(char text[EM_HUMAN_SIZE], double value);

/* The same for a counter, of which people compare small ones: exact below 10000. */
const char *em_human_count(char text[EM_HUMAN_SIZE], int64_t count);

/* How long ago, from ns: in the largest unit of which there are two, or seconds: "119s", "2m". */
const char *em_human_age(char text[EM_HUMAN_SIZE], uint64_t ns);

#endif
