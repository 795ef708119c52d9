/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/link.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config-build.h"
#include "host/below.h"
#include "host/ethtool.h"
#include "host/netdev.h"
#include "host/nl.h"
#include "host/redirect.h"

static struct ifreq request_for(const char *name)
{
	struct ifreq request = {0};

	snprintf(request.ifr_name, IF_NAMESIZE, "%s", name);
	return request;
}

static bool is_local(const char *driver)
{
	return !strcmp(driver, "veth") || !strcmp(driver, "tun") || !strcmp(driver, "vif");
}

static int read_driver(int fd, struct em_link *link)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	int rc = em_ethtool(fd, link->name, &info);

	if (!rc)
		memcpy(link->driver, info.driver, sizeof(link->driver) - 1);
	link->local = is_local(link->driver);
	rc = em_ethtool_unless_lacking(rc);
	if (rc)
		return rc;
	rc = em_ethtool(fd, link->name, &channels);
	if (!rc)
		link->rx_queues = channels.rx_count + channels.combined_count;
	return em_ethtool_unless_lacking(rc);
}

static const struct nlattr *find_attr(const struct nlmsghdr *header, uint16_t type)
{
	return em_nl_find(header, sizeof(struct ifinfomsg), type);
}

static uint32_t get_u32(const struct nlmsghdr *header, uint16_t type)
{
	return em_nl_get_u32(find_attr(header, type));
}

/* IFLA_INFO_KIND or IFLA_INFO_SLAVE_KIND */
static const char *get_kind(const struct nlmsghdr *header, uint16_t type)
{
	const struct nlattr *info = find_attr(header, IFLA_LINKINFO);

	return em_nl_get_text(info ? em_nl_find_in(info, type) : NULL);
}

struct around {
	struct em_link *link;
	bool far;	       /* `lower` is in another namespace: */
	int32_t lower_netnsid; /* that one */
	bool fixed;	       /* all existing queues are used */
};

static bool is_ipsec(const char *kind)
{
	return !strcmp(kind, "xfrm") || !strcmp(kind, "vti") || !strcmp(kind, "vti6");
}

static int note_link(void *context, const struct nlmsghdr *header)
{
	struct around *around = context;
	struct em_link *link = around->link;

	snprintf(link->kind, sizeof(link->kind), "%s", get_kind(header, IFLA_INFO_KIND));
	link->ipsec = is_ipsec(link->kind);
	link->master = get_u32(header, IFLA_MASTER);
	snprintf(link->port_of, sizeof(link->port_of), "%s",
		 get_kind(header, IFLA_INFO_SLAVE_KIND));
	link->lower = get_u32(header, IFLA_LINK);
	around->far = find_attr(header, IFLA_LINK_NETNSID);
	around->lower_netnsid = get_u32(header, IFLA_LINK_NETNSID);
	around->fixed = !link->rx_queues;
	if (around->fixed)
		link->rx_queues = get_u32(header, IFLA_NUM_RX_QUEUES);
	return 0;
}

/* Older kernels ignore the filter and list interfaces of all kinds. */
static int note_vlan(void *context, const struct nlmsghdr *header)
{
	struct em_link *link = context;

	if (get_u32(header, IFLA_LINK) == link->ifindex && !find_attr(header, IFLA_LINK_NETNSID) &&
	    !strcmp(get_kind(header, IFLA_INFO_KIND), "vlan"))
		link->vlan_on_top = true;
	return 0;
}

static int note_peer(void *context, const struct nlmsghdr *header)
{
	const struct around *around = context;

	around->link->peer_mtu = get_u32(header, IFLA_MTU);
	if (around->fixed)
		around->link->peer_queues = get_u32(header, IFLA_NUM_TX_QUEUES);
	return 0;
}

static struct nlmsghdr *begin(struct em_nl_message *message, uint16_t flags, unsigned int ifindex)
{
	const struct ifinfomsg info = {.ifi_index = ifindex};

	return em_nl_begin(message, RTM_GETLINK, flags, &info, sizeof(info));
}

/* If the other end cannot be queried, this stays unknown. */
static void read_peer(struct around *around)
{
	struct em_nl_message message;
	struct nlmsghdr *request = begin(&message, 0, around->link->lower);

	if (around->far)
		mnl_attr_put_u32(request, IFLA_TARGET_NETNSID, around->lower_netnsid);
	(void)em_nl_ask(NETLINK_ROUTE, request, note_peer, around);
}

