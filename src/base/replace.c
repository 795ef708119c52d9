/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static mode_t new_file_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

int em_replace_begin(struct em_replacement *out, const char *path)
{
	int fd, rc = 0;

	*out = (struct em_replacement){.path = path};
	if (asprintf(&out->beside, "%s.XXXXXX", path) < 0) {
		out->beside = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(out->beside, O_CLOEXEC);
	if (fd >= 0 && !fchmod(fd, new_file_mode()))
		out->stream = fdopen(fd, "w");
	if (out->stream)
		return 0;
	rc = -errno;
	if (fd >= 0) {
		close(fd);
		unlink(out->beside);
	}
	free(out->beside);
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
	free(replacement->beside);
	*replacement = (struct em_replacement){0};
	return rc;
}
