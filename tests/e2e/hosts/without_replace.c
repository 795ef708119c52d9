/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * without_replace - entitymux as on a kernel before 5.7, which does not know XDP_FLAGS_REPLACE.
 *
 * Linked with --wrap=sendto: a request with that flag gets one that no kernel knows.
 */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host/attr.h"

#define UNKNOWN_FLAG (1U << 31)

ssize_t __real_sendto(int fd, const void *bytes, size_t length, int flags,
		      const struct sockaddr *to, socklen_t size);
ssize_t __wrap_sendto(int fd, const void *bytes, size_t length, int flags,
		      const struct sockaddr *to, socklen_t size);

static void disguise(struct nlmsghdr *message)
{
	const size_t begin = NLMSG_SPACE(sizeof(struct ifinfomsg));
	const struct nlattr *xdp, *found;
	uint32_t flags;

	if (message->nlmsg_type != RTM_SETLINK)
		return;
	xdp = em_attr_find((const char *)message + begin, message->nlmsg_len - begin, IFLA_XDP);
	found = xdp ? em_attr_find_in(xdp, IFLA_XDP_FLAGS) : NULL;
	if (!found)
		return;
	memcpy(&flags, found + 1, sizeof(flags));
	if (flags & XDP_FLAGS_REPLACE)
		flags |= UNKNOWN_FLAG;
	memcpy((char *)message + ((const char *)(found + 1) - (const char *)message), &flags,
	       sizeof(flags));
}

ssize_t __wrap_sendto(int fd, const void *bytes, size_t length, int flags,
		      const struct sockaddr *to, socklen_t size)
{
	char *copy = malloc(length);
	unsigned int left = length;
	ssize_t sent;

	if (!copy)
		return -1;
	memcpy(copy, bytes, length);
	if (to && to->sa_family == AF_NETLINK)
		for (struct nlmsghdr *message = (void *)copy; NLMSG_OK(message, left);
		     message = NLMSG_NEXT(message, left))
			disguise(message);
	sent = __real_sendto(fd, copy, length, flags, to, size);
	free(copy);
	return sent;
}