static int read_around(struct em_link *link)
{
	struct around around = {.link = link};
	struct em_nl_message message;
	int rc = em_nl_ask(NETLINK_ROUTE, begin(&message, 0, link->ifindex), note_link, &around);

	if (!rc && link->lower && !strcmp(link->kind, "veth"))
		read_peer(&around);
	return rc;
}

/* Bridges. */

#define STACK_MAX 8 /* MAX_NEST_DEV of the kernel */

struct stack {
	struct em_link *link;
	unsigned int next; /* ifindex of the lower interface; 0: none, or it is no bridge */
};

static bool has_option(const struct nlattr *options, uint16_t type)
{
	uint8_t value = 0;

	return options && em_nl_get(em_nl_find_in(options, type), &value, sizeof(value)) && value;
}

static int note_stacked(void *context, const struct nlmsghdr *header)
{
	const struct nlattr *info = find_attr(header, IFLA_LINKINFO);
	const struct nlattr *options = info ? em_nl_find_in(info, IFLA_INFO_DATA) : NULL;
	const char *kind = get_kind(header, IFLA_INFO_KIND);
	struct stack *stack = context;
	struct em_link *link = stack->link;

	stack->next = 0;
	if (!strcmp(kind, "bridge")) {
		snprintf(link->bridge, sizeof(link->bridge), "%s",
			 em_nl_get_text(find_attr(header, IFLA_IFNAME)));
		link->bridge_nf_call = has_option(options, IFLA_BR_NF_CALL_IPTABLES) ||
				       has_option(options, IFLA_BR_NF_CALL_IP6TABLES);
	} else if (em_below_is_stackable(kind) && !find_attr(header, IFLA_LINK_NETNSID)) {
		stack->next = get_u32(header, IFLA_LINK);
	}
	return 0;
}

/* A br_netfilter setting of this network namespace.  Without the module there is none. */
static int read_bridge_setting(const char *path, bool *state)
{
	FILE *file __attribute__((cleanup(em_fclosep))) = fopen(path, "re");
	int value;

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	errno = 0;
	if (fscanf(file, "%d", &value) != 1)
		return errno ? -errno : -EPROTO;
	*state |= value != 0;
	return 0;
}

static int read_bridge_nf(struct em_link *link)
{
	bool loaded = access("/proc/sys/net/bridge", F_OK) == 0;
	int rc;

	if (!loaded && errno != ENOENT)
		return -errno;
	link->bridge_nf_call &= loaded;
	rc = read_bridge_setting("/proc/sys/net/bridge/bridge-nf-call-iptables", &link->bridge_nf);
	if (rc)
		return rc;
	return read_bridge_setting("/proc/sys/net/bridge/bridge-nf-call-ip6tables",
				   &link->bridge_nf);
}

static int read_bridge(struct em_link *link)
{
	struct stack stack = {.link = link, .next = link->ifindex};
	int rc = 0;

	if (strcmp(link->kind, "bridge") && !em_below_is_stackable(link->kind))
		return 0;
	for (int i = 0; !rc && stack.next && i <= STACK_MAX; i++) {
		struct em_nl_message message;

		rc = em_nl_ask(NETLINK_ROUTE, begin(&message, 0, stack.next), note_stacked, &stack);
	}
	return rc || !link->bridge[0] ? rc : read_bridge_nf(link);
}

/* An interface that merges datagrams does so for all those on top of it. */
static int read_below(int fd, struct em_link *link)
{
	struct em_below below __attribute__((cleanup(em_below_clear)));
	int rc = em_below_list(&below, link->ifindex, link->kind);

	for (size_t i = 0; !rc && i < below.n; i++) {
		struct em_link one = {0};

		snprintf(one.name, sizeof(one.name), "%s", below.names[i]);
		rc = em_ethtool_features(fd, &one);
		if (one.gro_list)
			memcpy(link->gro_list_below, one.name, sizeof(one.name));
		if (one.udp_forwarding)
			memcpy(link->udp_forwarding_below, one.name, sizeof(one.name));
		/* It has gone since then. */
		rc = rc == -ENODEV ? 0 : rc;
	}
	return rc;
}

