/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bpf/rtnl.h"
#include "host/netns.h"

#define STORE	"/entitymux"
#define ALIVE	"/alive"
#define MAP	"map"
#define PROGRAM "prog"

#define MOUNT_SIZE 4096 /* of a line of /proc/self/mounts */
/*
 * Each attempt is lost only if another run has removed the store just then; there are never that
 * many runs.
 */
#define LOCK_ATTEMPTS 100

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/*
 * No program has the id 0. A process without the privilege gets EPERM before the id is looked up,
 * others ENOENT.
 */
bool em_pins_unneeded(void)
{
	return bpf_prog_get_fd_by_id(0) != -EPERM;
}

/* The path cannot be reached: hidden by another mount, or in a folder that others may not enter. */
static bool is_hidden(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES;
}

/* 1, 0, or -errno where that cannot be known. */
static int is_bpffs(const char *path)
{
	struct statfs filesystem;

	if (statfs(path, &filesystem))
		return is_hidden(errno) ? 0 : -errno;
	return filesystem.f_type == BPF_FS_MAGIC;
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
	snprintf(store, sizeof(store), "%s" STORE, mount->mnt_dir);
	return visit(context, store);
}

/*
 * Calls visit with the store of each bpffs, which need not be there.  Where we look for one is not
 * only /sys/fs/bpf: `ip netns exec` mounts a /sys without it.  Stops where visit returns something
 * else than 0, and returns that; else -ENOENT.
 */
static int each_store(int (*visit)(void *context, const char *store), void *context)
{
	char buffer[MOUNT_SIZE];
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent mount;
	int rc = 0;

	if (!mounts)
		return -errno;
	while (!rc && getmntent_r(mounts, &mount, buffer, sizeof(buffer)))
		rc = visit_store(&mount, visit, context);
	if (!rc && ferror(mounts))
		rc = -EIO;
	endmntent(mounts);
	return rc ? rc : -ENOENT;
}

static void name_pin(char path[PATH_MAX], const char *folder, const char *kind, uint32_t id)
{
	snprintf(path, PATH_MAX, "%.*s/%s-%" PRIu32, PATH_MAX - 32, folder, kind, id);
}

/* A bpffs may be writable for everybody: only what we have made there is ours. */
static bool is_trusted(const struct stat *store)
{
	return (store->st_uid == geteuid() || !store->st_uid) && !(store->st_mode & S_IWOTH);
}

/* 1, 0, or -errno where that cannot be known. */
static int may_add_to(const char *folder)
{
	if (!faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS))
		return 1;
	return errno == EACCES || errno == EROFS || errno == ENOENT ? 0 : -errno;
}

static int try_store(void *context, const char *store)
{
	struct stat status;
	char above[PATH_MAX];

	(void)context;
	if (!lstat(store, &status))
		return is_trusted(&status) ? may_add_to(store) : 0;
	if (errno != ENOENT)
		return errno == EACCES ? 0 : -errno;
	snprintf(above, sizeof(above), "%.*s", (int)(strlen(store) - strlen(STORE)), store);
	return may_add_to(above);
}

int em_pins_possible(void)
{
	int rc = each_store(try_store, NULL);

	return rc == -ENOENT ? 0 : rc;
}

/* A pin to open. */
struct search {
	const char *kind;
	uint32_t id;
	int fd;
};

static int find_pin(void *context, const char *store)
{
	char folder[PATH_MAX], path[PATH_MAX];
	struct search *search = context;
	struct stat status;
	int rc = em_netns_folder(folder, store);

	if (rc)
		return rc;
	if (lstat(store, &status))
		return is_hidden(errno) ? 0 : -errno;
	if (!is_trusted(&status))
		return 0;
	name_pin(path, folder, search->kind, search->id);
	search->fd = bpf_obj_get(path);
	if (search->fd < 0)
		return is_hidden(-search->fd) ? 0 : search->fd;
	return 1;
}

static int open_pin(const char *kind, uint32_t id)
{
	struct search search = {.kind = kind, .id = id};
	int rc = each_store(find_pin, &search);

	if (rc > 0)
		return search.fd;
	return rc == -ENOENT ? -EPERM : rc;
}

int em_pins_open_program(uint32_t id)
{
	int fd = bpf_prog_get_fd_by_id(id);

	return fd == -EPERM ? open_pin(PROGRAM, id) : fd;
}

int em_pins_open_map(uint32_t id)
{
	int fd = bpf_map_get_fd_by_id(id);

	return fd == -EPERM ? open_pin(MAP, id) : fd;
}

