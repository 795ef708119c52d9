// SPDX-License-Identifier: GPL-2.0-or-later
#include "rtnl.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Older headers lack what the kernel has since 4.12. */
#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

struct request {
	struct nlmsghdr header;
	struct ifinfomsg link;
	struct nlattr xdp; /* IFLA_XDP, holds the rest */
	struct nlattr fd_attr;
	int32_t fd;
	struct nlattr flags_attr;
	uint32_t flags;
	struct nlattr expected_attr; /* only with XDP_FLAGS_REPLACE */
	int32_t expected;
};

_Static_assert(sizeof(struct request) == sizeof(struct nlmsghdr) + sizeof(struct ifinfomsg) + 28,
	       "attributes follow each other without padding");

#define ATTR_U32 (sizeof(struct nlattr) + sizeof(uint32_t))

static void make_request(struct request *request, const struct em_rtnl_xdp *change, uint32_t seq)
{
	bool replace = change->expected >= 0;

	*request = (struct request){
		.header = { .nlmsg_len = sizeof(*request),
			    .nlmsg_type = RTM_SETLINK,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			    .nlmsg_seq = seq },
		.link = { .ifi_family = AF_UNSPEC, .ifi_index = change->ifindex },
		.xdp = { .nla_len = sizeof(struct nlattr) + (replace ? 3 : 2) * ATTR_U32,
			 .nla_type = IFLA_XDP | NLA_F_NESTED },
		.fd_attr = { .nla_len = ATTR_U32, .nla_type = IFLA_XDP_FD },
		.fd = change->program,
		.flags_attr = { .nla_len = ATTR_U32, .nla_type = IFLA_XDP_FLAGS },
		.flags = change->mode | (replace ? XDP_FLAGS_REPLACE : XDP_FLAGS_UPDATE_IF_NOEXIST),
		.expected_attr = { .nla_len = ATTR_U32, .nla_type = IFLA_XDP_EXPECTED_FD },
		.expected = change->expected,
	};
	if (!replace)
		request->header.nlmsg_len -= ATTR_U32;
}

static void note_answer(struct em_rtnl_xdp *change, const struct nlmsghdr *header)
{
	const struct nlmsgerr *answer = NLMSG_DATA(header);
	size_t at = NLMSG_HDRLEN + sizeof(*answer);

	change->error = answer->error;
	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		at += answer->msg.nlmsg_len - NLMSG_HDRLEN;
	at = NLMSG_ALIGN(at);
	while (at + sizeof(struct nlattr) <= header->nlmsg_len) {
		const struct nlattr *attr = (const void *)((const char *)header + at);

		if (attr->nla_len < sizeof(*attr) || at + attr->nla_len > header->nlmsg_len)
			return;
		if (attr->nla_type == NLMSGERR_ATTR_MSG) {
			size_t length = attr->nla_len - sizeof(*attr);

			if (length >= sizeof(change->message))
				length = sizeof(change->message) - 1;
			memcpy(change->message, attr + 1, length);
			change->message[length] = '\0';
		}
		at += NLA_ALIGN(attr->nla_len);
	}
}

static int read_answers(int socket, struct em_rtnl_xdp *changes, size_t n)
{
	_Alignas(struct nlmsghdr) char buffer[8192];
	size_t answered = 0;

	while (answered < n) {
		ssize_t length = recv(socket, buffer, sizeof(buffer), 0);

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return length ? -errno : -EPIPE;
		for (const struct nlmsghdr *header = (const void *)buffer;
		     NLMSG_OK(header, length); header = NLMSG_NEXT(header, length)) {
			if (header->nlmsg_type != NLMSG_ERROR || header->nlmsg_seq < 1 ||
			    header->nlmsg_seq > n)
				continue;
			note_answer(&changes[header->nlmsg_seq - 1], header);
			answered++;
		}
	}
	return 0;
}

static int send_requests(int socket, const struct em_rtnl_xdp *changes, size_t n)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	char *buffer = calloc(n, sizeof(struct request));
	size_t length = 0;
	ssize_t sent;

	if (!buffer)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct request request;

		make_request(&request, &changes[i], i + 1);
		memcpy(buffer + length, &request, request.header.nlmsg_len);
		length += request.header.nlmsg_len;
	}
	do
		sent = sendto(socket, buffer, length, 0, (struct sockaddr *)&kernel, sizeof(kernel));
	while (sent < 0 && errno == EINTR);
	free(buffer);
	return sent < 0 ? -errno : 0;
}

int em_rtnl_change_xdp(struct em_rtnl_xdp *changes, size_t n)
{
	int socket_fd, rc, one = 1;

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		changes[i].error = 0;
		changes[i].message[0] = '\0';
	}
	socket_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (socket_fd < 0)
		return -errno;
	/* Both only make the answers better; without them they still come. */
	(void)setsockopt(socket_fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)setsockopt(socket_fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	rc = send_requests(socket_fd, changes, n);
	if (!rc)
		rc = read_answers(socket_fd, changes, n);
	close(socket_fd);
	for (size_t i = 0; !rc && i < n; i++)
		rc = changes[i].error;
	return rc;
}