/* Asked only where it makes a difference, as it looks at all interfaces. */
static int read_vlans(struct em_link *link)
{
	struct em_nl_message message;
	struct nlmsghdr *request = begin(&message, NLM_F_DUMP, 0);
	struct nlattr *info = mnl_attr_nest_start(request, IFLA_LINKINFO);

	mnl_attr_put_strz(request, IFLA_INFO_KIND, "vlan");
	mnl_attr_nest_end(request, info);
	return link->vlan_offload ? em_nl_ask(NETLINK_ROUTE, request, note_vlan, link) : 0;
}

static void read_native_xdp(struct em_link *link)
{
	uint64_t features;

	if (em_netdev_xdp_features(link->ifindex, &features))
		return;
	link->native_xdp = features & EM_NETDEV_XDP_BASIC ? EM_NATIVE_YES : EM_NATIVE_NO;
	link->multi_buffer = features & EM_NETDEV_XDP_RX_SG;
	if (link->native_xdp == EM_NATIVE_NO)
		snprintf(link->native_why, sizeof(link->native_why),
			 "its driver%s%s%s takes no native XDP program as it is set up",
			 link->driver[0] ? " (" : "", link->driver, link->driver[0] ? ")" : "");
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

int em_link_read(struct em_link *out, const char *name, const struct em_place *place,
		 struct em_diag *diag)
{
	int fd __attribute__((cleanup(em_closep))) = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = fd < 0 ? -errno : 0;

	*out = (struct em_link){0};
	snprintf(out->name, IF_NAMESIZE, "%s", name);
	if (!rc)
		rc = read_basics(fd, out);
	if (!rc)
		rc = read_driver(fd, out);
	if (!rc)
		rc = read_around(out);
	if (!rc)
		rc = read_bridge(out);
	if (!rc)
		rc = em_ethtool_features(fd, out);
	if (!rc)
		rc = read_below(fd, out);
	if (!rc)
		rc = em_redirect_find(out->ifindex, &out->redirect);
	if (!rc)
		rc = read_vlans(out);
	if (rc)
		return em_diag_errno(diag, rc, place, "interface %s", name);
	read_native_xdp(out);
	return 0;
}

static int note_name(void *context, const struct nlmsghdr *header)
{
	const char *name = em_nl_get_text(find_attr(header, IFLA_IFNAME));

	snprintf(context, IF_NAMESIZE, "%s", name);
	return name[0] ? 0 : -EPROTO;
}

static int find(const char *name, int (*note)(void *context, const struct nlmsghdr *header),
		void *context)
{
	bool is_long = strlen(name) >= IF_NAMESIZE;
	struct em_nl_message message;
	struct nlmsghdr *request = begin(&message, 0, 0);
	int rc;

	mnl_attr_put_strz(request, is_long ? IFLA_ALT_IFNAME : IFLA_IFNAME, name);
	rc = em_nl_ask(NETLINK_ROUTE, request, note, context);
	/* Kernels without alternative names. */
	return is_long && rc == -EINVAL ? -ENODEV : rc;
}

int em_link_find(char own[IF_NAMESIZE], const char *name)
{
	return find(name, note_name, own);
}

struct state {
	char *own;
	bool up;
};

static int note_state(void *context, const struct nlmsghdr *header)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	struct state *state = context;

	state->up = info->ifi_flags & IFF_UP;
	return note_name(state->own, header);
}

int em_link_find_up(char own[IF_NAMESIZE], const char *name, bool *up)
{
	struct state state = {.own = own};
	int rc = find(name, note_state, &state);

	*up = state.up;
	return rc;
}

const char *em_native_name(enum em_native native)
{
	static const char *const names[] = {
		[EM_NATIVE_UNKNOWN] = "unknown",
		[EM_NATIVE_NO] = "no",
		[EM_NATIVE_YES] = "yes",
	};

	return names[native];
}

/* A page minus the XDP headroom and the skb_shared_info that the kernel keeps behind the frame. */
#define BUFFER	 (4096 - 256 - 320)
#define ETHERNET 14
#define TAGS	 8 /* two of them */

/*
 * veth and virtio_net check that the MTU plus an Ethernet header fits in a page, but do not count
 * VLAN tags.  With a larger MTU, a driver that accepts a program without fragments has larger
 * buffers.
 */
bool em_link_needs_fragments(const struct em_link *link)
{
	uint32_t frame = link->mtu + ETHERNET;

	return frame <= BUFFER && frame + TAGS > BUFFER;
}
