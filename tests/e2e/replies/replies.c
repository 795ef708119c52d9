/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * replies - what becomes of the answers to sorted datagrams.
 *
 *	replies ENTITYMUX BACKEND FOLDER [SCENARIO...]
 *
 * Each scenario begins with one of the configurations in FOLDER, which replies.sh has written, and
 * is played over IPv4 and IPv6, with a server on the router and with one behind it.  BACKEND `none`
 * applies nothing.  Prints a line for each scenario, and before one that has failed what is wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "replies.h"

/* base.conf: listeners on 5000, 5001, and one on 5002 without replies. */
#define FIRST	5000
#define SECOND	5001
#define PLAIN	5002
#define UNKNOWN 6008 /* of the first listener; the others pass what they do not know */
#define INVALID 7001 /* in actions.conf */
#define OWN	9999 /* a port of the server that no policy knows */

static void pause_ms(unsigned int ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&time, NULL);
}

/* Each datagram of one socket is sorted by its own tag, and each answer finds back. */
static void tags(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_answer(bench, 6001, &peer, FIRST);
	replies_ask(bench, &peer, FIRST, 2, 6002);
	replies_ask(bench, &peer, FIRST, 77, UNKNOWN);
	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_answer(bench, UNKNOWN, &peer, FIRST);
	replies_answer(bench, 6002, &peer, FIRST);
	replies_answer(bench, 6001, &peer, FIRST);
	replies_connect(bench, &peer, FIRST);
	replies_ask(bench, &peer, FIRST, 2, 6002);
	replies_answer(bench, 6001, &peer, FIRST);
	replies_answer(bench, 6002, &peer, FIRST);
}

/* Late, after others, and more than one for one request. */
static void late(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);
	struct replies_peer other = replies_peer(bench, REPLIES_OTHER, 0);

	replies_ask(bench, &peer, FIRST, 1, 6001);
	for (uint32_t i = 0; i < 20; i++) {
		replies_ask(bench, &other, FIRST, 1 + i % 2, i % 2 ? 6002 : 6001);
		replies_ask(bench, &peer, FIRST, 2, 6002);
	}
	for (int i = 0; i < 3; i++)
		replies_answer(bench, 6001, &peer, FIRST);
	replies_answer(bench, 6002, &other, FIRST);
}

/* Ports of one host, addresses of one host, two hosts. */
static void senders(struct replies_bench *bench)
{
	struct replies_peer peers[] = {
		replies_peer(bench, REPLIES_CLIENT, 0), replies_peer(bench, REPLIES_CLIENT, 0),
		replies_peer(bench, REPLIES_CLIENT, 1), replies_peer(bench, REPLIES_OTHER, 0),
		replies_peer(bench, REPLIES_OTHER, 1),
	};

	for (size_t i = 0; i < 5; i++)
		replies_ask(bench, &peers[i], FIRST, 1 + i % 2, i % 2 ? 6002 : 6001);
	for (size_t i = 5; i-- > 0;)
		replies_answer(bench, i % 2 ? 6002 : 6001, &peers[i], FIRST);
	/* The same numbers of ports, from another host. */
	replies_answer(bench, 6002, &peers[0], 6002);
	replies_answer(bench, 6001, &peers[3], 6001);
}

/* One port of a sender at two listeners; targets that are ports of listeners. */
static void listeners(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_ask(bench, &peer, SECOND, 1, 6101);
	replies_ask(bench, &peer, PLAIN, 1, 6201);
	replies_answer(bench, 6101, &peer, SECOND);
	replies_answer(bench, 6001, &peer, FIRST);
	replies_answer(bench, 6201, &peer, 6201);
	replies_ask(bench, &peer, FIRST, 3, SECOND);
	replies_answer(bench, SECOND, &peer, FIRST);
	replies_ask(bench, &peer, FIRST, 4, FIRST);
	replies_answer(bench, FIRST, &peer, FIRST);
	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_answer(bench, 6001, &peer, FIRST);
}

/* What the listener passes is answered from there, and so is what is not for it. */
static void passed(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_ask(bench, &peer, SECOND, 77, SECOND);
	replies_answer(bench, SECOND, &peer, SECOND);
	replies_ask(bench, &peer, OWN, 1, OWN);
	replies_ask(bench, &peer, SECOND, 1, 6101);
	replies_answer(bench, OWN, &peer, OWN);
	replies_answer(bench, 6101, &peer, SECOND);
	replies_answer(bench, SECOND, &peer, SECOND);
}

