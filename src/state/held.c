/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "state/held.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <unistd.h>

#include "state/folder.h"

/* The lock is one on its folder.  Returns a descriptor or -errno. */
static int open_folder(const struct em_state *state, uint32_t generation)
{
	const struct em_folder *folder = em_state_folder(state);
	char name[EM_FOLDER_NAME_SIZE];
	int fd;

	em_folder_name(name, generation, true);
	if (!em_folder_counts(folder))
		return -ENOENT;
	fd = openat(folder->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int em_held_take(const struct em_state *state, uint32_t generation, struct em_diag *diag)
{
	int fd = open_folder(state, generation);
	/* Those that look at it share it, for a moment only. */
	int rc = fd < 0 ? fd : flock(fd, LOCK_EX) ? -errno : 0;

	if (!rc)
		return fd;
	if (fd >= 0)
		close(fd);
	return em_diag_errno(diag, rc, NULL, "cannot lock the state of generation %" PRIu32,
			     generation);
}

int em_held_look(const struct em_state *state, uint32_t generation, bool *held,
		 struct em_diag *diag)
{
	int fd = open_folder(state, generation), rc;

	*held = false;
	if (fd == -ENOENT)
		return 0;
	rc = fd < 0 ? fd : flock(fd, LOCK_SH | LOCK_NB) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	*held = rc == -EWOULDBLOCK;
	if (!rc || *held)
		return 0;
	return em_diag_errno(diag, rc, NULL, "cannot look at the lock of generation %" PRIu32,
			     generation);
}
