/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * copies - sends datagrams from one network namespace to another, and expects each of them once at
 * each of some ports there, all from the same sender, with the same TTL, to the same address, on
 * the same interface.
 *
 *	copies [-a|-n|-f|-k] CLIENT SERVER ADDRESS PORT TAG COUNT EXPECTED...
 *
 * CLIENT and SERVER are namespaces of ip netns; TAG is 8 hex digits, in front of the payload; with
 * -n there is no UDP checksum, with -f a datagram is longer than an Ethernet frame, and with -k
 * whoever has the last port goes away when half of them are sent, with some of them on their way.
 * With -a, each port answers: from the first one, answers have to come from PORT, and from the
 * others from themselves.  Exit status 1: some were lost, or came twice, or changed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORTS_MAX 16
/* Fewer than a CPU queues of what comes in (net.core.netdev_max_backlog), copies included. */
#define BURST	 64
#define PATIENCE 2000 /* ms, for what takes microseconds */
#define QUIET	 200  /* ms, after which nothing else is to come */

struct payload {
	uint32_t tag;
	uint32_t number;
	char rest[4000];
};

/* What is to be the same at each port. */
struct arrival {
	struct sockaddr_storage from;
	int hops;
	struct in_pktinfo to4; /* address and interface */
	struct in6_pktinfo to6;
};

struct port {
	const char *name;
	int fd;
	uint32_t next; /* number that it is to get */
	unsigned long lost, twice, changed;
	in_port_t from; /* that its answers come from */
	unsigned long answered;
};

struct run {
	struct payload payload;
	size_t length; /* of it */
	struct port ports[PORTS_MAX];
	size_t n_ports;
	struct arrival arrival; /* of the first datagram at the first port */
	bool arrived;
	bool kill_last;
	bool answers;
};

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static void enter(const char *namespace)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail(path);
	close(fd);
}

static struct addrinfo *resolve(const char *address, const char *port)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
				       .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found;

	if (getaddrinfo(address, port, &hints, &found)) {
		fprintf(stderr, "%s: no address and port\n", port);
		exit(2);
	}
	return found;
}

static int listen_on(int family, const char *port)
{
	const struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(atoi(port))};
	const struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, size = 1 << 22;
	bool v6 = family == AF_INET6;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, &on,
		       sizeof(on)) ||
	    setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on,
		       sizeof(on)) ||
	    bind(fd, v6 ? (const struct sockaddr *)&any6 : (const struct sockaddr *)&any4,
		 v6 ? sizeof(any6) : sizeof(any4)))
		fail(port);
	return fd;
}

static void take_control(struct msghdr *message, struct arrival *arrival)
{
	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control;
	     control = CMSG_NXTHDR(message, control)) {
		const void *data = CMSG_DATA(control);

		if ((control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_TTL) ||
		    (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_HOPLIMIT))
			memcpy(&arrival->hops, data, sizeof(arrival->hops));
		if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO)
			memcpy(&arrival->to4, data, sizeof(arrival->to4));
		if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO)
			memcpy(&arrival->to6, data, sizeof(arrival->to6));
	}
}

