/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/pins.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bpf/rtnl.h"
#include "bpf/store.h"
#include "host/netns.h"

/*
 * No program has the id 0. A process without the privilege gets EPERM before the id is looked up,
 * others ENOENT.
 */
bool em_pins_unneeded(void)
{
	return bpf_prog_get_fd_by_id(0) != -EPERM;
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
		return em_store_is_trusted(&status) ? may_add_to(store) : 0;
	if (errno != ENOENT)
		return errno == EACCES ? 0 : -errno;
	snprintf(above, sizeof(above), "%.*s", (int)(strlen(store) - strlen(EM_STORE)), store);
	return may_add_to(above);
}

int em_pins_possible(void)
{
	int rc = em_store_each(try_store, NULL);

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
		return em_store_is_hidden(errno) ? 0 : -errno;
	if (!em_store_is_trusted(&status))
		return 0;
	em_store_pin(path, folder, search->kind, search->id);
	search->fd = bpf_obj_get(path);
	if (search->fd < 0)
		return em_store_is_hidden(-search->fd) ? 0 : search->fd;
	return 1;
}

static int open_pin(const char *kind, uint32_t id)
{
	struct search search = {.kind = kind, .id = id};
	int rc = em_store_each(find_pin, &search);

	if (rc > 0)
		return search.fd;
	return rc == -ENOENT ? -EPERM : rc;
}

int em_pins_open_program(uint32_t id)
{
	int fd = bpf_prog_get_fd_by_id(id);

	return fd == -EPERM ? open_pin(EM_STORE_PROGRAM, id) : fd;
}

int em_pins_open_map(uint32_t id)
{
	int fd = bpf_map_get_fd_by_id(id);

	return fd == -EPERM ? open_pin(EM_STORE_MAP, id) : fd;
}

/*
 * A map of devices is the one object that notices when a network namespace goes: it drops the
 * devices that go, and the loopback interface goes with its namespace and not before.
 */
static int make_alive(const char *path)
{
	int fd __attribute__((cleanup(em_closep))) =
		bpf_map_create(BPF_MAP_TYPE_DEVMAP, "entitymux_alive", sizeof(uint32_t),
			       sizeof(uint32_t), 1, NULL);
	const uint32_t zero = 0, loopback = EM_RTNL_LOOPBACK;
	int rc;

	if (fd < 0)
		return fd;
	rc = bpf_map_update_elem(fd, &zero, &loopback, BPF_ANY);
	return rc ? rc : bpf_obj_pin(fd, path);
}

/* The folder of this namespace, with nothing in it of one before that had the same inode number. */
static int make_folder(int store, const char *folder)
{
	char path[PATH_MAX];
	int rc = em_store_is_alive(folder);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = em_store_remove_folder(store, strrchr(folder, '/') + 1);
	if (rc)
		return rc;
	if (mkdir(folder, 0700))
		return -errno;
	snprintf(path, sizeof(path), "%.*s" EM_STORE_ALIVE, PATH_MAX - 32, folder);
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
		em_store_pin(path, folder, kind, id);
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
	int lock __attribute__((cleanup(em_closep))) = em_store_lock(store, EM_STORE_ADD);
	char folder[PATH_MAX];
	int rc = lock < 0 ? lock : em_netns_folder(folder, store);

	if (!rc)
		rc = make_folder(lock, folder);
	if (!rc)
		rc = add_all(folder, EM_STORE_MAP, map_id, pins->maps, pins->n_maps);
	if (!rc)
		rc = add_all(folder, EM_STORE_PROGRAM, em_pins_program_id, pins->programs,
			     pins->n_programs);
	addition->error = rc;
	return !rc;
}

int em_pins_add(const struct em_pins *pins)
{
	struct addition addition = {.pins = pins};
	int rc = em_store_each(add_to, &addition);

	if (rc > 0)
		return 0;
	/* A pin that fails where there is a bpffs for it is a failure, needed or not. */
	if (em_pins_unneeded() && !em_pins_possible())
		return 0;
	return addition.error ? addition.error : rc;
}
