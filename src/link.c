// SPDX-License-Identifier: GPL-2.0-or-later
#include "link.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attr.h"

#define FEATURES_MAX 256 /* more than any kernel knows */

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void freep(void *pointer)
{
	free(*(void **)pointer);
}

static struct ifreq request_for(const char *name)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, IF_NAMESIZE, "%s", name);
	return request;
}

/* Many a device lacks many an ethtool operation: then the setting is off. */
static int ethtool(int fd, const char *name, void *command)
{
	struct ifreq request = request_for(name);

	request.ifr_data = command;
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

struct feature_names {
	struct ethtool_gstrings header;
	char names[FEATURES_MAX][ETH_GSTRING_LEN];
};

struct feature_states {
	struct ethtool_gfeatures header;
	struct ethtool_get_features_block blocks[FEATURES_MAX / 32];
};

/* The names are asked for, because the numbers differ from kernel to kernel. */
static void read_features(int fd, struct em_link *link)
{
	struct feature_states states = { .header = { .cmd = ETHTOOL_GFEATURES,
						     .size = FEATURES_MAX / 32 } };
	struct feature_names *names __attribute__((cleanup(freep))) = calloc(1, sizeof(*names));
	const struct {
		const char *name;
		bool *state;
	} wanted[] = {
		{ "rx-gro-list", &link->gro_list },
		{ "rx-udp-gro-forwarding", &link->udp_forwarding },
		{ "rx-vlan-hw-parse", &link->vlan_offload },
	};

	if (!names)
		return;
	names->header = (struct ethtool_gstrings){ .cmd = ETHTOOL_GSTRINGS,
						   .string_set = ETH_SS_FEATURES,
						   .len = FEATURES_MAX };
	if (ethtool(fd, link->name, names) || ethtool(fd, link->name, &states))
		return;
	for (uint32_t i = 0; i < names->header.len && i < FEATURES_MAX; i++) {
		bool active = states.blocks[i / 32].active & (1U << i % 32);

		for (size_t j = 0; j < sizeof(wanted) / sizeof(wanted[0]); j++)
			if (!strncmp(names->names[i], wanted[j].name, ETH_GSTRING_LEN))
				*wanted[j].state = active;
	}
}

static void read_driver(int fd, struct em_link *link)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	if (!ethtool(fd, link->name, &info))
		memcpy(link->driver, info.driver, sizeof(link->driver) - 1);
	if (!ethtool(fd, link->name, &channels))
		link->rx_queues = channels.rx_count + channels.combined_count;
}

static bool is_vlan_on(const struct nlmsghdr *header, unsigned int ifindex)
{
	const struct ifinfomsg *info = NLMSG_DATA(header);
	const char *attrs = (const char *)info + NLMSG_ALIGN(sizeof(*info));
	size_t length = header->nlmsg_len - NLMSG_SPACE(sizeof(*info));
	const struct nlattr *lower = em_attr_find(attrs, length, IFLA_LINK);
	const struct nlattr *linkinfo = em_attr_find(attrs, length, IFLA_LINKINFO);
	const struct nlattr *kind;
	uint32_t lower_index;

	if (!lower || !linkinfo || lower->nla_len < sizeof(*lower) + sizeof(lower_index))
		return false;
	memcpy(&lower_index, lower + 1, sizeof(lower_index));
	kind = em_attr_find_in(linkinfo, IFLA_INFO_KIND);
	return lower_index == ifindex && kind && !strncmp((const char *)(kind + 1), "vlan", 5);
}

static int read_uppers(struct em_link *link)
{
	const struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = { .header = { .nlmsg_len = sizeof(request),
				  .nlmsg_type = RTM_GETLINK,
				  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	int fd __attribute__((cleanup(closep))) =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	char *buffer __attribute__((cleanup(freep))) = malloc(65536);

	if (fd < 0 || !buffer || send(fd, &request, sizeof(request), 0) < 0)
		return -errno;
	for (;;) {
		ssize_t length = recv(fd, buffer, 65536, 0);

		if (length < 0)
			return -errno;
		for (const struct nlmsghdr *header = (const void *)buffer;
		     NLMSG_OK(header, length); header = NLMSG_NEXT(header, length)) {
			if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
				return 0;
			if (header->nlmsg_type == RTM_NEWLINK &&
			    is_vlan_on(header, link->ifindex))
				link->vlan_on_top = true;
		}
	}
}

static int read_basics(int fd, struct em_link *link)
{
	struct ifreq request = request_for(link->name);

	link->ifindex = if_nametoindex(link->name);
	if (!link->ifindex || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return -errno;
	link->up = request.ifr_flags & IFF_UP;
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	link->type = request.ifr_hwaddr.sa_family;
	link->ethernet = link->type == ARPHRD_ETHER || link->type == ARPHRD_LOOPBACK;
	if (ioctl(fd, SIOCGIFMTU, &request) < 0)
		return -errno;
	link->mtu = request.ifr_mtu;
	return 0;
}

int em_link_read(struct em_link *out, const char *name, struct em_diag *diag)
{
	int fd __attribute__((cleanup(closep))) = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = fd < 0 ? -errno : 0;

	*out = (struct em_link){ 0 };
	snprintf(out->name, IF_NAMESIZE, "%s", name);
	if (!rc)
		rc = read_basics(fd, out);
	if (!rc)
		rc = read_uppers(out);
	if (rc)
		return em_diag_error(diag, rc == -EOPNOTSUPP ? -EIO : rc, NULL, "interface %s: %s",
				     name, strerror(-rc));
	read_driver(fd, out);
	read_features(fd, out);
	return 0;
}

const char *em_link_glue(const struct em_link *link)
{
	if (link->gro_list)
		return "rx-gro-list";
	return link->udp_forwarding ? "rx-udp-gro-forwarding" : NULL;
}
