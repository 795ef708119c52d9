/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * store - the folders with our pins, BPFFS/entitymux on each bpffs that is mounted: found, locked,
 * and cleared of what is in them.  Shared by pins.c and pins_sweep.c.
 *
 * Functions return -errno unreported.
 */
#ifndef EM_STORE_H
#define EM_STORE_H

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define EM_STORE	 "/entitymux" /* below the mount point */
#define EM_STORE_ALIVE	 "/alive"     /* of the folder of a namespace */
#define EM_STORE_MAP	 "map"	      /* kinds of pins */
#define EM_STORE_PROGRAM "prog"

/* The path cannot be reached: hidden by another mount, or in a folder that others may not enter. */
bool em_store_is_hidden(int error);

/*
 * Calls visit with the store of each bpffs, which need not be there.  Where we look for one is not
 * only /sys/fs/bpf: `ip netns exec` mounts a /sys without it.  Stops where visit returns something
 * else than 0, and returns that; else -ENOENT.
 */
int em_store_each(int (*visit)(void *context, const char *store), void *context);

/* A bpffs may be writable for everybody: only what we, or root, have made there is ours. */
bool em_store_is_trusted(const struct stat *store);

enum em_store_lock {
	EM_STORE_ADD,	/* makes the store where there is none */
	EM_STORE_SWEEP, /* -ENOENT: there is none; root sweeps the stores of others, too */
};

/*
 * A descriptor of the store that holds its lock; -EACCES: it is somebody else's.  The last one to
 * leave removes the store: then the lock is one on nothing.
 */
int em_store_lock(const char *store, enum em_store_lock purpose);

/* Of the folder of a namespace, by its path: 1, 0, or -errno where that cannot be known. */
int em_store_is_alive(const char *folder);

/*
 * Opens a folder of a store; never through a symbolic link, as the store may be somebody else's.
 * NULL with errno.
 */
DIR *em_store_open_dir(int store, const char *name);
/* NULL: there is none (errno is 0), or an error. */
const struct dirent *em_store_next_entry(DIR *dir);
/* Removes the folder with all that is in it. */
int em_store_remove_folder(int store, const char *name);

/* folder/KIND-ID */
void em_store_pin(char path[PATH_MAX], const char *folder, const char *kind, uint32_t id);

#endif
