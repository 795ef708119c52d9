/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * life_stream - a stream of datagrams while one policy takes the place of another, again and again.
 *
 *	life stream SENDER APPLIES LOSS ENTITYMUX CONFIG-A CONFIG-B BACKEND...
 *	life undone SENDER APPLIES LOSS ENTITYMUX CONFIG-A CONFIG-B BACKEND...
 *
 * CONFIG-A is in force.  "stream": they take turns.  "undone": B is applied for a second, and A
 * comes back because nobody confirms.  The backends take turns.  A sorts tags 1 and 2 to ports
 * 6001 and 6002 and does not know tag 3; B sorts all three to 7001, 7002 and 7003.  A datagram that
 * was sent and has arrived while nothing was applied has to be sorted by the policy in force; one
 * that was under way meanwhile, by either.  None may come twice and no more than LOSS may be
 * missing.  Prints a summary, with the number that arrived first, and how many of them unsorted;
 * the exit status is 1 when anything went wrong.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "life.h"

#define MOST	  (1U << 24) /* datagrams */
#define WINDOW	  96	     /* under way at most: less than any queue on the way holds */
#define BATCH	  16
#define PAUSE_MS  10 /* between two applies */
#define LOST_MS	  1000
#define COMPLAINS 10

extern char **environ;

struct stream {
	struct life_link link;
	bool undone;
	/* Even: nothing is being applied; each apply adds two, one that is undone adds four. */
	atomic_uint phase;
	atomic_uint sent, received;
	atomic_bool end;
	unsigned int *sent_in; /* by number: the phase in which it was sent */
	unsigned char *times;  /* by number: how often it has arrived */
	unsigned int unsorted, missorted, strange;
};

static uint32_t tag_of(uint32_t number)
{
	return 1 + number % LIFE_TAGS;
}

/* Where a policy, A (0) or B (1), has a tag go. */
static uint16_t port_of(unsigned int policy, uint32_t tag)
{
	static const uint16_t ports[2][LIFE_TAGS] = {{6001, 6002, LIFE_LISTENER},
						     {7001, 7002, 7003}};

	return ports[policy][tag - 1];
}

static bool is_sorted(unsigned int sent_in, unsigned int now, uint32_t tag, uint16_t port)
{
	bool by_a = port == port_of(0, tag), by_b = port == port_of(1, tag);

	if (sent_in == now && now % 2 == 0)
		return now / 2 % 2 ? by_b : by_a;
	return by_a || by_b;
}

static void take(struct stream *stream, const struct life_payload *payload, uint16_t port)
{
	uint32_t number = payload->number, tag = life_tag(payload);
	unsigned int now = atomic_load(&stream->phase);

	if (number >= MOST || tag != tag_of(number) || stream->times[number]) {
		stream->strange++;
		return;
	}
	stream->times[number]++;
	stream->unsorted += port == LIFE_LISTENER;
	if (!is_sorted(stream->sent_in[number], now, tag, port) && stream->missorted++ < COMPLAINS)
		printf("datagram %u, tag %u, sent in phase %u, is on port %u in phase %u\n", number,
		       tag, stream->sent_in[number], port, now);
	atomic_fetch_add(&stream->received, 1);
}

static void *receive(void *context)
{
	struct stream *stream = context;
	struct pollfd wait[LIFE_PORTS];
	struct life_payload payload;

	for (size_t i = 0; i < LIFE_PORTS; i++)
		wait[i] = (struct pollfd){.fd = stream->link.server[i], .events = POLLIN};
	while (poll(wait, LIFE_PORTS, 100) > 0 || !atomic_load(&stream->end))
		for (size_t i = 0; i < LIFE_PORTS; i++)
			while (wait[i].revents & POLLIN &&
			       recv(wait[i].fd, &payload, sizeof(payload), MSG_DONTWAIT) > 0)
				take(stream, &payload, life_ports[i]);
	return NULL;
}

