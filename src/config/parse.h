/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * parse - the format of libconfig, from text to a tree.
 *
 * It is read here and not by libconfig because libconfig's versions (1.5 in Debian 12, 1.7.3 in
 * Debian 13, 1.8) disagree on numbers, trailing commas and included files, and say "syntax error"
 * for most mistakes.  Other than they, the reader wants a string to end in the line it begins in,
 * and knows no escapes but the documented ones.
 */
#ifndef EM_PARSE_H
#define EM_PARSE_H

#include "config/reader.h"
#include "config/tree.h"

/*
 * Reads the file of the reader, and what it includes, into an empty tree.  Returns as the functions
 * of reader.h do, for the first mistake of syntax; a key that is there twice is only reported.
 */
int em_parse(struct em_reader *reader, struct em_tree *tree);

#endif
