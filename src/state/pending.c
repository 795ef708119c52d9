/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "state/pending.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "state/lines.h"

#define FORMAT 1

uint64_t em_pending_now(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t em_pending_left(const struct em_pending *pending)
{
	uint64_t now = em_pending_now();

	return pending->deadline > now ? pending->deadline - now : 0;
}

static int write_lines(const struct em_pending *pending, FILE *out)
{
	fprintf(out, "format %d\ngeneration %" PRIu32 "\ndeadline %" PRIu64 "\n", FORMAT,
		pending->generation, pending->deadline);
	if (pending->failed[0])
		fprintf(out, "failed %s\n", pending->failed);
	return em_lines_flush(out);
}

/* A new file: who guards an older one sees that it is gone. */
int em_pending_write(struct em_state *state, const struct em_pending *pending, struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	FILE *file;
	int rc;

	unlinkat(folder->fd, EM_FOLDER_PENDING EM_FOLDER_HALF, 0);
	file = em_folder_open_file(folder, NULL, EM_FOLDER_PENDING EM_FOLDER_HALF, true);
	if (!file)
		return em_folder_failed(folder, diag, errno, "write", EM_FOLDER_PENDING);
	rc = em_folder_close_file(file, write_lines(pending, file));
	if (!rc &&
	    renameat(folder->fd, EM_FOLDER_PENDING EM_FOLDER_HALF, folder->fd, EM_FOLDER_PENDING))
		rc = -errno;
	return rc ? em_folder_failed(folder, diag, -rc, "write", EM_FOLDER_PENDING) : 0;
}

static void read_fact(struct em_pending *pending, const char *key, const char *value)
{
	uint64_t number = 0;

	if (!strcmp(key, "generation") && em_lines_number(value, &number))
		pending->generation = (uint32_t)number;
	if (!strcmp(key, "deadline") && em_lines_number(value, &number))
		pending->deadline = number;
	if (!strcmp(key, "failed"))
		snprintf(pending->failed, sizeof(pending->failed), "%s", value);
}

/* Returns 0, -EBADMSG or -errno, unreported. */
static int read_lines(struct em_pending *out, FILE *in)
{
	struct em_lines lines __attribute__((cleanup(em_lines_end))) = {.in = in};
	struct em_pending pending = {0};
	int rc = em_lines_begin(&lines, FORMAT);

	while (!rc && (rc = em_lines_next(&lines)) > 0) {
		read_fact(&pending, lines.key, lines.rest);
		rc = 0;
	}
	if (!rc && (!pending.generation || !pending.deadline))
		rc = -EBADMSG;
	if (!rc)
		*out = pending;
	return rc;
}

/*
 * The lock is only asked for.  Whoever tried it, even for a moment, could be in the way of the
 * process that is to hold it.
 */
static bool is_guarded(FILE *file)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};

	return !fcntl(fileno(file), F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

int em_pending_read(struct em_pending *out, const struct em_state *state, struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	FILE *file __attribute__((cleanup(em_fclosep))) = NULL;
	int rc;

	*out = (struct em_pending){0};
	if (!em_folder_counts(folder))
		return 0;
	file = em_folder_open_file(folder, NULL, EM_FOLDER_PENDING, false);
	if (!file)
		return errno == ENOENT
			       ? 0
			       : em_folder_failed(folder, diag, errno, "read", EM_FOLDER_PENDING);
	rc = read_lines(out, file);
	out->damaged = rc == -EBADMSG;
	if (out->damaged)
		em_diag_warning(diag, NULL,
				"%s/" EM_FOLDER_PENDING " is unreadable: how long the policy waits "
				"for confirmation, if it does, is not known; decide about it: "
				"entitymux confirm, or entitymux rollback",
				folder->path);
	else if (rc)
		return em_folder_failed(folder, diag, -rc, "read", EM_FOLDER_PENDING);
	out->guarded = is_guarded(file);
	return 0;
}

int em_pending_remove(struct em_state *state, struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);

	if (unlinkat(folder->fd, EM_FOLDER_PENDING, 0) && errno != ENOENT)
		return em_folder_failed(folder, diag, errno, "remove", EM_FOLDER_PENDING);
	return 0;
}

int em_pending_guard(int *fd, struct em_pending *out, struct em_diag *diag)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	FILE *file __attribute__((cleanup(em_fclosep))) = NULL;
	char path[PATH_MAX];
	int rc = em_state_path(path, EM_FOLDER_PENDING, diag);

	if (rc)
		return rc;
	*fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0)
		return errno == ENOENT ? -ENOENT : em_diag_errno(diag, -errno, NULL, "%s", path);
	if (fcntl(*fd, F_OFD_SETLK, &lock))
		return errno == EAGAIN || errno == EACCES
			       ? em_diag_error(diag, -EBUSY, NULL,
					       "another process is going to undo the apply already")
			       : em_diag_errno(diag, -errno, NULL, "lock %s", path);
	file = fopen(path, "re");
	rc = file ? read_lines(out, file) : -errno;
	return rc ? em_diag_errno(diag, rc, NULL, "%s", path) : 0;
}

bool em_pending_is_there(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && status.st_nlink > 0;
}
