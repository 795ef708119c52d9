/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "state/lines.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool em_lines_number(const char *word, uint64_t *out)
{
	char *end;

	if (!isdigit((unsigned char)*word))
		return false;
	errno = 0;
	*out = strtoull(word, &end, 10);
	return !errno && *end == '\0';
}

int em_lines_begin(struct em_lines *lines, unsigned int format)
{
	uint64_t found;
	int rc = em_lines_next(lines);

	if (rc < 0)
		return rc;
	if (!rc || strcmp(lines->key, "format") || !em_lines_number(lines->rest, &found) ||
	    !found || found > format)
		return -EBADMSG;
	return 0;
}

int em_lines_next(struct em_lines *lines)
{
	ssize_t length;

	errno = 0;
	length = getline(&lines->line, &lines->size, lines->in);
	if (length < 0)
		return feof(lines->in) && !ferror(lines->in) ? 0 : errno ? -errno : -EIO;
	if (lines->line[length - 1] != '\n')
		return -EBADMSG;
	lines->line[length - 1] = '\0';
	lines->rest = lines->line;
	lines->key = strsep(&lines->rest, " ");
	if (!lines->rest)
		lines->rest = lines->line + length - 1;
	return 1;
}

void em_lines_end(struct em_lines *lines)
{
	free(lines->line);
	lines->line = NULL;
}

int em_lines_flush(FILE *out)
{
	errno = 0;
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
