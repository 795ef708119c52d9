/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * demo - a server with a socket per port, and a sender with one socket for everything.
 *
 *	demo SENDER-NAMESPACE ENTITYMUX
 *
 * Runs in the namespace of the server, where the policy of demo.conf is in force; the sender is a
 * process of its own in the other namespace.  Datagrams of all kinds are sent from one source port,
 * mixed; the server notes on which port each one arrives.  Prints what arrived where beside the
 * counters of the tool; the exit status is 1 when a datagram went astray or was counted wrongly.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define DATAGRAMS     8000
#define PAYLOAD	      32
#define HEADERS	      28  /* IPv4 and UDP, which the counters include */
#define WINDOW	      128 /* sent at most before the server has what was sent before */
#define TIMEOUT_MS    2000
#define BUFFER	      (16 * 1024 * 1024)
#define SOURCE_PORT   40000
#define LISTENER_PORT 5000

/* What is sent, the port it is to arrive on (0: nowhere), and what counts it. */
static const struct kind {
	const char *name;
	const char *start; /* of the payload: magic, version, tag */
	size_t length;	   /* of the payload */
	uint16_t port;
	const char *counter; /* "unknown", "invalid.REASON" or the name of an entity */
} kinds[] = {
	{"plant-a", "MX\0\1\xde\xad\xbe\xef", PAYLOAD, 6001, "plant-a"},
	{"plant-b", "MX\0\1PLTB", PAYLOAD, 6002, "plant-b"},
	{"plant-c", "MX\0\1PLTC", PAYLOAD, 6003, "plant-c"},
	{"unknown tag", "MX\0\1PLTD", PAYLOAD, LISTENER_PORT, "unknown"},
	{"wrong magic", "MY\0\1PLTB", PAYLOAD, 0, "invalid.check"},
	{"wrong version", "MX\0\0PLTB", PAYLOAD, 0, "invalid.check"},
	{"too short", "MX\0\1PLTB", 8, 0, "invalid.length"},
};

static const uint16_t ports[] = {6001, 6002, 6003, LISTENER_PORT};

/* What the server has seen. */
struct arrivals {
	unsigned int count[ARRAY_SIZE(kinds)][ARRAY_SIZE(ports)];
	unsigned char times[DATAGRAMS]; /* each one arrived */
	unsigned int unreadable;	/* not what anybody has sent */
	bool end;			/* the last of all has arrived */
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "demo: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* The kinds take turns, some more often than others. */
static size_t kind_of(uint32_t number)
{
	static const unsigned char turns[] = {0, 1, 0, 3, 2, 0, 4, 1, 6, 2, 1, 5, 0};

	return turns[number % ARRAY_SIZE(turns)];
}

static unsigned int sent_of(size_t kind)
{
	unsigned int sent = 0;

	for (uint32_t i = 0; i < DATAGRAMS; i++)
		sent += kind_of(i) == kind;
	return sent;
}

static int udp_socket(const char *address, uint16_t port)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
	int size = BUFFER, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || inet_pton(AF_INET, address, &name.sin_addr) != 1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    bind(fd, (struct sockaddr *)&name, sizeof(name)))
		die("socket");
	return fd;
}

/* The number of the datagram goes behind the tag, where it fits. */
static void send_datagram(int fd, size_t kind, uint32_t number)
{
	unsigned char payload[PAYLOAD] = {0};

	memcpy(payload, kinds[kind].start, 8);
	memcpy(payload + 8, &number, sizeof(number));
	if (send(fd, payload, kinds[kind].length, 0) < 0)
		die("send");
}

/*
 * Waits until the server has said of `due` datagrams that they arrived.  Where some are missing
 * it is given up at once, and the server will tell.
 */
static bool wait_for(int acknowledged, uint64_t due)
{
	struct pollfd wait = {.fd = acknowledged, .events = POLLIN};
	uint64_t arrived = 0, more;

	while (arrived < due) {
		if (poll(&wait, 1, TIMEOUT_MS) != 1 ||
		    read(acknowledged, &more, sizeof(more)) != sizeof(more))
			return false;
		arrived += more;
	}
	return true;
}

