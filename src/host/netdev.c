/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/netdev.h"

#include <errno.h>
#include <linux/genetlink.h>

#include "host/nl.h"

#define FAMILY	     "netdev"
#define DEV_GET	     1 /* NETDEV_CMD_DEV_GET */
#define IFINDEX	     1 /* NETDEV_A_DEV_IFINDEX */
#define XDP_FEATURES 3 /* NETDEV_A_DEV_XDP_FEATURES */

/* The attribute that an answer must have. */
struct wanted {
	uint16_t type;
	void *out;
	size_t size;
};

static int take(void *context, const struct nlmsghdr *header)
{
	const struct wanted *wanted = context;
	const struct nlattr *attr = em_nl_find(header, GENL_HDRLEN, wanted->type);

	return em_nl_get(attr, wanted->out, wanted->size) ? 0 : -EPROTO;
}

static struct nlmsghdr *begin(struct em_nl_message *message, uint16_t family, uint8_t command)
{
	const struct genlmsghdr header = {.cmd = command, .version = 1};

	return em_nl_begin(message, family, 0, &header, sizeof(header));
}

int em_netdev_xdp_features(unsigned int ifindex, uint64_t *features)
{
	uint16_t family;
	struct wanted id = {CTRL_ATTR_FAMILY_ID, &family, sizeof(family)};
	struct wanted mask = {XDP_FEATURES, features, sizeof(*features)};
	struct em_nl_message message;
	struct nlmsghdr *request = begin(&message, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	int rc;

	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, FAMILY);
	rc = em_nl_ask(NETLINK_GENERIC, request, take, &id);
	if (rc)
		return rc;
	request = begin(&message, family, DEV_GET);
	mnl_attr_put_u32(request, IFINDEX, ifindex);
	return em_nl_ask(NETLINK_GENERIC, request, take, &mask);
}
