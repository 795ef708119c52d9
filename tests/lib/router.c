/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * router - two network namespaces, one of which routes between three wires.
 */
#include "tests/lib/router.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/ip.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/rig_parts.h"

#define FIRST_HOST 9
#define SENTINEL   (FIRST_HOST + ROUTER_HOSTS) /* the host that sends and receives these */
#define PROTOCOL   253			       /* for experiments, RFC 3692 */
#define UP_MS	   30000
#define POLL_MS	   20

static const uint8_t outside_mac[ETH_ALEN] = {2, 0, 0, 0, 0, 1};
static const uint8_t router_mac[ETH_ALEN] = {2, 0, 0, 0, 0, 2};
static const char *const networks[ROUTER_WIRES] = {"192.0.2", "198.51.100", "203.0.113"};

struct sentinel {
	struct ethhdr ethernet;
	struct iphdr ip;
	uint32_t number;
} __attribute__((packed));

struct em_address router_address(enum router_wire wire, uint8_t family, unsigned int host)
{
	struct em_address address = {.family = family};
	char text[INET6_ADDRSTRLEN];

	if (family == AF_INET)
		snprintf(text, sizeof(text), "%s.%u", networks[wire], FIRST_HOST + host);
	else
		snprintf(text, sizeof(text), "2001:db8:%x::%x", wire + 1, FIRST_HOST + host);
	inet_pton(family, text, address.bytes);
	return address;
}

static void make_links(int outside)
{
	char script[256];

	snprintf(script, sizeof(script),
		 "for pair in tx0:in0 tx1:in1 tx2:out; do\n"
		 "  ip link add ${pair#*:} address 02:00:00:00:00:02 type veth "
		 "peer name ${pair%%:*} netns /proc/%d/fd/%d\n"
		 "done\n",
		 getpid(), outside);
	rig_shell(script);
}

static void make_routes(enum router_wire wire, const char *interface)
{
	char script[1024];

	snprintf(script, sizeof(script),
		 "ip link set %1$s up\n"
		 "{ echo address replace %2$s.1/24 dev %1$s\n"
		 "echo address replace 2001:db8:%3$x::1/64 dev %1$s nodad\n"
		 "for i in $(seq %4$d %5$d); do\n"
		 "  for address in %2$s.$i 2001:db8:%3$x::$(printf %%x $i); do\n"
		 "    echo neighbour replace $address lladdr 02:00:00:00:00:01 dev %1$s"
		 " nud permanent\n"
		 "done; done; } | ip -batch -\n",
		 interface, networks[wire], wire + 1, FIRST_HOST, SENTINEL);
	rig_shell(script);
}

static void set_up_host(void)
{
	static const char *const interfaces[ROUTER_WIRES] = {"in0", "in1", "out"};

	rig_no_offloads(interfaces, ROUTER_WIRES);
	rig_write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0");
	rig_write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "0");
	rig_write_file("/proc/sys/net/ipv4/ip_forward", "1");
	rig_write_file("/proc/sys/net/ipv6/conf/all/forwarding", "1");
	for (enum router_wire wire = 0; wire < ROUTER_WIRES; wire++)
		make_routes(wire, interfaces[wire]);
}

static void open_sockets(struct router *router)
{
	static const char *const interfaces[ROUTER_WIRES] = {"tx0", "tx1", "tx2"};

	rig_no_offloads(interfaces, ROUTER_WIRES);
	rig_shell("for i in tx0 tx1 tx2; do ip link set $i up; done\n");
	for (enum router_wire wire = 0; wire < ROUTER_WIRES; wire++) {
		router->senders[wire] = rig_packet_socket(interfaces[wire], false);
		router->captures[wire] = rig_packet_socket(interfaces[wire], true);
		rig_prepare_capture(router->captures[wire]);
	}
}

