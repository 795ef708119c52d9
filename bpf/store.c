/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/store.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MOUNT_SIZE 4096 /* of a line of /proc/self/mounts */
/*
 * Each attempt is lost only if another run has removed the store just then; there are never that
 * many runs.
 */
#define LOCK_ATTEMPTS 100

bool em_store_is_hidden(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES;
}

/* 1, 0, or -errno where that cannot be known. */
static int is_bpffs(const char *path)
{
	struct statfs filesystem;

	if (statfs(path, &filesystem))
		return em_store_is_hidden(errno) ? 0 : -errno;
	return (uint32_t)filesystem.f_type == BPF_FS_MAGIC;
}

/* Visits the store on this mount, if it is a bpffs: another filesystem may be mounted over it. */
static int visit_store(const struct mntent *mount, int (*visit)(void *context, const char *store),
		       void *context)
{
	char store[PATH_MAX];
	int rc;

	if (strcmp(mount->mnt_type, "bpf") != 0)
		return 0;
	rc = is_bpffs(mount->mnt_dir);
	if (rc != 1)
		return rc;
	snprintf(store, sizeof(store), "%s" EM_STORE, mount->mnt_dir);
	return visit(context, store);
}

int em_store_each(int (*visit)(void *context, const char *store), void *context)
{
	char buffer[MOUNT_SIZE];
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent mount;
	int rc = 0;

	if (!mounts)
		return -errno;
	for (errno = 0; !rc && getmntent_r(mounts, &mount, buffer, sizeof(buffer)); errno = 0)
		rc = visit_store(&mount, visit, context);
	if (!rc && ferror(mounts))
		rc = errno ? -errno : -EIO;
	endmntent(mounts);
	return rc ? rc : -ENOENT;
}

void em_store_pin(char path[PATH_MAX], const char *folder, const char *kind, uint32_t id)
{
	snprintf(path, PATH_MAX, "%.*s/%s-%" PRIu32, PATH_MAX - 32, folder, kind, id);
}

bool em_store_is_trusted(const struct stat *store)
{
	return (store->st_uid == geteuid() || !store->st_uid) && !(store->st_mode & S_IWOTH);
}

int em_store_lock(const char *store, enum em_store_lock purpose)
{
	const bool make = purpose == EM_STORE_ADD;

	for (int i = 0; i < LOCK_ATTEMPTS; i++) {
		int lock __attribute__((cleanup(em_closep))) = -1;
		struct stat status;

		if (make && mkdir(store, 0700) && errno != EEXIST)
			return -errno;
		lock = open(store, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (lock < 0 && errno == ENOENT && make)
			continue;
		if (lock < 0 || fstat(lock, &status))
			return -errno;
		if (!em_store_is_trusted(&status) && !(purpose == EM_STORE_SWEEP && !geteuid()))
			return -EACCES;
		if (flock(lock, LOCK_EX) || fstat(lock, &status))
			return -errno;
		if (status.st_nlink) {
			int taken = lock;

			lock = -1;
			return taken;
		}
	}
	return -EAGAIN;
}

int em_store_is_alive(const char *folder)
{
	int fd __attribute__((cleanup(em_closep))) = -1;
	uint32_t zero = 0, loopback;
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "%.*s" EM_STORE_ALIVE, PATH_MAX - 32, folder);
	fd = bpf_obj_get(path);
	/* Made by a run that died before it put anything in. */
	if (fd == -ENOENT)
		return false;
	if (fd < 0)
		return fd;
	rc = bpf_map_lookup_elem(fd, &zero, &loopback);
	return rc == -ENOENT ? 0 : rc ? rc : 1;
}

DIR *em_store_open_dir(int store, const char *name)
{
	int fd = openat(store, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir;

	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return dir;
}

const struct dirent *em_store_next_entry(DIR *dir)
{
	errno = 0;
	return readdir(dir);
}

int em_store_remove_folder(int store, const char *name)
{
	DIR *dir __attribute__((cleanup(em_closedirp))) = em_store_open_dir(store, name);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = em_store_next_entry(dir)))
		if (entry->d_name[0] != '.' && unlinkat(dirfd(dir), entry->d_name, 0))
			return -errno;
	return errno || unlinkat(store, name, AT_REMOVEDIR) ? -errno : 0;
}
