/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * utf8 - prints strings from outside (paths, interface names, kernel messages) safely.
 *
 * They may hold any bytes.  Invalid UTF-8 breaks a JSON document, and a terminal obeys control
 * characters.
 */
#ifndef EM_UTF8_H
#define EM_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Returns the length of the well-formed UTF-8 character at text (RFC 3629); 0: there is none. */
size_t em_utf8_length(const char *text);

/* Whether that character is a control character: C0, DEL or C1. */
bool em_utf8_is_control(const char *text);

/* Returns the number of leading bytes of text that are printable UTF-8, and so safe to print. */
size_t em_utf8_printable(const char *text);

/* Prints text in one line, with all other bytes as \xHH. */
void em_utf8_print(FILE *out, const char *text);

/*
 * As em_utf8_print(), but of what takes more columns (3 at least), the middle becomes "...".
 */
void em_utf8_print_cut(FILE *out, const char *text, size_t columns);

/* Returns the number of terminal columns that this takes, at one per character. */
size_t em_utf8_columns(const char *text);

#endif