/* Entities that pass or are dropped; and what is invalid, although it has the tag of an entity. */
static void actions(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_ask(bench, &peer, FIRST, 2, FIRST);
	replies_answer(bench, FIRST, &peer, FIRST);
	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_ask(bench, &peer, FIRST, 3, 0);
	replies_ask(bench, &peer, FIRST, 100, INVALID);
	replies_answer(bench, 6001, &peer, FIRST);
	replies_answer(bench, INVALID, &peer, FIRST);
	replies_answer(bench, FIRST, &peer, FIRST);
	replies_ask(bench, &peer, FIRST, 2, FIRST);
	replies_answer(bench, 6001, &peer, FIRST);
}

/* Traffic with the port of an entity that no listener has sorted. */
static void direct(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);
	struct replies_peer port = replies_peer(bench, REPLIES_CLIENT, 0);
	struct replies_peer host = replies_peer(bench, REPLIES_OTHER, 0);

	replies_ask(bench, &port, 6001, 2, 6001);
	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_ask(bench, &host, 6001, 2, 6001);
	for (int i = 0; i < 2; i++) {
		replies_answer(bench, 6001, &port, 6001);
		replies_answer(bench, 6001, &host, 6001);
		replies_answer(bench, 6001, &peer, FIRST);
		replies_ask(bench, &port, 6001, 2, 6001);
	}
}

/* An entity that stays at the listener's port, where what is passed goes as well. */
static void own_port(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);
	struct replies_peer turned = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_ask(bench, &peer, SECOND, 4, SECOND);
	replies_ask(bench, &peer, SECOND, 77, SECOND);
	replies_ask(bench, &turned, SECOND, 77, SECOND);
	replies_ask(bench, &turned, SECOND, 4, SECOND);
	replies_answer(bench, SECOND, &peer, SECOND);
	replies_answer(bench, SECOND, &turned, SECOND);
}

/* What the server sends to one who did not ask that port, or at another address of the server. */
static void unasked(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);
	struct replies_peer port = replies_peer(bench, REPLIES_CLIENT, 0);
	struct replies_name name;
	int second = replies_server(bench, 1, 6001, &name);

	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_answer(bench, 6002, &peer, 6002);
	replies_answer(bench, 6001, &port, 6001);
	replies_answer(bench, OWN, &peer, OWN);
	replies_answer_by(bench, second, &peer, &name);
	replies_answer(bench, 6001, &peer, FIRST);
	close(second);
}

/* The server has spoken first: what is asked then arrives as it was sent. */
static void server_first(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_answer(bench, 6001, &peer, 6001);
	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_answer(bench, 6001, &peer, FIRST);
	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_answer(bench, 6001, &peer, FIRST);
}

/*
 * The same from the port of the listener.  Connection tracking, where it does the replies, takes
 * what the peer sends then for an answer: entitymux(8), REPLIES.
 */
static void listener_first(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_answer(bench, FIRST, &peer, FIRST);
	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_answer(bench, 6001, &peer, FIRST);
}

/* Who is asked as one of many answers from an address of its own; who is asked alone, from that
 * one. */
static void groups(struct replies_bench *bench)
{
	static const char *const names[2][2] = {{"192.0.2.255", "239.1.2.3"},
						{"ff15::1", "ff18::2"}};
	struct replies_name second_name;
	int second = replies_server(bench, 1, 6001, &second_name);

	for (int i = 0; i < 2; i++) {
		struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);
		struct replies_name known;

		replies_answer(bench, 6001, &peer, 6001);
		replies_ask_group(bench, &peer, names[bench->family == AF_INET6][i], FIRST, 1,
				  6001);
		replies_answer(bench, 6001, &peer, FIRST);
		close(replies_server(bench, 1, OWN + 1, &known));
		known.ip4.sin_port = htons(FIRST);
		replies_answer_by(bench, second, &peer, &known);
		replies_answer(bench, 6002, &peer, 6002);
		replies_ask(bench, &peer, FIRST, 2, 6002);
		replies_answer(bench, 6002, &peer, FIRST);
	}
	close(second);
}

static void no_checksum(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_answer(bench, 6001, &peer, FIRST);
	if (!bench->last_checksum)
		replies_fail(bench, "the checksum is gone");
	bench->no_checksum = true;
	replies_answer(bench, 6001, &peer, FIRST);
	if (bench->last_checksum)
		replies_fail(bench, "there was no checksum, now it is %04x", bench->last_checksum);
	replies_ask(bench, &peer, FIRST, 2, 6002);
	bench->no_checksum = false;
	replies_answer(bench, 6002, &peer, FIRST);
}

