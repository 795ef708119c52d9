/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * forward - datagrams of an ordinary socket in one network namespace to one in another, each
 *checked to have arrived.
 *
 *	forward SENDER-NETNS RECEIVER-NETNS SENDER-ADDRESS RECEIVER-ADDRESS
 *
 * They are sent to port 5000 and expected at 6001.  Every second one has a payload that makes its
 * complete checksum equal to the sum of its pseudo header, which is what a checksum looks like that
 * a device is still to complete.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define DATAGRAMS   2000
#define AT_ONCE	    20 /* under way before the next ones are sent */
#define LISTENER    5000
#define ENTITY	    6001
#define SENDER_PORT 40000

struct datagram {
	uint8_t tag[4];
	uint16_t number; /* network order, like all below */
	uint16_t balance;
	uint8_t filling[24];
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_in(const char *netns, int family, const char *address, uint16_t port)
{
	int ns = open(netns, O_RDONLY | O_CLOEXEC), fd;
	struct timeval patience = {.tv_sec = 2};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	const struct sockaddr *name = family == AF_INET ? (void *)&four : (void *)&six;

	if (ns < 0 || setns(ns, CLONE_NEWNET))
		die(netns);
	close(ns);
	if (inet_pton(family, address,
		      family == AF_INET ? (void *)&four.sin_addr : (void *)&six.sin6_addr) != 1)
		die(address);
	fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, name, family == AF_INET ? sizeof(four) : sizeof(six)))
		die("bind");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		die("setsockopt");
	return fd;
}

static uint32_t sum_words(const void *data, size_t length, uint32_t sum)
{
	const uint16_t *words = data;

	for (size_t i = 0; i < length / 2; i++)
		sum += words[i];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The checksum is ~(pseudo + header + payload): the payload makes that equal to pseudo. */
static void balance(struct datagram *datagram, int family, const char *from, const char *to)
{
	uint16_t length = htons(8 + sizeof(*datagram)), pseudo;
	size_t size = family == AF_INET ? 4 : 16;
	uint8_t addresses[2][16];
	uint32_t sum;

	inet_pton(family, from, addresses[0]);
	inet_pton(family, to, addresses[1]);
	sum = sum_words(addresses[0], size, htons(IPPROTO_UDP) + length);
	pseudo = fold(sum_words(addresses[1], size, sum));
	datagram->balance = 0;
	sum = sum_words(datagram, sizeof(*datagram),
			(uint32_t)pseudo + htons(SENDER_PORT) + htons(LISTENER) + length);
	datagram->balance = fold((uint32_t)(uint16_t)~pseudo + (uint16_t)~fold(sum));
}

static bool exchange(int sender, int receiver, int family, const char *from, const char *to)
{
	static bool seen[DATAGRAMS];
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(LISTENER)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(LISTENER)};
	int arrived = 0;

	inet_pton(family, to, family == AF_INET ? (void *)&four.sin_addr : (void *)&six.sin6_addr);
	for (int i = 0; i < DATAGRAMS; i++) {
		struct datagram out = {.tag = {0xde, 0xad, 0xbe, 0xef}, .number = htons(i)}, in;

		for (size_t j = 0; j < sizeof(out.filling); j++)
			out.filling[j] = rand();
		if (i % 2)
			balance(&out, family, from, to);
		if (sendto(sender, &out, sizeof(out), 0,
			   family == AF_INET ? (void *)&four : (void *)&six,
			   family == AF_INET ? sizeof(four) : sizeof(six)) != sizeof(out))
			die("sendto");
		while (arrived <= i && (i % AT_ONCE == AT_ONCE - 1 || i == DATAGRAMS - 1)) {
			if (recv(receiver, &in, sizeof(in), 0) != sizeof(in)) {
				for (int j = 0; j <= i; j++)
					if (!seen[j])
						printf("datagram %d is lost (%s)\n", j,
						       j % 2 ? "balanced" : "random");
				return false;
			}
			seen[ntohs(in.number) % DATAGRAMS] = true;
			arrived++;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	int family, sender, receiver;

	if (argc != 5) {
		fprintf(stderr, "usage: forward SENDER-NETNS RECEIVER-NETNS FROM TO\n");
		return 2;
	}
	srand(1);
	family = strchr(argv[3], ':') ? AF_INET6 : AF_INET;
	sender = open_in(argv[1], family, argv[3], SENDER_PORT);
	receiver = open_in(argv[2], family, argv[4], ENTITY);
	return exchange(sender, receiver, family, argv[3], argv[4]) ? 0 : 1;
}
