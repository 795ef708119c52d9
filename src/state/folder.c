/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "state/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PATH_SIZE (EM_FOLDER_NAME_SIZE + 1 + NAME_MAX) /* of a file in a generation's folder */

int em_folder_failed(const struct em_folder *folder, struct em_diag *diag, int error,
		     const char *what, const char *name)
{
	bool special = error == ENOENT;

	return em_diag_error(diag, special ? -EIO : -error, NULL, "cannot %s %s%s%s: %s%s", what,
			     folder->path, name ? "/" : "", name ? name : "", strerror(error),
			     error == EACCES && geteuid() ? " (run as root)" : "");
}

FILE *em_folder_open_file(const struct em_folder *folder, const char *generation, const char *name,
			  bool writes)
{
	int flags = writes ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY;
	char path[PATH_SIZE];
	FILE *file;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", generation ? generation : "",
			     generation ? "/" : "", name) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	fd = openat(folder->fd, path, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	file = fdopen(fd, writes ? "w" : "r");
	if (!file)
		close(fd);
	return file;
}

int em_folder_close_file(FILE *file, int rc)
{
	bool error = ferror(file);

	if (fclose(file) && !rc)
		return -errno;
	return !rc && error ? -EIO : rc;
}

void em_folder_name(char name[EM_FOLDER_NAME_SIZE], uint32_t generation, bool whole)
{
	snprintf(name, EM_FOLDER_NAME_SIZE, "gen-%" PRIu32 "%s", generation,
		 whole ? "" : EM_FOLDER_HALF);
}

/* A generation's folder, as found in the directory. */
struct found {
	uint32_t generation;
	bool whole;
};

static bool parse_folder(const char *name, struct found *found)
{
	unsigned long number;
	char *end;

	if (strncmp(name, "gen-", 4) || name[4] < '1' || name[4] > '9')
		return false;
	errno = 0;
	number = strtoul(name + 4, &end, 10);
	if (errno || number > UINT32_MAX)
		return false;
	found->generation = (uint32_t)number;
	found->whole = *end == '\0';
	return found->whole || !strcmp(end, EM_FOLDER_HALF);
}

static DIR *open_dir(const struct em_folder *folder, const char *name)
{
	int fd = openat(folder->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir;

	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return dir;
}

/* Finds the next generation in the folder.  False: none is left (errno is 0), or an error. */
static bool next_found(DIR *dir, struct found *found)
{
	const struct dirent *entry;

	errno = 0;
	while ((entry = readdir(dir))) {
		if (parse_folder(entry->d_name, found))
			return true;
		errno = 0;
	}
	return false;
}

bool em_folder_counts(const struct em_folder *folder)
{
	return folder->fd >= 0 && !folder->stale;
}

int em_folder_newest(const struct em_folder *folder, uint32_t *out, struct em_diag *diag)
{
	DIR *dir __attribute__((cleanup(em_closedirp))) = NULL;
	struct found found;

	*out = 0;
	if (!em_folder_counts(folder))
		return 0;
	dir = open_dir(folder, ".");
	if (!dir)
		return em_folder_failed(folder, diag, errno, "open", NULL);
	while (next_found(dir, &found))
		if (*out < found.generation && found.generation <= EM_FOLDER_GENERATION_MAX)
			*out = found.generation;
	return errno ? em_folder_failed(folder, diag, errno, "read", NULL) : 0;
}

bool em_folder_is_free(const struct em_folder *folder)
{
	DIR *dir __attribute__((cleanup(em_closedirp))) = open_dir(folder, ".");
	struct found found;

	return dir && !next_found(dir, &found) && !errno;
}

int em_folder_remove_half(const struct em_folder *folder, uint32_t generation, struct em_diag *diag)
{
	DIR *dir __attribute__((cleanup(em_closedirp))) = NULL;
	const struct dirent *entry;
	char half[EM_FOLDER_NAME_SIZE];

	em_folder_name(half, generation, false);
	dir = open_dir(folder, half);
	if (!dir)
		return errno == ENOENT ? 0 : em_folder_failed(folder, diag, errno, "open", half);
	for (errno = 0; (entry = readdir(dir)); errno = 0)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    unlinkat(dirfd(dir), entry->d_name, 0))
			return em_folder_failed(folder, diag, errno, "empty", half);
	if (errno)
		return em_folder_failed(folder, diag, errno, "read", half);
	if (unlinkat(folder->fd, half, AT_REMOVEDIR))
		return em_folder_failed(folder, diag, errno, "remove", half);
	return 0;
}

static int remove_found(const struct em_folder *folder, const struct found *found,
			struct em_diag *diag)
{
	char whole[EM_FOLDER_NAME_SIZE], half[EM_FOLDER_NAME_SIZE];
	int rc = em_folder_remove_half(folder, found->generation, diag);

	if (rc || !found->whole)
		return rc;
	em_folder_name(whole, found->generation, true);
	em_folder_name(half, found->generation, false);
	if (renameat(folder->fd, whole, folder->fd, half))
		return em_folder_failed(folder, diag, errno, "remove", whole);
	return em_folder_remove_half(folder, found->generation, diag);
}

static bool is_among(const uint32_t *list, uint32_t generation)
{
	while (*list && *list != generation)
		list++;
	return *list;
}

int em_folder_clean(const struct em_folder *folder, const uint32_t *keep, struct em_diag *diag)
{
	DIR *dir __attribute__((cleanup(em_closedirp))) = open_dir(folder, ".");
	struct found found;
	int first = 0, rc;

	if (!dir)
		return em_folder_failed(folder, diag, errno, "open", NULL);
	while (next_found(dir, &found)) {
		if (found.whole && is_among(keep, found.generation))
			continue;
		rc = remove_found(folder, &found, diag);
		first = first ? first : rc;
	}
	return !first && errno ? em_folder_failed(folder, diag, errno, "read", NULL) : first;
}
