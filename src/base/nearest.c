/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 32 /* longer words have no similar word */

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/*
 * Returns the number of insertions, deletions, substitutions and swaps of neighbours between two
 * words.
 */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int rows[3][WORD_MAX + 1] = {0};
	unsigned int *before = rows[0], *last = rows[1], *row = rows[2];
	size_t n = strlen(a), m = strlen(b);

	for (size_t j = 0; j <= m; j++)
		last[j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned int *spare = before;

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= m; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);

			row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + !same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[m];
}

/* Whether one word is a prefix of the other, as "nft" is of "nftables". */
static bool is_beginning(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), shorter = n < m ? n : m;

	return shorter > 1 && !strncasecmp(a, b, shorter);
}

struct em_nearest em_nearest_of(const char *written)
{
	/* A word with this many differences counts as a different word. */
	return (struct em_nearest){.written = written,
				   .best = (unsigned int)strlen(written) / 4 + 2};
}

void em_nearest_offer(struct em_nearest *nearest, const char *word)
{
	unsigned int mistakes;

	if (strlen(nearest->written) > WORD_MAX || strlen(word) > WORD_MAX)
		return;
	mistakes = is_beginning(nearest->written, word) ? 1 : distance(nearest->written, word);
	if (mistakes < nearest->best) {
		nearest->best = mistakes;
		nearest->found = word;
	}
}