static void stay_on_one_cpu(void)
{
	cpu_set_t cpus;
	int cpu = sched_getcpu();

	CPU_ZERO(&cpus);
	CPU_SET(cpu < 0 ? 0 : cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		die("sched_setaffinity");
}

/* On one CPU, so that datagrams arrive in the order in which they were sent, the end last. */
static void __attribute__((noreturn)) run_sender(const char *namespace, int acknowledged)
{
	struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(LISTENER_PORT)};
	int fd = open(namespace, O_RDONLY | O_CLOEXEC);
	uint64_t due = 0;

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(namespace);
	stay_on_one_cpu();
	fd = udp_socket("0.0.0.0", SOURCE_PORT);
	inet_pton(AF_INET, "192.0.2.1", &server.sin_addr);
	if (connect(fd, (struct sockaddr *)&server, sizeof(server)))
		die("connect");
	for (uint32_t i = 0; i < DATAGRAMS; i++) {
		send_datagram(fd, kind_of(i), i);
		due += kinds[kind_of(i)].port != 0;
		if (i % WINDOW == WINDOW - 1) {
			if (!wait_for(acknowledged, due))
				break;
			due = 0;
		}
	}
	send_datagram(fd, 0, DATAGRAMS);
	exit(EXIT_SUCCESS);
}

static void note_datagram(struct arrivals *arrivals, size_t port, const unsigned char *payload,
			  ssize_t length)
{
	uint32_t number;

	memcpy(&number, payload + 8, sizeof(number));
	if (length != PAYLOAD || number > DATAGRAMS) {
		arrivals->unreadable++;
	} else if (number == DATAGRAMS) {
		arrivals->end = true;
		arrivals->unreadable += ports[port] != kinds[0].port;
	} else {
		arrivals->count[kind_of(number)][port]++;
		arrivals->times[number]++;
	}
}

/* Takes what there is, without waiting.  Returns how many it was. */
static uint64_t drain(struct arrivals *arrivals, int fd, size_t port)
{
	unsigned char payload[PAYLOAD + 1] = {0};
	uint64_t count = 0;
	ssize_t length;

	while ((length = recv(fd, payload, sizeof(payload), MSG_DONTWAIT)) >= 0) {
		note_datagram(arrivals, port, payload, length);
		count++;
	}
	return count;
}

static void run_server(struct arrivals *arrivals, const int *sockets, int acknowledged)
{
	struct pollfd wait[ARRAY_SIZE(ports)];

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		wait[i] = (struct pollfd){.fd = sockets[i], .events = POLLIN};
	/* Longer than the sender, whose last datagram has to come after it has given up. */
	while (!arrivals->end && poll(wait, ARRAY_SIZE(ports), 2 * TIMEOUT_MS) > 0) {
		uint64_t count = 0;

		for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
			count += drain(arrivals, sockets[i], i);
		if (count && write(acknowledged, &count, sizeof(count)) != sizeof(count))
			die("eventfd");
	}
	/* What came before the end may be on another socket, looked at before it. */
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		drain(arrivals, sockets[i], i);
}

static json_t *read_stats(const char *entitymux)
{
	char command[4096];
	json_error_t error;
	json_t *root;
	FILE *pipe;

	snprintf(command, sizeof(command), "'%s' stats --json", entitymux);
	pipe = popen(command, "re");
	root = pipe ? json_loadf(pipe, 0, &error) : NULL;
	if (!root || pclose(pipe)) {
		fprintf(stderr, "demo: %s failed\n", command);
		exit(EXIT_FAILURE);
	}
	return root;
}

static long long integer_at(const json_t *object, const char *key)
{
	const json_t *number = json_object_get(object, key);

	return json_is_integer(number) ? json_integer_value(number) : -1;
}

static const json_t *entity_named(const json_t *listener, const char *name)
{
	const json_t *entities = json_object_get(listener, "entities"), *entity;
	size_t i;

	json_array_foreach (entities, i, entity) {
		const char *seen = json_string_value(json_object_get(entity, "name"));

		if (seen && !strcmp(seen, name))
			return entity;
	}
	return NULL;
}

