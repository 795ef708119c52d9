/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * frame - sends one frame, described as in tests/lib/packet.h.
 *
 *	frame INTERFACE DESCRIPTION
 */
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>

#include "tests/lib/packet.h"

int main(int argc, char **argv)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	static struct packet packet;

	if (argc != 3) {
		fprintf(stderr, "usage: frame INTERFACE DESCRIPTION\n");
		return 2;
	}
	packet_build(&packet, argv[2]);
	to.sll_ifindex = if_nametoindex(argv[1]);
	if (fd < 0 || sendto(fd, packet.bytes, packet.length, 0, (void *)&to, sizeof(to)) !=
			      (ssize_t)packet.length) {
		perror("frame");
		return 1;
	}
	return 0;
}
