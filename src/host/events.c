/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/events.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h */
#define GROUP_NFTABLES 7

static int join(int *out, int protocol, const int *groups)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd < 0)
		return -errno;
	*out = fd;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	for (; *groups; groups++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, groups, sizeof(*groups)))
			return -errno;
	return 0;
}

int em_events_open(struct em_events *out)
{
	static const int links[] = {RTNLGRP_LINK, RTNLGRP_TC, 0}, rulesets[] = {GROUP_NFTABLES, 0};
	int rc;

	*out = (struct em_events){-1, -1};
	rc = join(&out->links, NETLINK_ROUTE, links);
	if (rc)
		return rc;
	rc = join(&out->rulesets, NETLINK_NETFILTER, rulesets);
	/* A kernel without nf_tables. */
	if (rc == -EPROTONOSUPPORT || rc == -EINVAL) {
		if (out->rulesets >= 0)
			close(out->rulesets);
		out->rulesets = -1;
		rc = 0;
	}
	return rc;
}

void em_events_close(struct em_events *events)
{
	if (events->links >= 0)
		close(events->links);
	if (events->rulesets >= 0)
		close(events->rulesets);
}

/* What was lost because there was too much of it is a change as well. */
static int drain(int fd)
{
	char bytes[8192];
	ssize_t length;

	do
		length = recv(fd, bytes, sizeof(bytes), MSG_TRUNC);
	while (length > 0 || (length < 0 && (errno == EINTR || errno == ENOBUFS)));
	return length < 0 && errno != EAGAIN ? -errno : 0;
}

int em_events_wait(const struct em_events *events, int milliseconds)
{
	struct pollfd fds[2] = {{.fd = events->links, .events = POLLIN},
				{.fd = events->rulesets, .events = POLLIN}};
	int n = poll(fds, 2, milliseconds), rc = 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; !rc && i < 2; i++)
		if (fds[i].revents)
			rc = drain(fds[i].fd);
	return rc ? rc : n > 0;
}
