/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * tunnel - two tun interfaces, on which the IP header comes first, in two network namespaces, each
 * of which receives what is sent out of the other.
 *
 *	tunnel NETNS-1 NETNS-2 NAME
 *
 * Closes standard output once both are there, and runs until it is killed.
 */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_tun(const char *netns, const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int ns = open(netns, O_RDONLY | O_CLOEXEC), fd;

	if (ns < 0 || setns(ns, CLONE_NEWNET))
		die(netns);
	close(ns);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		die("tun");
	return fd;
}

/* Before the interface is up at the other end, writing fails: the packet is lost as on a wire. */
static void move(int from, int to)
{
	char packet[65536];
	ssize_t length = read(from, packet, sizeof(packet));

	if (length <= 0 || write(to, packet, length) != length)
		return;
}

int main(int argc, char **argv)
{
	struct pollfd ends[2];

	if (argc != 4) {
		fprintf(stderr, "usage: tunnel NETNS-1 NETNS-2 NAME\n");
		return 2;
	}
	for (int i = 0; i < 2; i++)
		ends[i] = (struct pollfd){.fd = open_tun(argv[1 + i], argv[3]), .events = POLLIN};
	close(STDOUT_FILENO);
	for (;;) {
		if (poll(ends, 2, -1) < 0)
			die("poll");
		for (int i = 0; i < 2; i++)
			if (ends[i].revents & POLLIN)
				move(ends[i].fd, ends[!i].fd);
	}
}