/* Many contents, so that sums that carry and sums of 0 are among them. */
static void checksums(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_ask(bench, &peer, FIRST, 1, 6001);
	for (int i = 0; i < 300; i++) {
		bench->length = 12 + i;
		replies_answer(bench, 6001, &peer, FIRST);
	}
}

/* Longer than the MTU of any wire: in fragments. */
static void long_answers(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_ask(bench, &peer, FIRST, 1, 6001);
	for (size_t length = 1440; length < 1500; length++) {
		bench->length = length;
		replies_answer(bench, 6001, &peer, FIRST);
	}
	bench->length = 4000;
	replies_answer(bench, 6001, &peer, FIRST);
	bench->length = 60001;
	replies_answer(bench, 6001, &peer, FIRST);
	replies_answer(bench, 6002, &peer, 6002);
	bench->length = 0;
	replies_answer(bench, 6001, &peer, FIRST);
}

static void long_requests(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_OTHER, 0);

	bench->length = 4000;
	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_answer(bench, 6001, &peer, FIRST);
	replies_ask(bench, &peer, FIRST, 2, 6002);
	bench->length = 0;
	replies_answer(bench, 6002, &peer, FIRST);
}

static void segments_to(struct replies_bench *bench, enum replies_host host)
{
	struct replies_peer peer = replies_peer(bench, host, 0);

	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_segments(bench, 6001, &peer, FIRST);
	replies_segments(bench, 6002, &peer, 6002);
}

/* One call of the server, several datagrams, whose checksums a device completes. */
static void segments(struct replies_bench *bench)
{
	segments_to(bench, REPLIES_OTHER);
}

/* Where no device does, the kernel's NAT breaks the checksum of such a packet. */
static void segments_summed(struct replies_bench *bench)
{
	segments_to(bench, REPLIES_CLIENT);
}

static void restart(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_restart(bench, 6001);
	replies_answer(bench, 6001, &peer, FIRST);
	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_restart(bench, 6001);
	replies_answer(bench, 6001, &peer, FIRST);
}

/* Tag 9 is that of port 6009, where nobody listens. */
static void errors(struct replies_bench *bench)
{
	struct replies_peer direct = replies_peer(bench, REPLIES_OTHER, 1);

	replies_connect(bench, &direct, 6009);
	for (int host = 0; host < REPLIES_SENDERS; host++) {
		struct replies_peer peer = replies_peer(bench, host, 0);

		replies_connect(bench, &peer, FIRST);
		replies_refused(bench, &peer, FIRST, 9);
		replies_refused(bench, &direct, 6009, 1);
		/* The next one is sorted by its own tag, and is answered. */
		replies_ask(bench, &peer, FIRST, 1, 6001);
		replies_answer(bench, 6001, &peer, FIRST);
		bench->length = 1000;
		replies_refused(bench, &peer, FIRST, 9);
		bench->length = 0;
	}
}

/* An entity goes to another port, and comes back. */
static void moved(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_ask(bench, &peer, FIRST, 2, 6002);
	replies_ask(bench, &peer, SECOND, 1, 6101);
	replies_apply(bench, "moved");
	replies_answer(bench, 6002, &peer, FIRST);
	replies_answer(bench, 6001, &peer, 6001);
	replies_answer(bench, 6101, &peer, SECOND);
	replies_ask(bench, &peer, FIRST, 1, 7001);
	replies_answer(bench, 7001, &peer, FIRST);
	replies_answer(bench, 6001, &peer, 6001);
	replies_apply(bench, "base");
	replies_answer(bench, 6002, &peer, FIRST);
	replies_answer(bench, 7001, &peer, 7001);
	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_answer(bench, 6001, &peer, FIRST);
}

/* A policy that has the same entities, and another one that has one listener less. */
static void applied_again(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_ask(bench, &peer, SECOND, 1, 6101);
	replies_apply(bench, "more");
	replies_answer(bench, 6001, &peer, FIRST);
	replies_answer(bench, 6101, &peer, SECOND);
	replies_ask(bench, &peer, FIRST, 5, 7001);
	replies_apply(bench, "single");
	replies_answer(bench, 6101, &peer, 6101);
	replies_answer(bench, 6001, &peer, FIRST);
	replies_apply(bench, "without");
	replies_answer(bench, 6001, &peer, 6001);
	replies_ask(bench, &peer, FIRST, 2, 6002);
	replies_answer(bench, 6002, &peer, 6002);
}

