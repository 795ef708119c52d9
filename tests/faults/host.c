/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/rig.h"
#include "tests/lib/rig_parts.h"

#define SERVER	 "192.0.2.1"
#define SENTINEL 9999 /* a port of nobody */
#define STEP_MS	 20
#define LATE_MS	 50

static const uint16_t ports[] = {HOST_LISTENER, 6001, 6002,	   6003,    7001,
				 7002,		7003, HOST_COPIES, SENTINEL};
#define PORTS (sizeof(ports) / sizeof(ports[0]))

static struct {
	int server[PORTS]; /* bound to ports[] */
	int sender;
	uint32_t sent; /* the number of the last datagram */
} host;

struct payload {
	uint32_t number;
	uint32_t tag;
};

uid_t host_uid(void)
{
	return (1U << 30) + (uid_t)getpid();
}

static struct sockaddr_in server_name(uint16_t port)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, SERVER, &name.sin_addr);
	return name;
}

static int open_socket(uint16_t port)
{
	struct sockaddr_in name = server_name(port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || (port && bind(fd, (struct sockaddr *)&name, sizeof(name))))
		rig_die("socket");
	return fd;
}

static void make_links(int sender)
{
	char script[1024];

	snprintf(script, sizeof(script),
		 "ip link set lo up\n"
		 "ip link add in0 address 02:00:00:00:00:01 type veth\\\n"
		 "  peer name out0 address 02:00:00:00:00:09 netns /proc/%d/fd/%d\n"
		 "ip address add " SERVER "/24 dev in0\n"
		 "ip link set in0 up\n"
		 "ip neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 dev in0 nud permanent\n",
		 getpid(), sender);
	rig_shell(script);
	rig_enter(sender);
	rig_shell("ip address add 192.0.2.9/24 dev out0\n"
		  "ip link set out0 up\n"
		  "ip neighbour add " SERVER " lladdr 02:00:00:00:00:01 dev out0 nud permanent\n");
}

void host_open(void)
{
	int sender = rig_new_namespace(), self = rig_new_namespace();

	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		rig_die("prctl");
	rig_private_mounts();
	make_links(sender);
	host.sender = open_socket(0);
	rig_enter(self);
	for (size_t i = 0; i < PORTS; i++)
		host.server[i] = open_socket(ports[i]);
}

void host_kill_orphans(void)
{
	FILE *children = fopen("/proc/thread-self/children", "re");
	pid_t pid;

	if (!children)
		rig_die("children");
	while (fscanf(children, "%d", &pid) == 1)
		if (kill(pid, SIGKILL) || waitpid(pid, NULL, 0) != pid)
			rig_die("orphan");
	fclose(children);
}

static void send_to(uint16_t port, uint32_t tag)
{
	struct sockaddr_in name = server_name(port);
	struct payload payload = {.number = ++host.sent, .tag = htonl(tag)};

	if (sendto(host.sender, &payload, sizeof(payload), 0, (struct sockaddr *)&name,
		   sizeof(name)) < 0)
		rig_die("send");
}

/* False: the sentinel has arrived. */
static bool receive_all(struct host_ports *where, const struct pollfd *wait, uint32_t first)
{
	struct payload payload;

	for (size_t i = 0; i < PORTS; i++) {
		if (!(wait[i].revents & POLLIN))
			continue;
		while (recv(wait[i].fd, &payload, sizeof(payload), MSG_DONTWAIT) > 0) {
			uint32_t n = payload.number - first;

			if (n < HOST_TAGS && ports[i] == HOST_COPIES)
				where->copies[n]++;
			else if (n < HOST_TAGS)
				where->of[n] = ports[i];
			else if (n == HOST_TAGS)
				return false;
		}
	}
	return true;
}

static bool is_complete(const struct host_ports *where)
{
	for (size_t i = 0; i < HOST_TAGS; i++)
		if (!where->of[i] || !where->copies[i])
			return false;
	return true;
}

struct host_ports host_where(bool copies)
{
	struct host_ports where = {0};
	struct pollfd wait[PORTS];
	uint32_t first = host.sent + 1;
	cpu_set_t one, before;
	bool going = true;

