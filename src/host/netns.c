/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NAMESPACE "/proc/self/ns/net"
#define BOOT	  "/proc/sys/kernel/random/boot_id"

/* Linux 5.14, include/uapi/asm-generic/socket.h */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static int read_boot(char *boot, size_t size)
{
	int fd __attribute__((cleanup(em_closep))) = open(BOOT, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	do
		length = read(fd, boot, size - 1);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	boot[length] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
	return boot[0] ? 0 : -EIO;
}

/* Before Linux 5.14 there is no cookie.  Only this error is not a failure. */
static int read_cookie(uint64_t *cookie)
{
	int fd __attribute__((cleanup(em_closep))) = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*cookie);

	*cookie = 0;
	if (fd < 0)
		return -errno;
	if (!getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &size))
		return 0;
	return errno == ENOPROTOOPT ? 0 : -errno;
}

int em_netns_read(struct em_netns *out)
{
	struct em_netns netns;
	int rc = read_boot(netns.boot, sizeof(netns.boot));

	if (!rc)
		rc = read_cookie(&netns.cookie);
	if (!rc)
		*out = netns;
	return rc;
}

int em_netns_folder(char path[PATH_MAX], const char *above)
{
	struct stat status;

	if (stat(NAMESPACE, &status))
		return -errno;
	if (snprintf(path, PATH_MAX, "%s/" EM_NETNS_PREFIX "%ju", above,
		     (uintmax_t)status.st_ino) >= PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}
