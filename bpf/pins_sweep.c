/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bpf/pins.h"
#include "bpf/store.h"
#include "host/netns.h"

/* Those of the programs of two generations, and of a stub on each interface. */
#define KEPT_MAPS 4096

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
	int fd __attribute__((cleanup(em_closep))) = bpf_obj_get(path);
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

	if (strcmp(kind, EM_STORE_PROGRAM))
		return sweep->all_maps || contains(sweep->maps, sweep->n_maps, id);
	if (!contains(sweep->programs, sweep->n_programs, id))
		return false;
	em_store_pin(path, folder, kind, id);
	keep_maps(sweep, path);
	return true;
}

/* Removes the pins of a kind that are not kept. */
static int sweep_kind(struct sweep *sweep, int store, const char *folder, const char *kind)
{
	DIR *dir __attribute__((cleanup(em_closedirp))) =
		em_store_open_dir(store, strrchr(folder, '/') + 1);
	const size_t length = strlen(kind);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = em_store_next_entry(dir))) {
		if (strncmp(entry->d_name, kind, length) || entry->d_name[length] != '-' ||
		    is_kept(sweep, folder, kind, strtoul(entry->d_name + length + 1, NULL, 10)))
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0))
			return -errno;
	}
	return -errno;
}

static int sweep_ours(struct sweep *sweep, int store, const char *folder)
{
	int rc;

	sweep->n_found = sweep->n_maps = 0;
	sweep->all_maps = false;
	rc = sweep_kind(sweep, store, folder, EM_STORE_PROGRAM);
	if (!rc)
		rc = sweep_kind(sweep, store, folder, EM_STORE_MAP);
	if (rc || sweep->n_found)
		return rc;
	return em_store_remove_folder(store, strrchr(folder, '/') + 1);
}

/* Pins of namespaces that are gone are removed, as far as we are permitted to. */
static void sweep_others(int store, const char *path, const char *ours)
{
	DIR *dir __attribute__((cleanup(em_closedirp))) = em_store_open_dir(store, ".");
	const struct dirent *entry;
	char folder[PATH_MAX];

	while (dir && (entry = readdir(dir))) {
		snprintf(folder, sizeof(folder), "%.*s/%s", PATH_MAX - NAME_MAX - 2, path,
			 entry->d_name);
		if (!strncmp(entry->d_name, EM_NETNS_PREFIX, strlen(EM_NETNS_PREFIX)) &&
		    strcmp(folder, ours) && !em_store_is_alive(folder))
			(void)em_store_remove_folder(store, entry->d_name);
	}
}

/* Folders that other users have made are swept by root only: see em_store_lock(). */
static int sweep_store(void *context, const char *store)
{
	int lock __attribute__((cleanup(em_closep))) = em_store_lock(store, EM_STORE_SWEEP);
	struct sweep *sweep = context;
	struct stat status;
	char ours[PATH_MAX];
	int rc;

	if (lock == -ENOENT || lock == -EACCES)
		return 0;
	rc = lock < 0 ? lock : em_netns_folder(ours, store);
	if (!rc)
		rc = sweep_ours(sweep, lock, ours);
	if (rc && !sweep->error)
		sweep->error = rc;
	if (lock < 0)
		return 0;
	sweep_others(lock, store, ours);
	/* A store that was made for another user stays.  Fails as long as something is in it. */
	if (!fstat(lock, &status) && status.st_uid == geteuid())
		(void)rmdir(store);
	return 0;
}

int em_pins_sweep(const uint32_t *programs, size_t n)
{
	struct sweep sweep = {.programs = programs, .n_programs = n};
	int rc = em_store_each(sweep_store, &sweep);

	return rc == -ENOENT ? sweep.error : rc;
}
