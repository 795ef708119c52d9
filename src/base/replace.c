/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mode_t new_file_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

/* Where nothing is there yet, a new file is made. */
static int look(struct em_replacement *out, const char *path, struct stat *old)
{
	bool is_there = !stat(path, old);
	struct stat link;

	if (!is_there && errno != ENOENT)
		return -errno;
	/* A symbolic link to nothing. */
	if (!is_there && !lstat(path, &link))
		return -EEXIST;
	if (is_there && !S_ISREG(old->st_mode))
		return -EEXIST;
	if (!is_there)
		old->st_nlink = 0;
	out->path = is_there ? realpath(path, NULL) : strdup(path);
	return out->path ? 0 : -errno;
}

static int dress(int fd, const struct stat *old)
{
	if (!old->st_nlink)
		return fchmod(fd, new_file_mode());
	return fchown(fd, old->st_uid, old->st_gid) || fchmod(fd, old->st_mode & 07777) ? -1 : 0;
}

static int begin(struct em_replacement *out, const struct stat *old)
{
	int fd, rc = 0;

	if (asprintf(&out->beside, "%s.XXXXXX", out->path) < 0) {
		out->beside = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(out->beside, O_CLOEXEC);
	if (fd >= 0 && !dress(fd, old))
		out->stream = fdopen(fd, "w");
	if (out->stream)
		return 0;
	rc = -errno;
	if (fd >= 0) {
		close(fd);
		unlink(out->beside);
	}
	return rc;
}

static void clear(struct em_replacement *replacement)
{
	free(replacement->path);
	free(replacement->beside);
	*replacement = (struct em_replacement){0};
}

int em_replace_begin(struct em_replacement *out, const char *path)
{
	struct stat old = {0};
	int rc;

	*out = (struct em_replacement){0};
	rc = look(out, path, &old);
	if (!rc)
		rc = begin(out, &old);
	if (rc)
		clear(out);
	return rc;
}

int em_replace_end(struct em_replacement *replacement, bool keep)
{
	int rc = ferror(replacement->stream) ? -EIO : 0;

	if (fflush(replacement->stream) && !rc)
		rc = -errno;
	if (fclose(replacement->stream) && !rc)
		rc = -errno;
	if (!rc && keep && rename(replacement->beside, replacement->path))
		rc = -errno;
	if (rc || !keep)
		unlink(replacement->beside);
	clear(replacement);
	return rc;
}
