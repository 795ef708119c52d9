// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/attr.h"

#include <sys/socket.h>

const struct nlattr *em_attr_find(const void *attrs, size_t length, uint16_t type)
{
	const char *at = attrs;

	while (length >= sizeof(struct nlattr)) {
		const struct nlattr *attr = (const void *)at;
		size_t step = NLA_ALIGN(attr->nla_len);

		if (attr->nla_len < sizeof(*attr) || attr->nla_len > length)
			return NULL;
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
		if (step > length)
			return NULL;
		at += step;
		length -= step;
	}
	return NULL;
}

const struct nlattr *em_attr_find_in(const struct nlattr *nest, uint16_t type)
{
	return em_attr_find(nest + 1, nest->nla_len - sizeof(*nest), type);
}
