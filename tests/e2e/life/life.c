/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * life - the tools of life.sh.
 *
 *	life where SENDER TAG...	on which ports datagrams with these tags arrive
 *	life stream|undone SENDER ...	see life_stream.c
 *	life stats			prints the document of `stats --json` in lines
 *	life kill MICROSECONDS COMMAND	kills the command after a random time up to that
 *	life cost COMMAND		runs it and prints what it took
 *	life without-nftables COMMAND	runs it as if the kernel had no nf_tables
 *	life without-tcx COMMAND	runs it as if the kernel had no tcx
 *	life attach INTERFACE MODE	puts a program of somebody else on an interface: native,
 *					generic or tcx
 *	life state			prints the folder for what is applied
 *
 * SENDER is the path of the network namespace of the sender.
 */
#include "life.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERVER	   "192.0.2.1"
#define BUFFER	   (16 * 1024 * 1024)
#define TIMEOUT_MS 2000

const uint16_t life_ports[LIFE_PORTS] = {
	LIFE_LISTENER, 6001, 6002, 6003, 7001, 7002, 7003, LIFE_SENTINEL,
};

void life_die(const char *what)
{
	fprintf(stderr, "life: %s: %s\n", what, strerror(errno));
	exit(3);
}

static int server_socket(uint16_t port)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
	int size = BUFFER, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    bind(fd, (struct sockaddr *)&name, sizeof(name)))
		life_die("socket");
	return fd;
}

static void enter(const char *path)
{
	int namespace = open(path, O_RDONLY | O_CLOEXEC);

	if (namespace < 0 || setns(namespace, CLONE_NEWNET))
		life_die(path);
	close(namespace);
}

static int sender_socket(bool checksum)
{
	int size = BUFFER, none = !checksum, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &none, sizeof(none)))
		life_die("socket of the sender");
	return fd;
}

void life_open(struct life_link *link, const char *sender)
{
	int self = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	char here[64];

	snprintf(here, sizeof(here), "/proc/self/fd/%d", self);
	for (size_t i = 0; i < LIFE_PORTS; i++)
		link->server[i] = server_socket(life_ports[i]);
	enter(sender);
	link->sender[0] = sender_socket(true);
	link->sender[1] = sender_socket(false);
	enter(here);
	close(self);
}

void life_payload(struct life_payload *payload, uint32_t tag, uint32_t number)
{
	*payload = (struct life_payload){.magic = {'L', 'I', 'F', 'E'}, .number = number};
	for (int i = 0; i < 4; i++) {
		payload->tag[i] = (uint8_t)(tag >> (24 - 8 * i));
		payload->inverted[i] = (uint8_t)~payload->tag[i];
	}
}

uint32_t life_tag(const struct life_payload *payload)
{
	uint32_t tag = 0;

	for (int i = 0; i < 4; i++)
		tag = tag << 8 | payload->tag[i];
	return tag;
}

static void send_to(int fd, uint16_t port, uint32_t tag, uint32_t number)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct life_payload payload;

	inet_pton(AF_INET, SERVER, &name.sin_addr);
	life_payload(&payload, tag, number);
	if (sendto(fd, &payload, sizeof(payload), 0, (struct sockaddr *)&name, sizeof(name)) < 0)
		life_die("send");
}

/* Notes where the datagrams arrive, until the sentinel does. */
static void receive_all(const struct life_link *link, uint16_t *where, uint32_t n)
{
	struct pollfd wait[LIFE_PORTS];
	struct life_payload payload;

	for (size_t i = 0; i < LIFE_PORTS; i++)
		wait[i] = (struct pollfd){.fd = link->server[i], .events = POLLIN};
	while (poll(wait, LIFE_PORTS, TIMEOUT_MS) > 0) {
		for (size_t i = 0; i < LIFE_PORTS - 1; i++)
			while (recv(wait[i].fd, &payload, sizeof(payload), MSG_DONTWAIT) > 0)
				if (payload.number < n)
					where[payload.number] = life_ports[i];
		if (wait[LIFE_PORTS - 1].revents & POLLIN)
			return;
	}
	errno = ETIMEDOUT;
	life_die("the wire");
}