static uint16_t checksum(const struct iphdr *header)
{
	const uint16_t *words = (const void *)header;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*header) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void send_sentinel(struct router *router, enum router_wire from, enum router_wire to)
{
	struct sentinel frame = {
		.ethernet.h_proto = htons(ETH_P_IP),
		.ip = {.version = 4,
		       .ihl = sizeof(frame.ip) / 4,
		       .tot_len = htons(sizeof(frame) - ETH_HLEN),
		       .ttl = 64,
		       .protocol = PROTOCOL},
		.number = ++router->sentinels,
	};
	struct em_address source = router_address(from, AF_INET, ROUTER_HOSTS);
	struct em_address destination = router_address(to, AF_INET, ROUTER_HOSTS);
	struct iphdr header;

	memcpy(frame.ethernet.h_dest, router_mac, ETH_ALEN);
	memcpy(frame.ethernet.h_source, outside_mac, ETH_ALEN);
	memcpy(&frame.ip.saddr, source.bytes, 4);
	memcpy(&frame.ip.daddr, destination.bytes, 4);
	header = frame.ip;
	frame.ip.check = checksum(&header);
	if (send(router->senders[from], &frame, sizeof(frame), 0) < 0)
		rig_die("send");
}

static bool is_sentinel(const struct stream_frame *frame, uint32_t *number)
{
	const struct sentinel *sentinel = (const void *)frame->bytes;

	if (frame->length != sizeof(*sentinel) || sentinel->ethernet.h_proto != htons(ETH_P_IP) ||
	    sentinel->ip.protocol != PROTOCOL)
		return false;
	*number = sentinel->number;
	return true;
}

/* What the router sends of its own accord is multicast. */
static int receive(int capture, int timeout_ms, struct stream_frame *frame)
{
	struct pollfd wait = {.fd = capture, .events = POLLIN};
	ssize_t length;

	do {
		if (poll(&wait, 1, timeout_ms) == 0)
			return -ETIMEDOUT;
		length = recv(capture, frame->bytes, sizeof(frame->bytes), 0);
		if (length < 0)
			return -errno;
	} while (memcmp(frame->bytes, outside_mac, ETH_ALEN) != 0);
	frame->length = (uint16_t)length;
	return 0;
}

static void wait_until_up(struct router *router, enum router_wire from, enum router_wire to)
{
	struct stream_frame frame;
	uint32_t number;

	for (int waited = 0; waited < UP_MS; waited += POLL_MS) {
		send_sentinel(router, from, to);
		if (receive(router->captures[to], POLL_MS, &frame) == 0 &&
		    is_sentinel(&frame, &number))
			return;
	}
	errno = ETIMEDOUT;
	rig_die("waiting for the router");
}

void router_address_wire(struct router *router, enum router_wire wire, const char *interface)
{
	make_routes(wire, interface);
	wait_until_up(router, wire, ROUTER_OUT);
	wait_until_up(router, ROUTER_OUT, wire);
}

void router_open(struct router *router)
{
	int outside, host;

	*router = (struct router){0};
	outside = rig_new_namespace();
	host = rig_new_namespace();
	rig_private_mounts();
	make_links(outside);
	rig_enter(outside);
	open_sockets(router);
	rig_enter(host);
	set_up_host();
	for (enum router_wire wire = 0; wire < ROUTER_OUT; wire++) {
		wait_until_up(router, wire, ROUTER_OUT);
		wait_until_up(router, ROUTER_OUT, wire);
	}
}

int router_exchange(struct router *router, enum router_wire from, enum router_wire to,
		    const struct stream_frame *frame, struct stream_frame *seen)
{
	struct stream_frame next;
	int count = 0, err;

	if (send(router->senders[from], frame->bytes, frame->length, 0) < 0)
		rig_die("send");
	send_sentinel(router, from, to);
	while (!(err = receive(router->captures[to], RIG_TIMEOUT_MS, &next))) {
		uint32_t number;

		if (!is_sentinel(&next, &number)) {
			*seen = next;
			count++;
		} else if (number == router->sentinels) {
			return count;
		} else {
			/* That was what came too late for an exchange before. */
			count = 0;
		}
	}
	return err;
}

void router_forget(void)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg message;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.message = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	char answer[256];

	if (fd < 0)
		rig_die("connection tracking");
	/* A kernel without connection tracking has nothing to forget. */
	if (send(fd, &request, sizeof(request), 0) < 0 || recv(fd, answer, sizeof(answer), 0) < 0)
		rig_die("connection tracking");
	close(fd);
}
