/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/scratch.h"

#define NAMESPACE "/proc/self/ns/net"
#define USER	  "/proc/self/ns/user"
#define BOOT	  "/proc/sys/kernel/random/boot_id"

/* PROC_USER_INIT_INO of include/linux/proc_ns.h: the initial user namespace */
#define USER_INITIAL 0xeffffffd

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

/*
 * Before Linux 5.14 there is no cookie; and the emulator qemu-user asks for one of 4 bytes, which
 * the kernel refuses.  Only these errors are no failures.
 */
static int read_cookie(uint64_t *cookie)
{
	int fd __attribute__((cleanup(em_closep))) = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*cookie);

	*cookie = 0;
	if (fd < 0)
		return -errno;
	if (!getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &size))
		return 0;
	return errno == ENOPROTOOPT || errno == EINVAL ? 0 : -errno;
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

/* A file handle of nsfs, and what is in it: include/uapi/linux/nsfs.h, Linux 6.18. */
#define FILEID_NSFS 0xf1

struct nsfs_handle {
	struct file_handle head;
	struct {
		uint64_t id; /* the cookie */
		uint32_t type;
		uint32_t inode;
	} ns;
};

static void make_handle(struct nsfs_handle *handle, uint64_t cookie, uint32_t inode)
{
	*handle = (struct nsfs_handle){
		.head = {.handle_bytes = sizeof(handle->ns), .handle_type = FILEID_NSFS},
		.ns = {cookie, CLONE_NEWNET, inode},
	};
}

/* A descriptor or -errno; -ESTALE: the namespace is gone, or not to be seen by us. */
static int open_handle(struct nsfs_handle *handle)
{
	int any __attribute__((cleanup(em_closep))) = open(NAMESPACE, O_RDONLY | O_CLOEXEC);
	int fd = any < 0 ? -1 : open_by_handle_at(any, &handle->head, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* In another namespace: whether the one with this handle can be opened. */
static void try_to_open(void *result, const void *context)
{
	struct nsfs_handle handle = *(const struct nsfs_handle *)context;

	*(bool *)result = open_handle(&handle) >= 0;
}

/*
 * Whether -ESTALE means gone: this kernel makes handles as we do, and lets us open those of
 * namespaces that we are not in.  A namespace of another user namespace takes the initial one.
 */
static bool sees_all(void)
{
	struct nsfs_handle found = {.head = {.handle_bytes = sizeof(found.ns)}}, made;
	struct stat net, user;
	struct em_netns ours;
	bool opened = false;
	int mount;

	if (em_netns_read(&ours) || stat(NAMESPACE, &net) || stat(USER, &user) ||
	    user.st_ino != USER_INITIAL ||
	    name_to_handle_at(AT_FDCWD, NAMESPACE, &found.head, &mount, AT_SYMLINK_FOLLOW))
		return false;
	make_handle(&made, ours.cookie, (uint32_t)net.st_ino);
	return !memcmp(&found, &made, sizeof(found)) &&
	       !em_scratch_run(try_to_open, &opened, sizeof(opened), &made) && opened;
}

bool em_netns_is_gone(uint64_t cookie, uint32_t inode)
{
	int fd __attribute__((cleanup(em_closep))) = -1;
	struct nsfs_handle handle;

	if (!cookie)
		return false;
	make_handle(&handle, cookie, inode);
	fd = open_handle(&handle);
	return fd == -ESTALE && sees_all();
}

int em_netns_inode(uint32_t *out)
{
	struct stat status;

	if (stat(NAMESPACE, &status))
		return -errno;
	*out = (uint32_t)status.st_ino;
	return 0;
}

int em_netns_folder(char path[PATH_MAX], const char *above)
{
	uint32_t inode;
	int rc = em_netns_inode(&inode);

	if (rc)
		return rc;
	if (snprintf(path, PATH_MAX, "%s/" EM_NETNS_PREFIX "%u", above, inode) >= PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}
