/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * identifier - what our chains and objects are called; see identifier.h.
 */
#include "nft/identifier.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool identifier_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

const char *em_identifier_format(const struct em_identifier *identifier,
				 char text[EM_IDENTIFIER_MAX])
{
	char *end = text;

	if (identifier->generation)
		end += sprintf(end, "v%u-", identifier->generation);
	end += sprintf(end, "%.32s", identifier->role);
	if (identifier->number)
		end += sprintf(end, "%u", identifier->number);
	if (identifier->part)
		end += sprintf(end, ".%u", identifier->part);
	if (identifier->owner)
		*end++ = '-';
	for (const char *c = identifier->owner; c && *c; c++)
		if (identifier_letter(*c))
			*end++ = *c;
		else
			end += sprintf(end, "/%02x", (unsigned char)*c);
	if (identifier->format && *identifier->format)
		end += sprintf(end, "/%s", identifier->format);
	*end = '\0';
	return text;
}

uint32_t em_identifier_generation(const char *text)
{
	unsigned long long generation;
	char *end;

	if (text[0] != 'v' || text[1] < '1' || text[1] > '9')
		return 0;
	generation = strtoull(text + 1, &end, 10);
	return *end == '-' && generation <= UINT32_MAX ? generation : 0;
}

const char *em_identifier_owner(const char *text, const char *role)
{
	size_t length = strlen(role);
	const char *start = em_identifier_generation(text) ? strchr(text, '-') + 1 : text;

	return strncmp(start, role, length) == 0 && start[length] == '-' ? start + length + 1
									 : NULL;
}
