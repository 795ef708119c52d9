/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * host - a receiver in a network namespace of its own, on a wire from ours.
 */
#include "host.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench.h"

#define SERVER_ADDRESS "192.0.2.1"
#define CLIENT_ADDRESS "192.0.2.9"
#define TIMEOUT_US     200000
#define ARGUMENTS_MAX  16

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void enter(int namespace)
{
	if (setns(namespace, CLONE_NEWNET))
		die("setns");
}

static int open_namespace(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(path);
	return fd;
}

void host_open(struct host *host, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	host->name = name;
	host->namespace = open_namespace(path);
	host->home = open_namespace("/proc/self/ns/net");
	snprintf(host->out, sizeof(host->out), "out-%s", name);
	host->ifindex = if_nametoindex(host->out);
	if (!host->ifindex)
		die(host->out);
}

void host_close(struct host *host)
{
	close(host->namespace);
	close(host->home);
}

void host_run(const struct host *host, struct rig_output *output, const char *const *arguments)
{
	const char *argv[ARGUMENTS_MAX + 5] = {"ip", "netns", "exec", host->name};

	for (int i = 0; i < ARGUMENTS_MAX && arguments[i]; i++)
		argv[i + 4] = arguments[i];
	rig_run(output, argv);
}

int host_attach(const struct host *host, int program)
{
	int rc;

	enter(host->namespace);
	rc = bpf_xdp_attach(if_nametoindex("in0"), program, XDP_FLAGS_DRV_MODE, NULL);
	enter(host->home);
	return rc;
}

static socklen_t make_address(struct sockaddr_storage *storage, unsigned int family, uint16_t port)
{
	struct sockaddr_in *in = (void *)storage;
	struct sockaddr_in6 *in6 = (void *)storage;

	memset(storage, 0, sizeof(*storage));
	if (family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	return sizeof(*in6);
}

static int bound_socket(const struct host *host, unsigned int family, uint16_t port)
{
	const struct timeval timeout = {.tv_usec = TIMEOUT_US};
	struct sockaddr_storage address;
	socklen_t length = make_address(&address, family, port);
	int fd, one = 1;

	enter(host->namespace);
	fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	enter(host->home);
	/* TPROXY, one of the other ways, finds no other sockets. */
	if (fd < 0 || (family == 4 && setsockopt(fd, SOL_IP, IP_TRANSPARENT, &one, sizeof(one))) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
	    bind(fd, (struct sockaddr *)&address, length))
		die("socket");
	return fd;
}

int host_sink(const struct host *host, unsigned int family, uint16_t port)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &drop};
	int fd = bound_socket(host, family, port);

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		die("socket filter");
	return fd;
}

uint32_t host_sink_count(int sink)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t length = sizeof(info);

	if (getsockopt(sink, SOL_SOCKET, SO_MEMINFO, info, &length))
		die("SO_MEMINFO");
	return info[SK_MEMINFO_DROPS];
}

int host_server(const struct host *host, uint16_t port)
{
	return bound_socket(host, 4, port);
}

int host_client(const struct host *host)
{
	struct sockaddr_in client = {.sin_family = AF_INET}, server = client;
	const struct timeval timeout = {.tv_usec = TIMEOUT_US};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	client.sin_addr.s_addr = inet_addr(CLIENT_ADDRESS);
	server.sin_addr.s_addr = inet_addr(SERVER_ADDRESS);
	server.sin_port = htons(BENCH_LISTENER_PORT);
	/* Both hosts have one address: the wire tells which of them is meant. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, host->out, strlen(host->out)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
	    bind(fd, (struct sockaddr *)&client, sizeof(client)) ||
	    connect(fd, (struct sockaddr *)&server, sizeof(server)))
		die("client");
	return fd;
}
