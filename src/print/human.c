/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "print/human.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* Zeros behind the point say nothing. */
static void shorten(char *text)
{
	size_t length = strlen(text);

	if (!strchr(text, '.'))
		return;
	while (text[length - 1] == '0')
		length--;
	if (text[length - 1] == '.')
		length--;
	text[length] = '\0';
}

const char *em_human(char text[EM_HUMAN_SIZE], double value)
{
	static const char letters[] = "kMGTPE";
	size_t letter = 0;
	int places;

	/* What would be rounded to 1000 is 1 of the next letter. */
	for (; value >= 999.5 && letter < sizeof(letters) - 1; letter++)
		value /= 1000;
	if (letter)
		places = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
	else
		places = value < 9.95 ? 1 : 0;
	snprintf(text, EM_HUMAN_SIZE - 1, "%.*f", places, value);
	shorten(text);
	if (letter)
		strncat(text, &letters[letter - 1], 1);
	return text;
}

const char *em_human_count(char text[EM_HUMAN_SIZE], int64_t count)
{
	if (count >= 10000)
		return em_human(text, (double)count);
	snprintf(text, EM_HUMAN_SIZE, "%" PRId64, count);
	return text;
}

const char *em_human_age(char text[EM_HUMAN_SIZE], uint64_t ns)
{
	static const struct {
		uint64_t seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	uint64_t seconds = ns / EM_SECOND;
	size_t i = 0;

	while (units[i].seconds > 1 && seconds < 2 * units[i].seconds)
		i++;
	snprintf(text, EM_HUMAN_SIZE, "%" PRIu64 "%c", seconds / units[i].seconds, units[i].unit);
	return text;
}
