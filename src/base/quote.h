/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * quote - words of a command that a user may paste into a shell.
 */
#ifndef EM_QUOTE_H
#define EM_QUOTE_H

#include <stddef.h>

/* Writes the word to text, cut off at size; in quotes where a shell would not take it as it is. */
void em_quote(const char *word, char *text, size_t size);

#endif