/* One datagram; false: there is none. */
static bool take(struct run *run, struct port *port)
{
	struct arrival arrival = {.hops = -1};
	struct payload payload = {0};
	struct iovec data = {&payload, sizeof(payload)};
	char control[256] __attribute__((aligned(8)));
	struct msghdr message = {.msg_name = &arrival.from,
				 .msg_namelen = sizeof(arrival.from),
				 .msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	uint32_t number;

	if (recvmsg(port->fd, &message, MSG_DONTWAIT) != (ssize_t)run->length)
		return false;
	take_control(&message, &arrival);
	if (!run->arrived)
		run->arrival = arrival;
	run->arrived = true;
	if (run->answers && sendto(port->fd, &payload, run->length, 0,
				   (const struct sockaddr *)&arrival.from, message.msg_namelen) < 0)
		fail("answer");
	number = payload.number;
	payload.number = run->payload.number;
	port->changed += memcmp(&payload, &run->payload, run->length) ||
			 memcmp(&arrival, &run->arrival, sizeof(arrival));
	if (number < port->next) {
		port->twice++;
		return true;
	}
	port->lost += number - port->next;
	port->next = number + 1;
	return true;
}

/* Until each has what was sent, or nothing has come for a while. */
static void receive(struct run *run, uint32_t sent, int patience)
{
	struct pollfd polled[PORTS_MAX];
	bool all = false;

	while (!all) {
		all = patience > QUIET;
		for (size_t i = 0; i < run->n_ports; i++) {
			while (take(run, &run->ports[i]))
				;
			all = all && run->ports[i].next == sent;
			polled[i] = (struct pollfd){.fd = run->ports[i].fd, .events = POLLIN};
		}
		if (!all && poll(polled, run->n_ports, patience) < 1)
			break;
	}
}

/* Those of both families have the port in the same place. */
static void take_answers(struct run *run, int client)
{
	struct sockaddr_in6 from;
	struct payload payload;
	socklen_t length = sizeof(from);

	while (recvfrom(client, &payload, sizeof(payload), MSG_DONTWAIT, (struct sockaddr *)&from,
			&length) >= 0) {
		for (size_t i = 0; i < run->n_ports; i++)
			run->ports[i].answered += run->ports[i].from == from.sin6_port;
		length = sizeof(from);
	}
}

/* The last ones may still be on their way. */
static int count_answers(struct run *run, int client, uint32_t count)
{
	struct pollfd polled = {.fd = client, .events = POLLIN};
	int status = 0;

	do
		take_answers(run, client);
	while (poll(&polled, 1, QUIET) > 0);
	for (size_t i = 0; i < run->n_ports; i++) {
		printf("%lu answers from port %u\n", run->ports[i].answered,
		       ntohs(run->ports[i].from));
		status |= run->ports[i].answered != count;
	}
	return status;
}

static int report(const struct run *run, uint32_t count)
{
	int status = 0;

	for (size_t i = 0; i < run->n_ports; i++) {
		const struct port *port = &run->ports[i];
		unsigned long lost = port->lost + (count - port->next);

		printf("%s: %u sent, %lu lost, %lu twice, %lu changed\n", port->name, count, lost,
		       port->twice, port->changed);
		status |= lost || port->twice || port->changed;
	}
	return status;
}

/*
 * As the kernel does it when a process is killed, with `sent` sent before this one. Returns 1 if it
 * had lost some of the bursts before.
 */
static int kill_last(struct run *run, uint32_t sent)
{
	const struct port *last = &run->ports[--run->n_ports];

	close(last->fd);
	printf("%s: %u received, and gone\n", last->name, last->next);
	return last->lost || last->twice || last->changed || last->next < sent / BURST * BURST;
}

static int exchange(struct run *run, int client, const struct addrinfo *to, uint32_t count)
{
	int status = 0;

	for (uint32_t i = 0; i < count; i++) {
		run->payload.number = i;
		/* A port without a socket may be told by an ICMP error, which is none of ours. */
		if (sendto(client, &run->payload, run->length, 0, to->ai_addr, to->ai_addrlen) <
			    0 &&
		    errno != ECONNREFUSED)
			fail("sendto");
		if (run->kill_last && i == count / 2)
			status |= kill_last(run, i);
		if ((i + 1) % BURST == 0 || i + 1 == count)
			receive(run, i + 1, PATIENCE);
		if (run->answers)
			take_answers(run, client);
	}
	receive(run, count, QUIET);
	if (run->answers)
		status |= count_answers(run, client, count);
	return report(run, count) | status;
}

int main(int argc, char **argv)
{
	struct run run = {.payload.rest = "each of them, once", .length = 32};
	const char *option = argc > 1 && *argv[1] == '-' ? argv[1] : "";
	const struct addrinfo *to;
	int client, on = 1;

	argv += *option != 0;
	argc -= *option != 0;
	if (argc < 8 || argc - 7 > PORTS_MAX) {
		fprintf(stderr, "usage: copies [-a|-n|-f|-k] CLIENT SERVER ADDRESS PORT TAG COUNT "
				"EXPECTED...\n");
		return 2;
	}
	if (!strcmp(option, "-f"))
		run.length = sizeof(run.payload);
	run.kill_last = !strcmp(option, "-k");
	run.answers = !strcmp(option, "-a");
	run.payload.tag = htonl(strtoul(argv[5], NULL, 16));
	/* The address may name an interface of the client. */
	enter(argv[1]);
	to = resolve(argv[3], argv[4]);
	enter(argv[2]);
	for (int i = 7; i < argc; i++)
		run.ports[run.n_ports++] = (struct port){.name = argv[i],
							 .fd = listen_on(to->ai_family, argv[i]),
							 .from = htons(atoi(argv[i == 7 ? 4 : i]))};
	enter(argv[1]);
	client = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (client < 0 || setsockopt(client, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) ||
	    (!strcmp(option, "-n") && setsockopt(client, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on))))
		fail("socket");
	return exchange(&run, client, to, strtoul(argv[6], NULL, 10));
}
