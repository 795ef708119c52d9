/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * tagged - one datagram of the full size that an MTU allows, in a frame with an 802.1Q tag.
 *
 *	tagged INTERFACE MTU VLAN
 *
 * It goes to port 5000 of anybody; the payload begins with 0xdeadbeef.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MTU_MAX 9000

struct frame {
	struct ether_header ethernet;
	uint16_t vlan; /* network order, like all below */
	uint16_t type;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t payload[MTU_MAX];
} __attribute__((packed));

static size_t fill(struct frame *frame, uint16_t mtu, uint16_t vlan)
{
	memset(frame->ethernet.ether_dhost, 0xff, sizeof(frame->ethernet.ether_dhost));
	frame->ethernet.ether_type = htons(ETHERTYPE_VLAN);
	frame->vlan = htons(vlan);
	frame->type = htons(ETHERTYPE_IP);
	frame->ip = (struct iphdr){.version = 4,
				   .ihl = 5,
				   .tot_len = htons(mtu),
				   .ttl = 64,
				   .protocol = IPPROTO_UDP,
				   .saddr = htonl(0xc0000201),
				   .daddr = htonl(0xc0000202)};
	frame->udp = (struct udphdr){
		.source = htons(40000), .dest = htons(5000), .len = htons(mtu - sizeof(frame->ip))};
	memcpy(frame->payload, "\xde\xad\xbe\xef", 4);
	return offsetof(struct frame, ip) + mtu;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), mtu = argc == 4 ? atoi(argv[2]) : 0;
	struct frame frame = {0};
	size_t length;

	if (mtu < 64 || mtu > MTU_MAX) {
		fprintf(stderr, "usage: tagged INTERFACE MTU VLAN\n");
		return 2;
	}
	to.sll_ifindex = if_nametoindex(argv[1]);
	length = fill(&frame, mtu, atoi(argv[3]));
	if (fd < 0 || sendto(fd, &frame, length, 0, (void *)&to, sizeof(to)) != (ssize_t)length) {
		perror("tagged");
		return 1;
	}
	return 0;
}
