/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * finish_formats - the checks that concern the formats of a listener: what each is for, and whether
 * anything is left to it.
 */
#include <string.h>
#include <sys/socket.h>

#include "policy/finish.h"

/* The IP versions of datagrams, one bit each. */
enum { IPV4 = 1, IPV6 = 2, BOTH = IPV4 | IPV6 };

static unsigned int families_of(uint8_t family)
{
	return family == AF_INET ? IPV4 : family == AF_INET6 ? IPV6 : BOTH;
}

/* Those that the listener permits. */
static unsigned int families_of_sources(const struct em_listener *listener)
{
	unsigned int families = listener->n_sources ? 0 : BOTH;

	for (size_t i = 0; i < listener->n_sources; i++)
		families |= families_of(listener->sources[i].address.family);
	return families;
}

static unsigned int families_of_addresses(const struct em_listener *listener)
{
	unsigned int families = listener->n_addresses ? 0 : BOTH;

	for (size_t i = 0; i < listener->n_addresses; i++)
		families |= families_of(listener->addresses[i].family);
	return families;
}

/* Reports a tag that is of another IP version than all that the listener permits. */
static int check_family(const struct em_listener *listener, const struct em_format *format,
			struct em_diag *diag)
{
	unsigned int families = families_of(em_format_family(format));
	const char *key = NULL;
	char path[EM_FINISH_PATH_MAX];

	if (!(families & families_of_sources(listener)))
		key = "sources";
	else if (!(families & families_of_addresses(listener)))
		key = "addresses";
	if (families == BOTH || !key)
		return 0;
	return em_diag_error(diag, -EM_EUSAGE, &format->tag.place,
			     "%stag: it has an %s address, and %s are %s only, expected one "
			     "of the same IP version in both",
			     em_finish_path(listener, format, path),
			     families == IPV4 ? "IPv4" : "IPv6", key,
			     families == IPV4 ? "IPv6" : "IPv4");
}

/*
 * The format with which those before this one fit all that it fits; NULL: something is left to it.
 */
static const struct em_format *find_cover(const struct em_listener *listener,
					  const struct em_format *format)
{
	unsigned int left = families_of(em_format_family(format)) & families_of_sources(listener) &
			    families_of_addresses(listener);

	for (const struct em_format *other = listener->formats; left && other < format; other++) {
		if (format->tag.length && other->tag.length && em_format_covers(other, format))
			left &= ~families_of(em_format_family(other));
		if (!left)
			return other;
	}
	return NULL;
}

int em_finish_formats(const struct em_listener *listener, struct em_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; i < listener->n_formats; i++) {
		const struct em_format *format = &listener->formats[i], *other = listener->formats;
		char line[512];

		while (other < format && (!*format->name || strcmp(other->name, format->name) != 0))
			other++;
		if (other < format)
			rc = em_diag_error(
				diag, -EM_EUSAGE, &format->place,
				"listener \"%s\": formats[%zu].name: \"%s\" is the name "
				"of another format already (%s)",
				listener->name, i, format->name,
				em_finish_where(&other->place, &format->place, line, sizeof(line)));
		other = find_cover(listener, format);
		if (other)
			rc = em_diag_error(
				diag, -EM_EUSAGE, &format->place,
				"listener \"%s\": formats[%zu]: can never be reached, "
				"\"%s\" (%s) fits all that it fits, expected other checks, "
				"another payload or another order",
				listener->name, i, other->name,
				em_finish_where(&other->place, &format->place, line, sizeof(line)));
		if (check_family(listener, format, diag))
			rc = -EM_EUSAGE;
	}
	return rc;
}
