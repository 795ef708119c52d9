/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * exchange - requests of one client socket, answered by a server with a socket for each entity.
 *
 *	exchange CLIENT SERVER ADDRESS PORT COUNT [ENTITIES]
 *
 * CLIENT and SERVER are paths of network namespaces; the server binds ADDRESS, a link-local one
 *with %INTERFACE, which both have, and, for the entity with tag i of ENTITIES (1000), port BASE +
 *i.  Requests go to PORT, where a listener sorts them, and answers have to come from there; with
 *PORT 0 each goes to the port of its entity, which is what the network can do by itself.  Prints
 *what was lost and how fast it was.  The exit status is 1 where a request has arrived twice or at
 *another entity, or an answer twice or from another port, or where a send has failed: what is lost
 *is the caller's to judge.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ENTITIES   1000
#define BASE	   10000
#define WINDOW	   64 /* under way at most: fewer than any queue on the way holds */
#define EVENTS	   64
#define BUFFER	   (16 * 1024 * 1024)
#define TIMEOUT_MS 1000
#define COUNT_MAX  (1U << 28)

struct message {
	char magic[4];
	uint32_t tag; /* network order, as the next */
	uint32_t number;
};

struct name {
	union {
		struct sockaddr any;
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
	};
	socklen_t length;
};

struct exchange {
	int epoll;
	int servers[ENTITIES];
	int client;
	struct name server; /* the port changes with each request where they go directly */
	uint16_t port;	    /* 0: directly */
	uint32_t count, entities;
	atomic_bool end;
	unsigned char *asked;	 /* by number: how often it has arrived */
	unsigned char *answered; /* likewise */
	atomic_uint strange;	 /* what should not have arrived, or not there, or not again */
	uint32_t requests, answers;
	atomic_uint failed; /* sends */
	atomic_int error;   /* of the last one */
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "exchange: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
	close(fd);
}

static int open_socket(int family)
{
	int size = BUFFER, fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		die("socket");
	return fd;
}

static void open_server(struct exchange *exchange)
{
	struct name name = exchange->server;

	exchange->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; i < exchange->entities; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		exchange->servers[i] = open_socket(name.any.sa_family);
		name.ip4.sin_port = htons(BASE + i);
		if (bind(exchange->servers[i], &name.any, name.length) ||
		    epoll_ctl(exchange->epoll, EPOLL_CTL_ADD, exchange->servers[i], &event))
			die("server");
	}
}

static bool is_first(unsigned char *times, uint32_t number)
{
	return times[number]++ == 0;
}

static void send_message(struct exchange *exchange, int fd, const struct message *message,
			 const struct name *to)
{
	if (sendto(fd, message, sizeof(*message), 0, &to->any, to->length) >= 0)
		return;
	exchange->failed++;
	exchange->error = errno;
}

/* All that is there for one entity. */
static void answer(struct exchange *exchange, uint32_t entity)
{
	int fd = exchange->servers[entity];
	struct message message;
	struct name from;

	for (;;) {
		uint32_t number;

		from.length = sizeof(from.ip6);
		if (recvfrom(fd, &message, sizeof(message), 0, &from.any, &from.length) !=
		    sizeof(message))
			return;
		number = ntohl(message.number);
		if (number >= exchange->count || ntohl(message.tag) != entity ||
		    !is_first(exchange->asked, number))
			exchange->strange++;
		else
			exchange->requests++;
		send_message(exchange, fd, &message, &from);
	}
}

static void *serve(void *context)
{
	struct exchange *exchange = context;
	struct epoll_event events[EVENTS];

	while (!exchange->end) {
		int n = epoll_wait(exchange->epoll, events, EVENTS, TIMEOUT_MS / 10);

		for (int i = 0; i < n; i++)
			answer(exchange, events[i].data.u32);
	}
	return NULL;
}

static uint16_t port_of(const struct exchange *exchange, uint32_t number)
{
	return exchange->port ? exchange->port : BASE + number % exchange->entities;
}

static void ask(struct exchange *exchange, uint32_t number)
{
	struct message message = {
		{'E', 'X', 'C', 'H'}, htonl(number % exchange->entities), htonl(number)};

	exchange->server.ip4.sin_port = htons(port_of(exchange, number));
	send_message(exchange, exchange->client, &message, &exchange->server);
}

