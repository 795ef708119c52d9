/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * unfinished - a datagram with a checksum that a device is still to complete, sent in one network
 * namespace, and compared with what arrives in another one.
 *
 *	unfinished SENDER-NETNS SENDER-INTERFACE RECEIVER-NETNS RECEIVER-INTERFACE CASE
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/lib/packet.h"

/* Of nobody else: a bridge passes the frame on, and the receiver can tell it. */
#define ETHERNET "smac=02:00:00:00:00:f1 dmac=02:00:00:00:00:f2 "

/* Frames as in packet.h.  The sum from byte `start` on completes what is at `start` + `to`. */
static const struct unfinished {
	const char *name;
	const char *sent, *expected;
	uint16_t start, to;
} cases[] = {
	{"own4", ETHERNET "ip4 udp sum=pseudo hex:deadbeef",
	 ETHERNET "ip4 udp 40000>6001 hex:deadbeef", 34, 6},
	{"own6", ETHERNET "ip6 udp sum=pseudo hex:deadbeef",
	 ETHERNET "ip6 udp 40000>6001 hex:deadbeef", 54, 6},
	/* In the payload: 0x1111 + 0x2222 + 0x4444 = ~0x8888.  The datagram has its checksum. */
	{"inner4", ETHERNET "ip4 udp hex:deadbeef111188884444 poke=48:0x22 poke=49:0x22",
	 ETHERNET "ip4 udp 40000>6001 hex:deadbeef111188884444", 46, 2},
	{"inner6", ETHERNET "ip6 udp hex:deadbeef111188884444 poke=68:0x22 poke=69:0x22",
	 ETHERNET "ip6 udp 40000>6001 hex:deadbeef111188884444", 66, 2},
	/* One segment is left: the pseudo header has another destination than the IP header. */
	{"route", ETHERNET "ip6 rt=24 udp sum=pseudo hex:deadbeef poke=53:0x77 poke=57:1",
	 ETHERNET "ip6 rt=24 udp 40000>6001 hex:deadbeef poke=53:0x77 poke=57:1", 78, 6},
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_in(const char *netns, const char *interface, int type)
{
	int ns = open(netns, O_RDONLY | O_CLOEXEC), fd;
	struct timeval patience = {.tv_sec = 2};
	struct sockaddr_ll name = {.sll_family = AF_PACKET, .sll_protocol = htons(type)};

	if (ns < 0 || setns(ns, CLONE_NEWNET))
		die(netns);
	close(ns);
	name.sll_ifindex = if_nametoindex(interface);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || !name.sll_ifindex || bind(fd, (void *)&name, sizeof(name)))
		die(interface);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		die("setsockopt");
	return fd;
}

static void send_unfinished(int fd, const struct unfinished *one)
{
	static struct packet packet;
	struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					.csum_start = one->start,
					.csum_offset = one->to};
	struct iovec parts[] = {{&header, sizeof(header)}, {packet.bytes, 0}};
	const int on = 1;

	packet_build(&packet, one->sent);
	parts[1].iov_len = packet.length;
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)))
		die("PACKET_VNET_HDR");
	if (writev(fd, parts, 2) < 0)
		die("writev");
}

static bool receive(int fd, const struct packet *expected)
{
	static struct packet seen;
	ssize_t length;

	do {
		length = recv(fd, seen.bytes, sizeof(seen.bytes), 0);
		if (length < 0)
			die("nothing arrives");
	} while (length < ETH_HLEN ||
		 memcmp(seen.bytes + ETH_ALEN, expected->bytes + ETH_ALEN, ETH_ALEN));
	if ((size_t)length == expected->length && !memcmp(seen.bytes, expected->bytes, length))
		return true;
	for (ssize_t i = 0; i < length; i++)
		if ((size_t)i >= expected->length || seen.bytes[i] != expected->bytes[i])
			printf("byte %zd is 0x%02x\n", i, seen.bytes[i]);
	return false;
}

int main(int argc, char **argv)
{
	static struct packet expected;
	int sender, receiver;

	for (size_t i = 0; argc == 6 && i < sizeof(cases) / sizeof(*cases); i++) {
		if (strcmp(cases[i].name, argv[5]))
			continue;
		packet_build(&expected, cases[i].expected);
		receiver = open_in(argv[3], argv[4], ETH_P_ALL);
		sender = open_in(argv[1], argv[2], 0);
		send_unfinished(sender, &cases[i]);
		return receive(receiver, &expected) ? 0 : 1;
	}
	fprintf(stderr, "usage: unfinished SENDER-NETNS SENDER-INTERFACE RECEIVER-NETNS "
			"RECEIVER-INTERFACE CASE\n");
	return 2;
}