/* short.conf forgets after two seconds. */
static void forgotten(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);
	struct replies_peer asks = replies_peer(bench, REPLIES_CLIENT, 0);
	struct replies_peer silent = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_ask(bench, &asks, FIRST, 1, 6001);
	replies_ask(bench, &silent, FIRST, 1, 6001);
	for (int i = 0; i < 2; i++) {
		pause_ms(1200);
		replies_answer(bench, 6001, &peer, FIRST);
		replies_ask(bench, &asks, FIRST, 1, 6001);
	}
	replies_answer(bench, 6001, &asks, FIRST);
	replies_answer(bench, 6001, &silent, 6001);
	pause_ms(2600);
	replies_answer(bench, 6001, &peer, 6001);
	replies_answer(bench, 6001, &asks, 6001);
	replies_ask(bench, &peer, FIRST, 1, 6001);
	replies_answer(bench, 6001, &peer, FIRST);
}

/* small.conf remembers 1024 conversations; the last ones are never the oldest. */
static void full(struct replies_bench *bench)
{
	struct replies_peer peers[16];
	unsigned int n = 0;

	for (; n < 16; n++)
		peers[n] = replies_peer(bench, REPLIES_CLIENT, 0);
	for (; n < 3000 && bench->failures < 10; n++) {
		struct replies_peer *peer = &peers[n % 16];

		close(peer->fd);
		*peer = replies_peer(bench, REPLIES_CLIENT, 0);
		replies_ask(bench, peer, FIRST, 1 + n % 2, n % 2 ? 6002 : 6001);
	}
	for (unsigned int i = n - 16; i < n; i++)
		replies_answer(bench, i % 2 ? 6002 : 6001, &peers[i % 16], FIRST);
}

/*
 * Many more senders than small.conf remembers: a conversation that goes on is not forgotten, and
 * new ones are answered.
 */
static void flooded(struct replies_bench *bench)
{
	struct replies_peer known = replies_peer(bench, REPLIES_CLIENT, 0);
	bool flooding = true;
	pid_t flood;

	if (bench->family != AF_INET)
		return;
	replies_ask(bench, &known, FIRST, 1, 6001);
	replies_answer(bench, 6001, &known, FIRST);
	flood = replies_flood(bench, FIRST, 2, 10, 2000);
	while (flooding && bench->failures < 10) {
		struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

		replies_ask(bench, &peer, FIRST, 1, 6001);
		replies_answer(bench, 6001, &known, FIRST);
		replies_answer(bench, 6001, &peer, FIRST);
		close(peer.fd);
		pause_ms(20);
		flooding = waitpid(flood, NULL, WNOHANG) == 0;
	}
	if (flooding) {
		kill(flood, SIGKILL);
		waitpid(flood, NULL, 0);
	}
}

/* The control: the answers of a host without a policy. */
static void bare(struct replies_bench *bench)
{
	struct replies_peer peer = replies_peer(bench, REPLIES_CLIENT, 0);

	replies_ask(bench, &peer, 6001, 1, 6001);
	replies_answer(bench, 6001, &peer, 6001);
	replies_ask(bench, &peer, FIRST, 1, FIRST);
	replies_answer(bench, FIRST, &peer, FIRST);
	replies_connect(bench, &peer, 6009);
	replies_refused(bench, &peer, 6009, 1);
}

#define PLACE(place) (1U << (place))
#define HERE	     (PLACE(REPLIES_LOCAL) | PLACE(REPLIES_ROUTED))
#define VLAN	     PLACE(REPLIES_VLAN)

static const struct scenario {
	const char *name;
	const char *config;
	void (*play)(struct replies_bench *bench);
	unsigned int places;
	bool at_once;	    /* all variants, because it waits */
	const char *not_by; /* a backend that is known to differ */
} scenarios[] = {
	{"each by its own tag", "base", tags, HERE | VLAN, false},
	{"late answers", "base", late, HERE, false},
	{"several senders", "base", senders, HERE, false},
	{"several listeners", "base", listeners, HERE, false},
	{"what is passed", "base", passed, HERE, false},
	{"other actions", "actions", actions, HERE, false},
	{"the listener's own port", "base", own_port, HERE, false},
	{"entity's port, directly", "base", direct, HERE, false},
	{"unasked", "base", unasked, HERE | VLAN, false},
	{"server first", "base", server_first, HERE, false},
	{"server first, from the listener's port", "base", listener_first, HERE, false},
	{"asked as one of many", "base", groups, PLACE(REPLIES_LOCAL), false},
	{"one link-local address on two links", "links", replies_links, PLACE(REPLIES_LOCAL),
	 false},
	{"no checksum", "base", no_checksum, HERE, false},
	{"checksums", "base", checksums, HERE, false},
	{"long answers", "base", long_answers, HERE | VLAN, false},
	{"long requests", "base", long_requests, HERE, false},
	{"segments", "base", segments, HERE, false},
	{"segments that no device sums up", "base", segments_summed, HERE, false, "nft"},
	{"server restarts", "base", restart, HERE, false},
	{"ICMP errors", "base", errors, HERE, false},
	{"entity moved", "base", moved, HERE, false},
	{"applied again", "base", applied_again, HERE, false},
	{"forgotten", "short", forgotten, HERE, true},
	{"full", "small", full, HERE, false},
	{"a flood of senders", "small", flooded, PLACE(REPLIES_LOCAL), false},
};
static const struct scenario control = {"control", NULL, bare, HERE | VLAN, false};

