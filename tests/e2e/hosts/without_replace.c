/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * without_replace - entitymux as on a kernel before 5.7, which does not know XDP_FLAGS_REPLACE.
 *
 * Linked with --wrap=mnl_socket_sendto: a request with that flag gets one that no kernel knows.
 */
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "host/nl.h"

#define UNKNOWN_FLAG (1U << 31)

ssize_t __real_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t length);
__attribute__((used)) ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket,
						       const void *bytes, size_t length);

/* Message is the one in bytes of ours. */
static void disguise(char *bytes, const struct nlmsghdr *message)
{
	const struct nlattr *xdp, *found;
	uint32_t flags;

	if (message->nlmsg_type != RTM_SETLINK)
		return;
	xdp = em_nl_find(message, sizeof(struct ifinfomsg), IFLA_XDP);
	found = xdp ? em_nl_find_in(xdp, IFLA_XDP_FLAGS) : NULL;
	if (!em_nl_get(found, &flags, sizeof(flags)))
		return;
	if (flags & XDP_FLAGS_REPLACE)
		flags |= UNKNOWN_FLAG;
	memcpy(bytes + ((const char *)mnl_attr_get_payload(found) - bytes), &flags, sizeof(flags));
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t length)
{
	const struct nlmsghdr *message;
	char *copy = malloc(length);
	int left = length;
	ssize_t sent;

	if (!copy)
		return -1;
	memcpy(copy, bytes, length);
	message = (const void *)copy;
	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		disguise(copy, message);
	sent = __real_mnl_socket_sendto(socket, copy, length);
	free(copy);
	return sent;
}