/* Prints a port, or 0, for each tag. */
static int where(int argc, char **argv)
{
	uint16_t ports[64] = {0};
	struct life_link link;
	cpu_set_t one;

	if (argc < 3 || argc > 64)
		return 2;
	/* On one CPU nothing overtakes the sentinel. */
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	life_open(&link, argv[1]);
	for (int i = 2; i < argc; i++)
		send_to(link.sender[i % 2], LIFE_LISTENER, (uint32_t)strtoul(argv[i], NULL, 0),
			i - 2);
	send_to(link.sender[0], LIFE_SENTINEL, 0, 0);
	receive_all(&link, ports, argc - 2);
	for (int i = 2; i < argc; i++)
		printf("%s%u", i > 2 ? " " : "", ports[i - 2]);
	printf("\n");
	return 0;
}

static json_int_t print_number(const char *owner, const json_t *object, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(object, key));

	printf("%s %s %lld\n", owner, key, number);
	return number;
}

/* False where the sums are wrong; entities may have gone with what they counted. */
static bool print_listener(const json_t *listener)
{
	const char *name = json_string_value(json_object_get(listener, "name"));
	const json_t *invalid = json_object_get(listener, "invalid"), *entity;
	json_int_t packets = print_number(name, listener, "packets"), sum, of_entities, sorted = 0;
	size_t index;
	char owner[256];

	print_number(name, listener, "bytes");
	of_entities = print_number(name, listener, "rewritten") +
		      print_number(name, listener, "passed") +
		      print_number(name, listener, "dropped");
	sum = of_entities + print_number(name, listener, "unknown") +
	      print_number(name, invalid, "source") + print_number(name, invalid, "length") +
	      print_number(name, invalid, "check");
	json_array_foreach (json_object_get(listener, "entities"), index, entity) {
		json_int_t counted = json_integer_value(json_object_get(entity, "packets"));

		sorted += counted;
		snprintf(owner, sizeof(owner), "%s/%s", name,
			 json_string_value(json_object_get(entity, "name")));
		if (index < 10 || counted)
			print_number(owner, entity, "packets");
	}
	printf("%s entities %zu\n", name, index);
	return packets == sum && sorted <= of_entities;
}

static int stats(void)
{
	json_error_t error;
	json_t *root = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error), *listener;
	bool conserved = true;
	size_t index;

	if (!root)
		return 3;
	printf("backend %s\n", json_string_value(json_object_get(root, "backend")));
	json_array_foreach (json_object_get(root, "listeners"), index, listener)
		conserved &= print_listener(listener);
	json_decref(root);
	if (!conserved)
		printf("the sums are wrong\n");
	return conserved ? 0 : 1;
}

static void __attribute__((noreturn)) execute(char **argv)
{
	if (argv[0])
		execvp(argv[0], argv);
	life_die(argv[0] ? argv[0] : "no command");
}

static pid_t spawn(char **argv)
{
	pid_t child = fork();

	if (child < 0)
		life_die("fork");
	if (child == 0)
		execute(argv);
	return child;
}

/* Prints the time; the exit status is 0 when it was in time, else that of the command plus 10. */
static int kill_after(char **argv)
{
	unsigned long longest = strtoul(argv[1], NULL, 0);
	unsigned int random, delay;
	struct timespec time;
	pid_t child;
	int status;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		life_die("getrandom");
	delay = random % (longest + 1);
	time = (struct timespec){.tv_sec = delay / 1000000, .tv_nsec = delay % 1000000 * 1000};
	child = spawn(argv + 2);
	nanosleep(&time, NULL);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	printf("%u\n", delay);
	return WIFSIGNALED(status) ? 0 : 10 + WEXITSTATUS(status);
}

static double seconds_since(const struct timespec *begin)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begin->tv_sec) + 1e-9 * (double)(now.tv_nsec - begin->tv_nsec);
}