/*
 * A descriptor that holds the lock of a store; -EACCES: it is somebody else's; -ENOENT: there is
 * none, and none is to be made.  The last one to leave removes the store: then the lock is one on
 * nothing.
 */
static int lock_store(const char *store, bool make)
{
	for (int i = 0; i < LOCK_ATTEMPTS; i++) {
		int lock __attribute__((cleanup(closep))) = -1;
		struct stat status;

		if (make && mkdir(store, 0700) && errno != EEXIST)
			return -errno;
		lock = open(store, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (lock < 0 && errno == ENOENT && make)
			continue;
		if (lock < 0 || fstat(lock, &status))
			return -errno;
		if (!is_trusted(&status))
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

/*
 * A map of devices is the one object that notices when a network namespace goes: it drops the
 * devices that go, and the loopback interface goes with its namespace and not before.
 */
static int make_alive(const char *path)
{
	int fd __attribute__((cleanup(closep))) =
		bpf_map_create(BPF_MAP_TYPE_DEVMAP, "entitymux_alive", sizeof(uint32_t),
			       sizeof(uint32_t), 1, NULL);
	const uint32_t zero = 0, loopback = EM_RTNL_LOOPBACK;
	int rc;

	if (fd < 0)
		return fd;
	rc = bpf_map_update_elem(fd, &zero, &loopback, BPF_ANY);
	return rc ? rc : bpf_obj_pin(fd, path);
}

/* Of a folder; -errno where that cannot be known. */
static int is_alive(const char *folder)
{
	int fd __attribute__((cleanup(closep))) = -1;
	uint32_t zero = 0, loopback;
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "%.*s" ALIVE, PATH_MAX - 32, folder);
	fd = bpf_obj_get(path);
	/* Made by a run that died before it put anything in. */
	if (fd == -ENOENT)
		return false;
	if (fd < 0)
		return fd;
	rc = bpf_map_lookup_elem(fd, &zero, &loopback);
	return rc == -ENOENT ? 0 : rc ? rc : 1;
}

/* NULL: there is none (errno is 0), or an error. */
static const struct dirent *next_entry(DIR *dir)
{
	errno = 0;
	return readdir(dir);
}

/* Removes the folder with all that is in it. */
static int remove_folder(const char *folder)
{
	DIR *dir __attribute__((cleanup(closedirp))) = opendir(folder);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = next_entry(dir)))
		if (entry->d_name[0] != '.' && unlinkat(dirfd(dir), entry->d_name, 0))
			return -errno;
	return errno || rmdir(folder) ? -errno : 0;
}

/* The folder of this namespace, with nothing in it of one before that had the same inode number. */
static int make_folder(const char *folder)
{
	char path[PATH_MAX];
	int rc = is_alive(folder);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = remove_folder(folder);
	if (rc)
		return rc;
	if (mkdir(folder, 0700))
		return -errno;
	snprintf(path, sizeof(path), "%.*s" ALIVE, PATH_MAX - 32, folder);
	return make_alive(path);
}

int em_pins_program_id(int fd, uint32_t *id)
{
	struct bpf_prog_info info = {0};
	uint32_t length = sizeof(info);
	int rc = bpf_obj_get_info_by_fd(fd, &info, &length);

	*id = info.id;
	return rc;
}

static int map_id(int fd, uint32_t *id)
{
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);
	int rc = bpf_obj_get_info_by_fd(fd, &info, &length);

	*id = info.id;
	return rc;
}

static int add_all(const char *folder, const char *kind, int (*get_id)(int fd, uint32_t *id),
		   const int *fds, size_t n)
{
	char path[PATH_MAX];
	uint32_t id;
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		rc = get_id(fds[i], &id);
		if (rc)
			break;
		name_pin(path, folder, kind, id);
		rc = bpf_obj_pin(fds[i], path);
		if (rc == -EEXIST)
			rc = 0;
	}
	return rc;
}

struct addition {
	const struct em_pins *pins;
	int error; /* of the last store that did not take them */
};

static int add_to(void *context, const char *store)
{
	struct addition *addition = context;
	const struct em_pins *pins = addition->pins;
	int lock __attribute__((cleanup(closep))) = lock_store(store, true);
	char folder[PATH_MAX];
	int rc = lock < 0 ? lock : em_netns_folder(folder, store);

	if (!rc)
		rc = make_folder(folder);
	if (!rc)
		rc = add_all(folder, MAP, map_id, pins->maps, pins->n_maps);
	if (!rc)
		rc = add_all(folder, PROGRAM, em_pins_program_id, pins->programs, pins->n_programs);
	addition->error = rc;
	return !rc;
}

