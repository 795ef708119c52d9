/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "base/quote.h"

#include <stdio.h>
#include <string.h>

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "_@%+=:,./-";

void em_quote(const char *word, char *text, size_t size)
{
	size_t used;

	if (word[0] && !word[strspn(word, plain)]) {
		snprintf(text, size, "%s", word);
		return;
	}
	used = snprintf(text, size, "'");
	/* In single quotes, nothing is special but their end. */
	for (; *word && used < size; word++)
		used += snprintf(text + used, size - used, *word == '\'' ? "'\\''" : "%c", *word);
	if (used < size)
		snprintf(text + used, size - used, "'");
}