static void sleep_ms(unsigned int ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static void send_batch(struct stream *stream, uint32_t first, const struct sockaddr_in *name)
{
	struct life_payload payloads[BATCH];
	struct mmsghdr messages[BATCH] = {0};
	struct iovec iov[BATCH];
	unsigned int phase = atomic_load(&stream->phase);
	int fd = stream->link.sender[first / BATCH % 2];

	for (uint32_t i = 0; i < BATCH; i++) {
		life_payload(&payloads[i], tag_of(first + i), first + i);
		stream->sent_in[first + i] = phase;
		iov[i] = (struct iovec){&payloads[i], sizeof(payloads[i])};
		messages[i].msg_hdr = (struct msghdr){.msg_name = (void *)(uintptr_t)name,
						      .msg_namelen = sizeof(*name),
						      .msg_iov = &iov[i],
						      .msg_iovlen = 1};
	}
	for (int done = 0, n; done < BATCH; done += n) {
		n = sendmmsg(fd, messages + done, BATCH - done, 0);
		if (n < 0)
			life_die("sendmmsg");
	}
}

/* Waits for room in the window, which lost datagrams make smaller for good. */
static bool has_room(struct stream *stream, unsigned int sent, unsigned int *lost)
{
	for (int i = 0; i < LOST_MS * 20; i++) {
		if (sent - atomic_load(&stream->received) - *lost + BATCH <= WINDOW)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
	}
	*lost = sent - atomic_load(&stream->received);
	return false;
}

static void *send_all(void *context)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(LIFE_LISTENER)};
	struct stream *stream = context;
	unsigned int sent = 0, lost = 0;

	inet_pton(AF_INET, "192.0.2.1", &name.sin_addr);
	while (!atomic_load(&stream->end) && sent + BATCH <= MOST) {
		if (!has_room(stream, sent, &lost))
			continue;
		send_batch(stream, sent, &name);
		sent += BATCH;
		atomic_store(&stream->sent, sent);
	}
	return NULL;
}

static bool succeeds(pid_t child)
{
	int status = -1;

	return waitpid(child, &status, 0) > 0 && status == 0;
}

static bool apply(bool undone, const char *entitymux, const char *config, const char *backend)
{
	char option[64];
	char *const argv[] = {(char *)(uintptr_t)entitymux,
			      (char *)(uintptr_t) "apply",
			      option,
			      (char *)(uintptr_t)config,
			      (char *)(uintptr_t)(undone ? "--confirm=1" : NULL),
			      NULL};
	posix_spawn_file_actions_t actions;
	pid_t child;

	snprintf(option, sizeof(option), "--backend=%s", backend);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&child, entitymux, &actions, NULL, argv, environ))
		life_die(entitymux);
	posix_spawn_file_actions_destroy(&actions);
	/* Then the process that undoes it, which has come to us. */
	return succeeds(child) && (!undone || succeeds(-1));
}

/* Returns how many failed. */
static unsigned int apply_all(struct stream *stream, unsigned int applies, char **argv)
{
	unsigned int n_backends = 0, failed = 0;

	while (argv[3 + n_backends])
		n_backends++;
	for (unsigned int i = 0; i < applies; i++) {
		const char *config = argv[stream->undone ? 2 : 1 + (i + 1) % 2];

		sleep_ms(PAUSE_MS);
		atomic_fetch_add(&stream->phase, 1);
		failed += !apply(stream->undone, argv[0], config, argv[3 + i % n_backends]);
		atomic_fetch_add(&stream->phase, stream->undone ? 3 : 1);
	}
	sleep_ms(PAUSE_MS);
	return failed;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int life_stream(int argc, char **argv)
{
	struct stream stream = {.undone = !strcmp(argv[0], "undone")};
	unsigned int applies, may_lose, failed, lost;
	pthread_t sender, receiver;
	double took;

	if (argc < 8)
		return 2;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		life_die("prctl");
	applies = (unsigned int)strtoul(argv[2], NULL, 0);
	may_lose = (unsigned int)strtoul(argv[3], NULL, 0);
	life_open(&stream.link, argv[1]);
	stream.sent_in = calloc(MOST, sizeof(*stream.sent_in));
	stream.times = calloc(MOST, 1);
	if (!stream.sent_in || !stream.times || pthread_create(&receiver, NULL, receive, &stream) ||
	    pthread_create(&sender, NULL, send_all, &stream))
		life_die("threads");
	took = seconds();
	failed = apply_all(&stream, applies, argv + 4);
	took = seconds() - took;
	atomic_store(&stream.end, true);
	pthread_join(sender, NULL);
	pthread_join(receiver, NULL);
	lost = stream.sent - stream.received;
	printf("arrived %u, %u of them unsorted, in %.1f s, lost %u, missorted %u, strange %u, "
	       "%u applies, %u failed\n",
	       stream.received, stream.unsorted, took, lost, stream.missorted, stream.strange,
	       applies, failed);
	free(stream.sent_in);
	free(stream.times);
	return lost > may_lose || stream.missorted || stream.strange || failed || !stream.received;
}