int em_pins_add(const struct em_pins *pins)
{
	struct addition addition = {.pins = pins};
	int rc = each_store(add_to, &addition);

	if (rc > 0)
		return 0;
	/* A pin that fails where there is a bpffs for it is a failure, needed or not. */
	if (em_pins_unneeded() && !em_pins_possible())
		return 0;
	return addition.error ? addition.error : rc;
}

#define KEPT_MAPS 256 /* only the programs of two generations have maps of their own */

struct sweep {
	const uint32_t *programs;
	size_t n_programs;
	uint32_t maps[KEPT_MAPS]; /* of the programs that were found */
	size_t n_maps;
	size_t n_found;
	bool all_maps; /* whose they are is not known */
	int error;     /* the first one */
};

static bool contains(const uint32_t *ids, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* Notes the maps of a program that stays. */
static void keep_maps(struct sweep *sweep, const char *path)
{
	int fd __attribute__((cleanup(closep))) = bpf_obj_get(path);
	uint32_t room = KEPT_MAPS - sweep->n_maps, length = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {.nr_map_ids = room,
				     .map_ids = (uintptr_t)(sweep->maps + sweep->n_maps)};

	sweep->n_found++;
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length) || info.nr_map_ids > room) {
		sweep->all_maps = true;
		return;
	}
	sweep->n_maps += info.nr_map_ids;
}

static bool is_kept(struct sweep *sweep, const char *folder, const char *kind, uint32_t id)
{
	char path[PATH_MAX];

	if (strcmp(kind, PROGRAM))
		return sweep->all_maps || contains(sweep->maps, sweep->n_maps, id);
	if (!contains(sweep->programs, sweep->n_programs, id))
		return false;
	name_pin(path, folder, kind, id);
	keep_maps(sweep, path);
	return true;
}

/* Removes the pins of a kind that are not kept. */
static int sweep_kind(struct sweep *sweep, const char *folder, const char *kind)
{
	DIR *dir __attribute__((cleanup(closedirp))) = opendir(folder);
	const size_t length = strlen(kind);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = next_entry(dir))) {
		if (strncmp(entry->d_name, kind, length) || entry->d_name[length] != '-' ||
		    is_kept(sweep, folder, kind, strtoul(entry->d_name + length + 1, NULL, 10)))
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0))
			return -errno;
	}
	return -errno;
}

static int sweep_ours(struct sweep *sweep, const char *folder)
{
	int rc;

	sweep->n_found = sweep->n_maps = 0;
	sweep->all_maps = false;
	rc = sweep_kind(sweep, folder, PROGRAM);
	if (!rc)
		rc = sweep_kind(sweep, folder, MAP);
	return !rc && !sweep->n_found ? remove_folder(folder) : rc;
}

/* Pins of namespaces that are gone are removed, as far as we are permitted to. */
static void sweep_others(const char *store, const char *ours)
{
	DIR *dir __attribute__((cleanup(closedirp))) = opendir(store);
	const struct dirent *entry;
	char folder[PATH_MAX];

	while (dir && (entry = readdir(dir))) {
		snprintf(folder, sizeof(folder), "%.*s/%s", PATH_MAX - NAME_MAX - 2, store,
			 entry->d_name);
		if (!strncmp(entry->d_name, EM_NETNS_PREFIX, strlen(EM_NETNS_PREFIX)) &&
		    strcmp(folder, ours) && !is_alive(folder))
			(void)remove_folder(folder);
	}
}

static int sweep_store(void *context, const char *store)
{
	int lock __attribute__((cleanup(closep))) = lock_store(store, false);
	struct sweep *sweep = context;
	char ours[PATH_MAX];
	int rc;

	if (lock == -ENOENT || lock == -EACCES)
		return 0;
	rc = lock < 0 ? lock : em_netns_folder(ours, store);
	if (!rc)
		rc = sweep_ours(sweep, ours);
	if (rc && !sweep->error)
		sweep->error = rc;
	if (lock < 0)
		return 0;
	sweep_others(store, ours);
	/* Fails as long as something is in it. */
	(void)rmdir(store);
	return 0;
}

int em_pins_sweep(const uint32_t *programs, size_t n)
{
	struct sweep sweep = {.programs = programs, .n_programs = n};
	int rc = each_store(sweep_store, &sweep);

	return rc == -ENOENT ? sweep.error : rc;
}