/* What the tool has counted; kinds that have the same counter share it. */
static long long counted(const json_t *listener, const char *counter)
{
	if (!strcmp(counter, "unknown"))
		return integer_at(listener, counter);
	if (!strncmp(counter, "invalid.", 8))
		return integer_at(json_object_get(listener, "invalid"), counter + 8);
	return integer_at(entity_named(listener, counter), "packets");
}

/* What it should have counted: the last datagram of all is one of the first kind, too. */
static long long due(const char *counter)
{
	long long count = !strcmp(counter, kinds[0].counter);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		count += strcmp(counter, kinds[i].counter) ? 0 : sent_of(i);
	return count;
}

static unsigned int print_kind(const struct arrivals *arrivals, size_t kind, const json_t *listener)
{
	const struct kind *one = &kinds[kind];
	unsigned int sent = sent_of(kind), arrived = 0, astray = 0;
	long long count = counted(listener, one->counter);

	printf("%-14s %6u |", one->name, sent);
	for (size_t port = 0; port < ARRAY_SIZE(ports); port++) {
		unsigned int here = arrivals->count[kind][port];

		printf(" %6u", here);
		arrived += here;
		astray += ports[port] == one->port ? 0 : here;
	}
	if (arrived - astray != (one->port ? sent : 0))
		astray++;
	if (count != due(one->counter))
		astray++;
	printf(" | %-14s %6lld%s\n", one->counter, count, astray ? "  <- WRONG" : "");
	return astray;
}

/* Each number as often as it should have arrived: once, or never. */
static unsigned int wrong_numbers(const struct arrivals *arrivals)
{
	unsigned int wrong = 0;

	for (uint32_t i = 0; i < DATAGRAMS; i++)
		wrong += arrivals->times[i] != (kinds[kind_of(i)].port != 0);
	return wrong;
}

static long long bytes_due(void)
{
	long long bytes = HEADERS + PAYLOAD; /* the end */

	for (uint32_t i = 0; i < DATAGRAMS; i++)
		bytes += (long long)(HEADERS + kinds[kind_of(i)].length);
	return bytes;
}

static unsigned int print_result(const struct arrivals *arrivals, const json_t *stats)
{
	const json_t *listener = json_array_get(json_object_get(stats, "listeners"), 0);
	unsigned int wrong = 0, numbers = wrong_numbers(arrivals);

	printf("%d datagrams from port %d to port %d, and one as the end (plant-a)\n\n", DATAGRAMS,
	       SOURCE_PORT, LISTENER_PORT);
	printf("%-14s %6s | %-27s | counter of stats\n%-14s %6s |", "sent", "", "arrived on port",
	       "", "");
	for (size_t port = 0; port < ARRAY_SIZE(ports); port++)
		printf(" %6u", ports[port]);
	printf(" |\n");
	for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++)
		wrong += print_kind(arrivals, kind, listener);
	printf("\n%u missing or duplicated, %u unreadable, %lld packets and %lld bytes counted\n\n",
	       numbers, arrivals->unreadable, integer_at(listener, "packets"),
	       integer_at(listener, "bytes"));
	wrong += numbers + arrivals->unreadable + !arrivals->end;
	wrong += integer_at(listener, "packets") != DATAGRAMS + 1;
	wrong += integer_at(listener, "bytes") != bytes_due();
	return wrong;
}

int main(int argc, char **argv)
{
	struct arrivals arrivals = {0};
	int sockets[ARRAY_SIZE(ports)], status, acknowledged;
	unsigned int wrong;
	pid_t sender;
	json_t *stats;

	if (argc != 3) {
		fprintf(stderr, "usage: demo SENDER-NAMESPACE ENTITYMUX\n");
		return 2;
	}
	acknowledged = eventfd(0, EFD_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		sockets[i] = udp_socket("192.0.2.1", ports[i]);
	sender = fork();
	if (sender < 0 || acknowledged < 0)
		die("fork");
	if (sender == 0)
		run_sender(argv[1], acknowledged);
	run_server(&arrivals, sockets, acknowledged);
	if (waitpid(sender, &status, 0) < 0 || status != 0)
		die("sender");
	stats = read_stats(argv[2]);
	wrong = print_result(&arrivals, stats);
	json_decref(stats);
	printf("%s\n\n", wrong ? "WRONG" : "Every datagram went where it should.");
	return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
