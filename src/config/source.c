/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * source - the files that a configuration consists of.
 */
#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *em_source_path(const char *folder, const char *name)
{
	char *path;

	if (!folder || *name == '/')
		return strdup(name);
	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static int refuse(struct em_diag *diag, int rc, const struct em_place *named, const char *what,
		  const char *reason)
{
	return em_diag_error(diag, rc, named, "%s%s%s", what ? what : "", what ? ": " : "", reason);
}

/* The reason why the file is not read; NULL: it is read. */
static const char *judge(int fd, struct stat *status)
{
	if (fstat(fd, status))
		return strerror(errno);
	if (S_ISDIR(status->st_mode))
		return strerror(EISDIR);
	return S_ISREG(status->st_mode) ? NULL : "not a regular file";
}

/* Returns 0 or -errno, unreported. */
static int skip_byte_order_mark(int fd)
{
	char bytes[3];
	ssize_t n;

	do
		n = pread(fd, bytes, sizeof(bytes), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n < 3 || memcmp(bytes, "\xef\xbb\xbf", 3) != 0)
		return 0;
	return lseek(fd, sizeof(bytes), SEEK_SET) < 0 ? -errno : 0;
}

int em_source_open(FILE **out, const char *path, const struct em_place *self,
		   const struct em_place *named, const char *what, struct em_diag *diag)
{
	struct stat status;
	const char *reason;
	int fd, rc;

	/* Does not block: to open a pipe would wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return refuse(diag, -errno, named, what, strerror(errno));
	reason = judge(fd, &status);
	if (reason) {
		close(fd);
		return refuse(diag, -EINVAL, named, what, reason);
	}
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		em_diag_warning(diag, self, "others may write to it, expected chmod go-w %s", path);
	rc = skip_byte_order_mark(fd);
	if (rc) {
		close(fd);
		return refuse(diag, rc, named, what, strerror(-rc));
	}
	*out = fdopen(fd, "r");
	if (!*out) {
		close(fd);
		return -ENOMEM;
	}
	return 0;
}

static int refuse_binary(const char *text, const struct em_place *self, struct em_diag *diag)
{
	struct em_place place = {.file = self->file, .line = 1};

	if (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2))
		return em_diag_error(diag, -EM_EUSAGE, self, "UTF-16, expected UTF-8 or ASCII");
	for (; *text; text++)
		place.line += *text == '\n';
	return em_diag_error(diag, -EM_EUSAGE, &place, "a NUL byte, expected a text file");
}

static int read_text(FILE *file, const struct em_place *self, char **text, struct em_diag *diag)
{
	size_t size = 0;
	ssize_t length;

	errno = 0;
	length = getdelim(text, &size, '\0', file);
	if (length < 0 && (ferror(file) || !feof(file)))
		return errno == ENOMEM ? -ENOMEM : em_diag_errno(diag, -errno, self, "read");
	/* getdelim() has allocated a buffer all the same. */
	if (length < 0) {
		free(*text);
		*text = strdup("");
		return *text ? 0 : -ENOMEM;
	}
	if ((*text)[length - 1] == '\0')
		return refuse_binary(*text, self, diag);
	return 0;
}

int em_source_read(FILE *file, const struct em_place *self, char **text, struct em_diag *diag)
{
	struct stat status;
	int rc;

	*text = NULL;
	if (fstat(fileno(file), &status) == 0 && status.st_size > EM_SOURCE_MAX)
		rc = em_diag_error(diag, -EM_EUSAGE, self, "%lld bytes, expected at most %lld",
				   (long long)status.st_size, EM_SOURCE_MAX);
	else
		rc = read_text(file, self, text, diag);
	fclose(file);
	if (rc) {
		free(*text);
		*text = NULL;
	}
	return rc;
}