	/* On one CPU nothing overtakes the sentinel, whose port is the last one. */
	sched_getaffinity(0, sizeof(before), &before);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (uint32_t tag = 1; tag <= HOST_TAGS; tag++)
		send_to(HOST_LISTENER, tag);
	send_to(SENTINEL, 0);
	sched_setaffinity(0, sizeof(before), &before);
	for (size_t i = 0; i < PORTS; i++)
		wait[i] = (struct pollfd){.fd = host.server[i], .events = POLLIN};
	while (going && poll(wait, PORTS, RIG_TIMEOUT_MS) > 0)
		going = receive_all(&where, wait, first);
	/* Those of nft wait in a device that the sentinel passes by. */
	while (copies && !is_complete(&where) && poll(wait, PORTS, LATE_MS) > 0)
		receive_all(&where, wait, first);
	return where;
}

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

bool host_read_counters(struct host_counters *counters, const char *text)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *entity;
	const json_t *listener = json_array_get(json_object_get(root, "listeners"), 0);
	size_t index;

	*counters = (struct host_counters){
		.packets = number(listener, "packets"),
		.rewritten = number(listener, "rewritten"),
		.unknown = number(listener, "unknown"),
		.copied = number(listener, "copied"),
	};
	json_array_foreach (json_object_get(listener, "entities"), index, entity)
		if (index < HOST_TAGS)
			counters->entities[index] = number(entity, "packets");
	json_decref(root);
	return listener;
}

/* Programs, loaded by us: by their owner, who knows those without a name as well. */
static void list_programs(FILE *out)
{
	uint32_t id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		struct bpf_prog_info info = {0};
		uint32_t length = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &length) &&
		    info.created_by_uid == host_uid())
			fprintf(out, "program %u %.16s\n", id, info.name);
		close(fd);
	}
}

static char *list_all(bool rough)
{
	static const char script[] =
		"ip -o link show type ifb | sed 's,^[0-9]*: ,,; s,link/ether [^ ]*,,'\n"
		"ip -o link show dev in0 | grep -o 'prog.xdp.*name [a-z_]*' || :\n"
		"tc qdisc show dev in0\n"
		"tc filter show dev in0 ingress 2>/dev/null | sed 's,tag [0-9a-f]*,,' || :\n"
		"tc filter show dev in0 egress 2>/dev/null | sed 's,tag [0-9a-f]*,,' || :\n"
		/* One line for each chain, as their order depends on which was made first. */
		"nft -s list ruleset | sed '/^\tset conversations\\|^\tset overflow\\|^\tset "
		"groups\\|^\t\\(map\\|set\\) v[0-9]*-unknown[46]*-/,/^\t}/{"
		"/elements = {.*}/d; /elements = {/,/}/d}' | awk '/^\t[^\t].*{$/ { block = 1 }\n"
		"	{ printf \"%s%s\", $0, block && !/^\t}$/ ? \" \" : \"\\n\" }\n"
		"	/^\t}$/ { block = 0 }' | sort\n"
		"find /sys/fs/bpf -mindepth 1 | sort\n"
		"find " RUNSTATEDIR " -mindepth 1 -type d | sort\n"
		"$0 find " RUNSTATEDIR " -type f ! -name 'seen*' -exec cksum {} + | sort\n";
	const char *const argv[] = {"sh", "-ec", script, rough ? ":" : "exec", NULL};
	struct rig_output output;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		rig_die("memory");
	list_programs(out);
	rig_run(&output, argv);
	if (output.status) {
		fprintf(stderr, "snapshot: %s", output.err);
		exit(EXIT_FAILURE);
	}
	fputs(output.out, out);
	rig_output_clear(&output);
	fclose(out);
	return text;
}

static void make_rough(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (!isdigit((unsigned char)*from))
			*to++ = *from;
		else if (!isdigit((unsigned char)from[1]))
			*to++ = '#';
	}
	*to = '\0';
}

char *host_snapshot(bool rough, const char *expected, int milliseconds)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000};
	char *text = NULL;

	for (int waited = 0; waited <= milliseconds; waited += STEP_MS) {
		if (text)
			nanosleep(&step, NULL);
		free(text);
		text = list_all(rough);
		if (rough)
			make_rough(text);
		if (!expected || !strcmp(text, expected))
			break;
	}
	return text;
}

const char *host_difference(const char *expected, const char *seen)
{
	static char line[256];
	const char *begin = seen, *text;

	while (*expected && *expected == *seen)
		if (*seen++ == *expected++ && seen[-1] == '\n')
			begin = seen;
	text = expected - (seen - begin);
	snprintf(line, sizeof(line), "there is '%.*s', not '%.*s'", (int)strcspn(begin, "\n"),
		 begin, (int)strcspn(text, "\n"), text);
	return line;
}
