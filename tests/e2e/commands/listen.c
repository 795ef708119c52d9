/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * listen - has a UDP socket until it is killed.
 *
 *	listen ADDRESS PORT
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *address;
	int fd;

	if (argc != 3 || getaddrinfo(argv[1], argv[2], &hints, &address)) {
		fprintf(stderr, "usage: listen ADDRESS PORT\n");
		return 2;
	}
	fd = socket(address->ai_family, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, address->ai_addr, address->ai_addrlen)) {
		perror("listen");
		return EXIT_FAILURE;
	}
	freeaddrinfo(address);
	alarm(60);
	for (;;)
		pause();
}
