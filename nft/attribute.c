/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "nft/attribute.h"
#include "nft/uapi.h"

#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "nft/message.h"

struct em_row em_row_of(const struct nlmsghdr *message)
{
	const size_t header = sizeof(struct nfgenmsg);

	if (mnl_nlmsg_get_payload_len(message) < NLMSG_ALIGN(header))
		return (struct em_row){"", 0};
	return (struct em_row){mnl_nlmsg_get_payload_offset(message, header),
			       mnl_nlmsg_get_payload_len(message) - NLMSG_ALIGN(header)};
}

struct em_row em_row_in(const struct nlattr *nest)
{
	if (!nest)
		return (struct em_row){"", 0};
	return (struct em_row){mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest)};
}

const struct nlattr *em_row_next(struct em_row row, const struct nlattr *before)
{
	const struct nlattr *attribute = before ? mnl_attr_next(before) : row.start;
	const char *end = (const char *)row.start + row.length;

	return mnl_attr_ok(attribute, end - (const char *)attribute) ? attribute : NULL;
}

const struct nlattr *em_row_find(struct em_row row, uint16_t type, size_t n)
{
	for (const struct nlattr *at = em_row_next(row, NULL); at; at = em_row_next(row, at))
		if (mnl_attr_get_type(at) == type && n-- == 0)
			return at;
	return NULL;
}

/* How many attributes of its type come before it. */
static size_t position(struct em_row row, const struct nlattr *of)
{
	size_t n = 0;

	for (const struct nlattr *at = em_row_next(row, NULL); at != of; at = em_row_next(row, at))
		n += mnl_attr_get_type(at) == mnl_attr_get_type(of);
	return n;
}

static bool same_value(const struct nlattr *sent, const struct nlattr *kept)
{
	static const char map[] = EM_MESSAGE_VERDICT_MAP;
	size_t length = mnl_attr_get_payload_len(sent), there = mnl_attr_get_payload_len(kept);
	const char *bytes = mnl_attr_get_payload(sent), *others = mnl_attr_get_payload(kept);

	/* The kernel puts a number at the end of this name. */
	if (length == sizeof(map) && there >= length - 2 && memcmp(bytes, map, length) == 0)
		length = there = sizeof(map) - sizeof("%d");
	/* libnftnl sends some strings without the last byte. */
	if (there == length + 1 && others[length] == '\0')
		there = length;
	return there == length && memcmp(bytes, others, length) == 0;
}

/* The recursion is as deep as the nests of a rule, which we made: 6. */
bool em_row_is_kept(struct em_row sent, struct em_row kept)
{
	bool ok = true;

	for (const struct nlattr *at = em_row_next(sent, NULL); ok && at;
	     at = em_row_next(sent, at)) {
		const struct nlattr *there =
			em_row_find(kept, mnl_attr_get_type(at), position(sent, at));

		if (!there)
			return false;
		ok = at->nla_type & NLA_F_NESTED ? em_row_is_kept(em_row_in(at), em_row_in(there))
						 : same_value(at, there);
	}
	return ok;
}