/* In a process of its own, whose exit status is 1 where it fails. */
static pid_t play(const struct scenario *scenario, struct replies_bench *bench)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0)
		replies_die("fork");
	if (child)
		return child;
	replies_open(bench);
	scenario->play(bench);
	fflush(NULL);
	_exit(bench->failures ? 1 : 0);
}

static const char *const places[] = {"", ", server behind", ", in a VLAN"};

static bool wait_for_end(const struct scenario *scenario, const struct replies_bench *bench,
			 pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) < 0)
		replies_die("wait");

	printf("%s - %s: %s, %s%s\n", status ? "not ok" : "ok", bench->backend, scenario->name,
	       bench->family == AF_INET6 ? "IPv6" : "IPv4", places[bench->place]);
	return status == 0;
}

static bool has_vlan(const struct replies_bench *bench)
{
	if (setns(bench->namespaces[REPLIES_ROUTER], CLONE_NEWNET))
		replies_die("setns");
	return if_nametoindex("in0.5");
}

/* So that no scenario meets a conversation of another, and none that run at once a socket. */
static uint16_t first_port(const struct scenario *scenario, int place)
{
	size_t index = scenario == &control ? 0 : (size_t)(scenario - scenarios);

	return 10000 + index * 1000 + place * 100;
}

/* Returns how many variants fail. */
static unsigned int run(const struct scenario *scenario, const struct replies_bench *base)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct replies_bench benches[2 * REPLIES_PLACES];
	pid_t children[2 * REPLIES_PLACES];
	unsigned int n = 0, failed = 0;

	for (int i = 0; i < 2 * REPLIES_PLACES; i++) {
		if (!(scenario->places & PLACE(i / 2)))
			continue;
		if (i / 2 == REPLIES_VLAN && !has_vlan(base)) {
			printf("ok - %s: %s%s # SKIP no VLAN devices\n", base->backend,
			       scenario->name, places[REPLIES_VLAN]);
			continue;
		}
		benches[n] = *base;
		benches[n].place = i / 2;
		benches[n].family = families[i % 2];
		benches[n].next_port = first_port(scenario, i / 2);
		if (scenario->config && (!scenario->at_once || !n))
			replies_apply(base, scenario->config);
		children[n] = play(scenario, &benches[n]);
		if (!scenario->at_once)
			failed += !wait_for_end(scenario, &benches[n], children[n]);
		n++;
	}
	for (unsigned int i = 0; scenario->at_once && i < n; i++)
		failed += !wait_for_end(scenario, &benches[i], children[i]);
	return failed;
}

static bool is_asked_for(const struct scenario *scenario, const char *backend, char **names)
{
	if (scenario->not_by && !strcmp(scenario->not_by, backend))
		return false;
	for (char **name = names; *name; name++)
		if (strstr(scenario->name, *name))
			return true;
	return !*names;
}

static int namespace(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		replies_die(path);
	return fd;
}

int main(int argc, char **argv)
{
	static const char *const hosts[] = {"client", "other", "router", "behind"};
	struct replies_bench bench = {0};
	unsigned int failed = 0, played = 0;

	if (argc < 4) {
		fprintf(stderr, "usage: replies ENTITYMUX BACKEND FOLDER [SCENARIO...]\n");
		return 2;
	}
	bench.entitymux = argv[1];
	bench.backend = argv[2];
	bench.folder = argv[3];
	for (int i = 0; i < REPLIES_HOSTS; i++)
		bench.namespaces[i] = namespace(hosts[i]);
	if (!strcmp(bench.backend, "none"))
		return run(&control, &bench) ? 1 : 0;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (is_asked_for(&scenarios[i], bench.backend, argv + 4)) {
			failed += run(&scenarios[i], &bench);
			played++;
		}
	if (!played)
		fprintf(stderr, "replies: there is no such scenario\n");
	return failed || !played ? 1 : 0;
}