/* Returns how many answers there were. */
static uint32_t take(struct exchange *exchange)
{
	struct message message;
	struct name from;
	uint32_t taken = 0;

	for (;;) {
		uint32_t number;

		from.length = sizeof(from.ip6);
		if (recvfrom(exchange->client, &message, sizeof(message), 0, &from.any,
			     &from.length) != sizeof(message))
			return taken;
		number = ntohl(message.number);
		if (number >= exchange->count ||
		    ntohs(from.ip4.sin_port) != port_of(exchange, number) ||
		    !is_first(exchange->answered, number))
			exchange->strange++;
		taken++;
	}
}

static void ask_all(struct exchange *exchange)
{
	struct pollfd wait = {.fd = exchange->client, .events = POLLIN};
	uint32_t sent = 0, under_way = 0;

	while (sent < exchange->count || under_way) {
		uint32_t taken;

		for (; under_way < WINDOW && sent < exchange->count; under_way++)
			ask(exchange, sent++);
		/* What does not come within this time is lost. */
		if (poll(&wait, 1, TIMEOUT_MS) == 0)
			under_way = 0;
		taken = take(exchange);
		exchange->answers += taken;
		under_way -= taken < under_way ? taken : under_way;
	}
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Returns the exit status. */
static int run(struct exchange *exchange)
{
	double start = now();
	pthread_t server;

	errno = pthread_create(&server, NULL, serve, exchange);
	if (errno)
		die("thread");
	ask_all(exchange);
	start = now() - start;
	exchange->end = true;
	pthread_join(server, NULL);
	printf("%u exchanges, %u requests lost, %u answers lost, %u strange, %u sends failed%s%s, "
	       "%.0f per second\n",
	       exchange->count, exchange->count - exchange->requests,
	       exchange->requests - exchange->answers, exchange->strange, exchange->failed,
	       exchange->failed ? ": " : "", exchange->failed ? strerror(exchange->error) : "",
	       exchange->count / start);
	return exchange->strange || exchange->failed ? 1 : 0;
}

/* After enter(): an interface has another index there. */
static void set_scope(struct exchange *exchange, const char *address)
{
	const char *interface = strchr(address, '%');

	if (interface)
		exchange->server.ip6.sin6_scope_id = if_nametoindex(interface + 1);
}

static void read_address(struct exchange *exchange, const char *address)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct name *name = &exchange->server;
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(address, "%"), address);
	name->any.sa_family = family;
	name->length = family == AF_INET6 ? sizeof(name->ip6) : sizeof(name->ip4);
	if (inet_pton(family, text,
		      family == AF_INET6 ? (void *)&name->ip6.sin6_addr
					 : (void *)&name->ip4.sin_addr) != 1)
		die(text);
}

int main(int argc, char **argv)
{
	struct rlimit files = {2 * ENTITIES, 2 * ENTITIES};
	struct exchange exchange = {0};

	if (argc < 6 || argc > 7) {
		fprintf(stderr, "usage: exchange CLIENT SERVER ADDRESS PORT COUNT [ENTITIES]\n");
		return 2;
	}
	exchange.port = (uint16_t)strtoul(argv[4], NULL, 0);
	exchange.count = (uint32_t)strtoul(argv[5], NULL, 0);
	exchange.entities = argc > 6 ? (uint32_t)strtoul(argv[6], NULL, 0) : ENTITIES;
	errno = EINVAL;
	if (!exchange.entities || exchange.entities > ENTITIES)
		die(argv[6]);
	if (!exchange.count || exchange.count > COUNT_MAX)
		die(argv[5]);
	exchange.asked = calloc(exchange.count, 1);
	exchange.answered = calloc(exchange.count, 1);
	if (!exchange.asked || !exchange.answered || setrlimit(RLIMIT_NOFILE, &files))
		die("memory or files");
	read_address(&exchange, argv[3]);
	enter(argv[2]);
	set_scope(&exchange, argv[3]);
	open_server(&exchange);
	enter(argv[1]);
	set_scope(&exchange, argv[3]);
	exchange.client = open_socket(exchange.server.any.sa_family);
	return run(&exchange);
}