/* On standard error, so that the output can be used. */
static int cost(char **argv)
{
	struct timespec begin;
	struct rusage usage;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	if (wait4(spawn(argv + 1), &status, 0, &usage) < 0)
		life_die("wait");
	fprintf(stderr, "%.2f s, %ld MB\n", seconds_since(&begin), usage.ru_maxrss / 1024);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#define ARGUMENT(i) (offsetof(struct seccomp_data, args) + (i) * sizeof(uint64_t))
#define LOW_HALF    (__BYTE_ORDER == __BIG_ENDIAN ? 4 : 0)
#define LOAD(at)    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define RETURN(x)   BPF_STMT(BPF_RET | BPF_K, x)

static void restrict_calls(struct sock_filter *filter, size_t length)
{
	struct sock_fprog program = {.len = length, .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		life_die("seccomp");
}

/* What socket() says of a netlink family that no module brings. */
static void without_nftables(char **argv)
{
	struct sock_filter filter[] = {
		LOAD(offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
		LOAD(ARGUMENT(0) + LOW_HALF),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
		LOAD(ARGUMENT(2) + LOW_HALF),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NETLINK_NETFILTER, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
		RETURN(SECCOMP_RET_ALLOW),
	};

	restrict_calls(filter, sizeof(filter) / sizeof(filter[0]));
	execute(argv + 1);
}

/* As on a kernel before 6.6: nobody else asks for programs by their hook. */
static void without_tcx(char **argv)
{
	struct sock_filter filter[] = {
		LOAD(offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 3),
		LOAD(ARGUMENT(0) + LOW_HALF),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BPF_PROG_QUERY, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | EINVAL),
		RETURN(SECCOMP_RET_ALLOW),
	};

	restrict_calls(filter, sizeof(filter) / sizeof(filter[0]));
	execute(argv + 1);
}

/* One that lets everything pass. */
static int load_program(enum bpf_prog_type type, int verdict)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = verdict},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = sizeof(code) / sizeof(code[0]);
	attr.license = (uintptr_t) "GPL";
	memcpy(attr.prog_name, "somebody_elses", sizeof("somebody_elses"));
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

/* Before all others, at TC ingress; it ends the classification.  Linux 6.6. */
static int attach_tcx(const char *interface)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = if_nametoindex(interface);
	attr.attach_bpf_fd = load_program(BPF_PROG_TYPE_SCHED_CLS, 0 /* TCX_PASS */);
	attr.attach_type = 46; /* BPF_TCX_INGRESS */
	attr.attach_flags = 8; /* BPF_F_BEFORE */
	if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)))
		life_die(interface);
	return 0;
}

static int attach(const char *interface, const char *mode)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
		struct nlattr xdp, fd_attr;
		int32_t fd;
		struct nlattr flags_attr;
		uint32_t flags;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_SETLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.link = {.ifi_index = (int)if_nametoindex(interface)},
		.xdp = {.nla_len = 20, .nla_type = IFLA_XDP | NLA_F_NESTED},
		.fd_attr = {.nla_len = 8, .nla_type = IFLA_XDP_FD},
		.fd = load_program(BPF_PROG_TYPE_XDP, XDP_PASS),
		.flags_attr = {.nla_len = 8, .nla_type = IFLA_XDP_FLAGS},
		.flags = strcmp(mode, "generic") ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE,
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[256];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (request.fd < 0 || fd < 0 || send(fd, &request, sizeof(request), 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < 0)
		life_die(interface);
	errno = -answer.error.error;
	if (errno)
		life_die(interface);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: life "
			"where|stream|undone|stats|kill|cost|without-nftables|without-tcx|attach|"
			"state [ARGUMENT...]\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *tool = argc > 1 ? argv[1] : "";

	if (!strcmp(tool, "stats"))
		return stats();
	if (!strcmp(tool, "state"))
		return puts(RUNSTATEDIR "/entitymux") < 0;
	if (argc < 3)
		return usage();
	if (!strcmp(tool, "where"))
		return where(argc - 1, argv + 1);
	if (!strcmp(tool, "stream") || !strcmp(tool, "undone"))
		return life_stream(argc - 1, argv + 1);
	if (!strcmp(tool, "kill"))
		return kill_after(argv + 1);
	if (!strcmp(tool, "cost"))
		return cost(argv + 1);
	if (!strcmp(tool, "without-nftables"))
		without_nftables(argv + 1);
	if (!strcmp(tool, "without-tcx"))
		without_tcx(argv + 1);
	if (!strcmp(tool, "attach") && argc == 4 && !strcmp(argv[3], "tcx"))
		return attach_tcx(argv[2]);
	if (!strcmp(tool, "attach") && argc == 4)
		return attach(argv[2], argv[3]);
	return usage();
}
