/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * flood - sends datagrams to a port of 127.0.0.1, each with another tag: 4 bytes, 0x80000000 and
 *up.
 *
 *	flood PORT NUMBER
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned long n;

	if (argc != 3 || fd < 0) {
		fprintf(stderr, "usage: flood PORT NUMBER\n");
		return 2;
	}
	to.sin_port = htons(strtoul(argv[1], NULL, 10));
	n = strtoul(argv[2], NULL, 10);
	for (unsigned long i = 0; i < n; i++) {
		uint32_t tag = htonl(UINT32_C(0x80000000) + i);

		if (sendto(fd, &tag, sizeof(tag), 0, (struct sockaddr *)&to, sizeof(to)) !=
		    sizeof(tag)) {
			perror("flood");
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}
