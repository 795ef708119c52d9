/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * rig_parts - what the rigs are made of.
 */
#include "tests/lib/rig_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/lib/rig.h"

#define CAPTURE_BYTES (4 << 20)

void rig_die(const char *what)
{
	fprintf(stderr, "rig: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

void rig_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		rig_die(path);
	close(fd);
}

int rig_new_namespace(void)
{
	int fd;

	if (unshare(CLONE_NEWNET))
		rig_die("unshare (needs root)");
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		rig_die("/proc/self/ns/net");
	rig_write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	rig_write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	return fd;
}

void rig_enter(int namespace)
{
	if (setns(namespace, CLONE_NEWNET))
		rig_die("setns");
}

static void make_folders(const char *path)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%s/", path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) && errno != EEXIST)
			rig_die(copy);
		*slash = '/';
	}
}

void rig_private_mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		rig_die("mount namespace");
	if (mount("sysfs", "/sys", "sysfs", 0, NULL))
		rig_die("/sys");
	/* As on most hosts; a kernel without bpf(2) has none. */
	if (mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) && errno != ENODEV && errno != ENOENT)
		rig_die("/sys/fs/bpf");
	make_folders(RUNSTATEDIR);
	if (mount("tmpfs", RUNSTATEDIR, "tmpfs", 0, "mode=0755"))
		rig_die(RUNSTATEDIR);
}

void rig_shell(const char *script)
{
	const char *const argv[] = {"sh", "-ec", script, NULL};
	struct rig_output output;

	rig_run(&output, argv);
	if (output.status) {
		fprintf(stderr, "rig: exit status %d of:\n%s%s", output.status, script, output.err);
		exit(EXIT_FAILURE);
	}
	rig_output_clear(&output);
}

static void ethtool(int fd, const char *interface, uint32_t command)
{
	struct ethtool_value value = {.cmd = command};
	struct ifreq request = {.ifr_data = (char *)&value};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCETHTOOL, &request) && errno != EOPNOTSUPP)
		rig_die(interface);
}

void rig_no_offloads(const char *const *interfaces, size_t count)
{
	static const uint32_t commands[] = {ETHTOOL_SRXCSUM, ETHTOOL_STXCSUM, ETHTOOL_STSO,
					    ETHTOOL_SGSO,    ETHTOOL_SGRO,    ETHTOOL_SFLAGS};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		rig_die("socket");
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < sizeof(commands) / sizeof(commands[0]); j++)
			ethtool(fd, interfaces[i], commands[j]);
	close(fd);
}

void rig_prepare_capture(int fd)
{
	struct timeval timeout = {.tv_sec = RIG_TIMEOUT_MS / 1000};
	int size = CAPTURE_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		rig_die("capture");
}

int rig_packet_socket(const char *interface, bool receive)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = receive ? htons(ETH_P_ALL) : 0,
				      .sll_ifindex = if_nametoindex(interface)};
	/* PACKET_IGNORE_OUTGOING is newer than the kernels that tests run on. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog not_outgoing = {sizeof(code) / sizeof(code[0]), code};
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || !address.sll_ifindex ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &not_outgoing, sizeof(not_outgoing)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		rig_die(interface);
	return fd;
}
