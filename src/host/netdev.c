// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/netdev.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/attr.h"

#define FAMILY	     "netdev"
#define DEV_GET	     1 /* NETDEV_CMD_DEV_GET */
#define IFINDEX	     1 /* NETDEV_A_DEV_IFINDEX */
#define XDP_FEATURES 3 /* NETDEV_A_DEV_XDP_FEATURES */
#define ANSWER_MAX   8192

struct request {
	struct nlmsghdr header;
	struct genlmsghdr command;
	struct nlattr attr;
	char value[16];
};

struct answer {
	_Alignas(struct nlmsghdr) char bytes[ANSWER_MAX];
};

/* Asks with one attribute, and finds one in the answer, of at least size bytes. */
static int ask(int fd, uint16_t family, uint8_t command, const struct nlattr *attr,
	       const void *value, uint16_t wanted, void *out, size_t size)
{
	struct request request = {.header = {.nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST},
				  .command = {.cmd = command, .version = 1},
				  .attr = *attr};
	const size_t fixed = NLMSG_SPACE(GENL_HDRLEN);
	struct answer answer;
	struct nlmsghdr *header = (void *)answer.bytes;
	const struct nlattr *found;
	ssize_t length;

	memcpy(request.value, value, attr->nla_len - NLA_HDRLEN);
	request.header.nlmsg_len = fixed + NLA_ALIGN(attr->nla_len);
	if (send(fd, &request, request.header.nlmsg_len, 0) < 0)
		return -errno;
	length = recv(fd, &answer, sizeof(answer), 0);
	if (length < 0)
		return -errno;
	if (!NLMSG_OK(header, length))
		return -EPROTO;
	if (header->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)NLMSG_DATA(header))->error;
	if (header->nlmsg_len < fixed)
		return -EPROTO;
	found = em_attr_find(answer.bytes + fixed, header->nlmsg_len - fixed, wanted);
	if (!found || found->nla_len < NLA_HDRLEN + size)
		return -EPROTO;
	memcpy(out, found + 1, size);
	return 0;
}

int em_netdev_xdp_features(unsigned int ifindex, uint64_t *features)
{
	const struct nlattr name = {NLA_HDRLEN + sizeof(FAMILY), CTRL_ATTR_FAMILY_NAME};
	const struct nlattr index = {NLA_HDRLEN + sizeof(uint32_t), IFINDEX};
	const uint32_t value = ifindex;
	uint16_t family;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC), rc;

	if (fd < 0)
		return -errno;
	rc = ask(fd, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, &name, FAMILY, CTRL_ATTR_FAMILY_ID, &family,
		 sizeof(family));
	if (!rc)
		rc = ask(fd, family, DEV_GET, &index, &value, XDP_FEATURES, features,
			 sizeof(*features));
	close(fd);
	return rc;
}
