/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * config_tag - what an entity covers, as it is spelt: a tag, the beginning of tags, or a range.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config/entities.h"

#define PREFIX "prefix:"

/* Room for what stands before ".." or "/", of any length that may be right. */
#define LEFT_MAX 128

/* The family of the addresses that may be tags, also where they are in the payload; or AF_UNSPEC.
 */
static int address_family(const struct em_tag *tag)
{
	if (tag->n_pieces != 1)
		return AF_UNSPEC;
	return tag->length == 4 ? AF_INET : tag->length == 16 ? AF_INET6 : AF_UNSPEC;
}

/* Whether somebody meant an address, and no bytes. */
static bool looks_like_address(int family, const char *text)
{
	const char *characters = family == AF_INET ? "0123456789." : "0123456789abcdefABCDEF:.";

	return family != AF_UNSPEC && strpbrk(text, ".:") && !text[strspn(text, characters)];
}

/*
 * One tag, or the beginning of one; the rest of bytes[] stays. Returns as em_bytes_parse().
 * "aa:bb:cc:dd:ee:ff:00:11" can be both: bytes in the payload, an address in the header.
 */
static int parse_one(const struct em_format *format, const char *text, uint8_t bytes[EM_TAG_MAX],
		     const char **expected)
{
	const struct em_piece_field *field = em_tag_field(&format->tag);
	int family = address_family(&format->tag);
	int length;

	if (field && inet_pton(family, text, bytes) == 1)
		return field->length;
	length = em_bytes_parse(text, bytes, EM_TAG_MAX, expected);
	if (length >= 0)
		return length;
	if (family != AF_UNSPEC && inet_pton(family, text, bytes) == 1)
		return format->tag.length;
	if ((field && strncmp(text, "0x", 2) != 0) || looks_like_address(family, text))
		*expected = family == AF_INET
				    ? "an IPv4 address, or bytes as \"0x…\" or \"text:…\""
				    : "an IPv6 address, or bytes as \"0x…\" or \"text:…\"";
	return -1;
}

static int parse_left(const struct em_format *format, const char *text, size_t length,
		      uint8_t bytes[EM_TAG_MAX], const char **expected)
{
	char left[LEFT_MAX];

	*expected = EM_EXPECTED_BYTES;
	if (length >= sizeof(left))
		return -1;
	memcpy(left, text, length);
	left[length] = '\0';
	return parse_one(format, left, bytes, expected);
}

/* "0x20..0x63" */
static int parse_range(const struct em_format *format, const char *text, const char *dots,
		       struct em_cover *out, const char **expected)
{
	int first = parse_left(format, text, (size_t)(dots - text), out->first, expected);
	int last = first < 0 ? -1 : parse_one(format, dots + 2, out->last, expected);

	if (last < 0)
		return -1;
	if (first != format->tag.length || last != format->tag.length)
		return first != format->tag.length ? first : last;
	if (memcmp(out->first, out->last, format->tag.length) <= 0)
		return first;
	*expected = "the first tag of a range before .. and the last one behind it";
	return -1;
}

/* Ends the cover of tags that have their first `bits` bits in common with out->first. */
static bool end_prefix(const struct em_format *format, unsigned int bits, struct em_cover *out)
{
	memcpy(out->last, out->first, sizeof(out->last));
	for (unsigned int i = bits; i < format->tag.length * 8U; i++) {
		if (out->first[i / 8] & 0x80 >> i % 8)
			return false;
		out->last[i / 8] |= 0x80 >> i % 8;
	}
	return true;
}

/* "0x0a010000/16", or "0x0a01/16" */
static int parse_bits(const struct em_format *format, const char *text, const char *slash,
		      struct em_cover *out, const char **expected)
{
	int length = parse_left(format, text, (size_t)(slash - text), out->first, expected);
	const char *digits = slash + 1;
	unsigned long bits = strtoul(digits, NULL, 10);

	if (length < 0 || !format->tag.length || length > format->tag.length)
		return length;
	if (!*digits || digits[strspn(digits, "0123456789")] || strlen(digits) > 3)
		*expected = "a number of bits behind the /";
	else if (bits > format->tag.length * 8U)
		*expected = "at most as many bits as the tag has behind the /";
	else if (bits > length * 8U)
		*expected = "all bits of the prefix before the /";
	else if (!end_prefix(format, bits, out))
		*expected = "bits beyond the prefix to be 0, or left out";
	else
		return format->tag.length;
	return -1;
}

/* "text:prod." of "prefix:text:prod." */
static int parse_prefix(const struct em_format *format, const char *text, struct em_cover *out,
			const char **expected)
{
	int length = em_bytes_parse(text, out->first, EM_TAG_MAX, expected);

	if (length < 0 || !format->tag.length)
		return length;
	if (length > format->tag.length) {
		*expected = "a prefix that is not longer than the tag";
		return -1;
	}
	end_prefix(format, length * 8U, out);
	return format->tag.length;
}

/* Text is taken as it is. */
int em_tag_parse(const struct em_format *format, const char *text, struct em_cover *out,
		 const char **expected)
{
	const bool is_text = strncmp(text, "text:", 5) == 0;
	const char *dots = is_text ? NULL : strstr(text, "..");
	const char *slash = is_text ? NULL : strchr(text, '/');
	int length;

	*out = (struct em_cover){0};
	if (strncmp(text, PREFIX, strlen(PREFIX)) == 0)
		return parse_prefix(format, text + strlen(PREFIX), out, expected);
	if (dots)
		return parse_range(format, text, dots, out, expected);
	if (slash)
		return parse_bits(format, text, slash, out, expected);
	length = parse_one(format, text, out->first, expected);
	memcpy(out->last, out->first, sizeof(out->last));
	if (is_text && format->tag.length && length != format->tag.length && strstr(text, "..")) {
		*expected = "a range in hexadecimal, since text is always a tag itself";
		return -1;
	}
	return length;
}
