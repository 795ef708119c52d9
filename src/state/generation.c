/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "state/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "state/baseline.h"
#include "state/folder.h"

#define RECORD	 "record"
#define POLICY	 "policy.conf"
#define BASELINE "baseline"

/* The name of that file in the folder, and its name while it is written. */
#define BASELINE_SIZE (EM_FOLDER_NAME_SIZE + sizeof("/" BASELINE EM_FOLDER_HALF))

int em_generation_newest(uint32_t *out, const struct em_state *state, struct em_diag *diag)
{
	return em_folder_newest(em_state_folder(state), out, diag);
}

int em_generation_next(uint32_t *out, const struct em_state *state, uint32_t floor,
		       struct em_diag *diag)
{
	uint32_t newest;
	int rc = em_generation_newest(&newest, state, diag);

	if (rc)
		return rc;
	if (newest < floor)
		newest = floor;
	if (newest >= EM_FOLDER_GENERATION_MAX)
		return em_diag_error(diag, -EOVERFLOW, NULL,
				     "the numbers of generations are used up; begin anew with "
				     "entitymux remove");
	*out = newest + 1;
	return 0;
}

int em_generation_clean(struct em_state *state, uint32_t keep, struct em_diag *diag)
{
	return em_folder_clean(em_state_folder(state), keep, diag);
}

static int write_record(const struct em_folder *folder, const char *name,
			const struct em_record *record, struct em_diag *diag)
{
	FILE *file = em_folder_open_file(folder, name, RECORD, true);
	int rc;

	if (!file)
		return em_folder_failed(folder, diag, errno, "write " RECORD " in", name);
	rc = em_folder_close_file(file, em_record_write(record, file));
	return rc ? em_folder_failed(folder, diag, -rc, "write " RECORD " in", name) : 0;
}

/* The stream that em_config_write() writes to, or the file that its output is compared with. */
struct target {
	const struct em_folder *folder;
	const char *generation; /* the name of its folder */
	int error;		/* error while reading that file; 0: none */
};

static FILE *create_entities(size_t listener, const char *name, void *context)
{
	const struct target *target = context;

	(void)listener;
	return em_folder_open_file(target->folder, target->generation, name, true);
}

static int write_policy(const struct em_folder *folder, const char *name,
			const struct em_policy *policy, struct em_diag *diag)
{
	FILE *file = em_folder_open_file(folder, name, POLICY, true);
	struct target target = {.folder = folder, .generation = name};
	int rc;

	if (!file)
		return em_folder_failed(folder, diag, errno, "write the policy to", name);
	rc = em_folder_close_file(file, em_config_write(policy, file, create_entities, &target));
	return rc ? em_folder_failed(folder, diag, -rc, "write the policy to", name) : 0;
}

int em_generation_store(struct em_state *state, const struct em_record *record,
			const struct em_policy *policy, struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	char whole[EM_FOLDER_NAME_SIZE], half[EM_FOLDER_NAME_SIZE];
	int rc;

	em_folder_name(whole, record->generation, true);
	em_folder_name(half, record->generation, false);
	rc = em_folder_remove_half(folder, record->generation, diag);
	if (rc)
		return rc;
	if (mkdirat(folder->fd, half, 0700))
		return em_folder_failed(folder, diag, errno, "make", half);
	rc = write_policy(folder, half, policy, diag);
	if (!rc)
		rc = write_record(folder, half, record, diag);
	if (!rc && renameat(folder->fd, half, folder->fd, whole))
		rc = em_folder_failed(folder, diag, errno, "make", whole);
	if (rc)
		em_folder_remove_half(folder, record->generation, diag);
	return rc;
}

/* Sets *out to whether the generation has a folder that counts.  Returns 0 or -errno, reported. */
static int has_generation(const struct em_folder *folder, const char *name, bool *out,
			  struct em_diag *diag)
{
	struct stat status;

	*out = false;
	if (!em_folder_counts(folder))
		return 0;
	if (!fstatat(folder->fd, name, &status, AT_SYMLINK_NOFOLLOW))
		*out = true;
	else if (errno != ENOENT)
		return em_folder_failed(folder, diag, errno, "look for", name);
	return 0;
}

static int read_record(const struct em_folder *folder, const char *name, uint32_t generation,
		       struct em_record *out)
{
	FILE *file __attribute__((cleanup(em_fclosep))) =
		em_folder_open_file(folder, name, RECORD, false);
	struct em_record record __attribute__((cleanup(em_record_clear))) = {0};
	int rc = file ? em_record_read(&record, file) : -errno;

	if (rc)
		return rc;
	if (record.generation != generation)
		return -EBADMSG;
	*out = record;
	record = (struct em_record){0};
	return 0;
}

int em_generation_load_record(struct em_state *state, uint32_t generation, struct em_record *out,
			      struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	char name[EM_FOLDER_NAME_SIZE];
	bool there;
	int rc;

	*out = (struct em_record){0};
	em_folder_name(name, generation, true);
	rc = has_generation(folder, name, &there, diag);
	if (rc || !there)
		return rc;
	rc = read_record(folder, name, generation, out);
	if (rc == -EBADMSG || rc == -ENOENT) {
		em_diag_warning(diag, NULL,
				"%s/%s/" RECORD " is %s: when, how and by what configuration the "
				"policy in force was applied is not known",
				folder->path, name, rc == -ENOENT ? "missing" : "unreadable");
		return 0;
	}
	return rc ? em_folder_failed(folder, diag, -rc, "read " RECORD " in", name) : 0;
}

/* The file is ours: a mistake in it is not a usage error. */
int em_generation_load_policy(struct em_state *state, uint32_t generation, struct em_policy **out,
			      struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	char *path __attribute__((cleanup(em_freep))) = NULL;
	char *text __attribute__((cleanup(em_freep))) = NULL;
	char name[EM_FOLDER_NAME_SIZE];
	struct em_diag_kept kept;
	bool there;
	int rc;

	*out = NULL;
	em_folder_name(name, generation, true);
	rc = has_generation(folder, name, &there, diag);
	if (rc || !there)
		return rc;
	if (asprintf(&path, "%s/%s/" POLICY, folder->path, name) < 0) {
		path = NULL;
		return em_diag_enomem(diag);
	}
	rc = em_diag_keep(&kept);
	if (rc)
		return em_diag_enomem(diag);
	rc = em_config_read(out, path, &kept.diag);
	text = em_diag_take_kept(&kept);
	if (rc == -EM_EUSAGE || rc == -ENOENT) {
		em_diag_warning(diag, NULL, "the policy in force is not known: %s",
				text ? text : path);
		return 0;
	}
	return rc ? em_diag_error(diag, rc, NULL, "%s", text ? text : path) : 0;
}

/* A stream whose output is compared byte for byte with a stored file instead of being written. */
struct comparison {
	FILE *stored;
	struct target *target;
};

static ssize_t compare_write(void *cookie, const char *bytes, size_t size)
{
	struct comparison *comparison = cookie;
	char stored[BUFSIZ];
	size_t done = 0, part;

	while (done < size) {
		part = size - done < sizeof(stored) ? size - done : sizeof(stored);
		if (fread(stored, 1, part, comparison->stored) != part ||
		    memcmp(stored, bytes + done, part)) {
			if (ferror(comparison->stored))
				comparison->target->error = EIO;
			errno = EIO; /* the result is known: makes the writer stop */
			return 0;
		}
		done += part;
	}
	return (ssize_t)size;
}

static int compare_close(void *cookie)
{
	struct comparison *comparison = cookie;
	bool more = fgetc(comparison->stored) != EOF;

	if (ferror(comparison->stored))
		comparison->target->error = EIO;
	fclose(comparison->stored);
	free(comparison);
	errno = EIO;
	return more ? -1 : 0;
}

static FILE *compare_with(struct target *target, const char *name)
{
	const cookie_io_functions_t functions = {.write = compare_write, .close = compare_close};
	struct comparison *comparison = calloc(1, sizeof(*comparison));
	FILE *stream = NULL;

	if (comparison) {
		comparison->target = target;
		comparison->stored =
			em_folder_open_file(target->folder, target->generation, name, false);
		if (comparison->stored)
			stream = fopencookie(comparison, "w", functions);
	}
	if (stream)
		return stream;
	if (errno != ENOENT)
		target->error = errno;
	if (comparison && comparison->stored)
		fclose(comparison->stored);
	free(comparison);
	return NULL;
}

static FILE *compare_entities(size_t listener, const char *name, void *context)
{
	(void)listener;
	return compare_with(context, name);
}

int em_generation_same_policy(struct em_state *state, uint32_t generation,
			      const struct em_policy *policy, bool *same, struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	char name[EM_FOLDER_NAME_SIZE];
	struct target target = {.folder = folder, .generation = name};
	FILE *stream;

	em_folder_name(name, generation, true);
	*same = false;
	stream = em_folder_counts(folder) ? compare_with(&target, POLICY) : NULL;
	if (stream)
		*same = em_folder_close_file(stream, em_config_write(policy, stream,
								     compare_entities, &target)) ==
			0;
	return target.error
		       ? em_folder_failed(folder, diag, target.error, "read the policy of", name)
		       : 0;
}

int em_generation_save_baseline(struct em_state *state, uint32_t generation,
				const struct em_policy *policy, const struct em_stats *stats,
				struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	char name[EM_FOLDER_NAME_SIZE], half[BASELINE_SIZE], whole[BASELINE_SIZE];
	FILE *file;
	int rc;

	em_folder_name(name, generation, true);
	snprintf(whole, sizeof(whole), "%s/" BASELINE, name);
	snprintf(half, sizeof(half), "%s/" BASELINE EM_FOLDER_HALF, name);
	file = em_folder_open_file(folder, NULL, half, true);
	if (!file)
		return em_folder_failed(folder, diag, errno, "write", half);
	rc = em_folder_close_file(file, em_baseline_write(file, policy, stats));
	if (!rc && renameat(folder->fd, half, folder->fd, whole))
		rc = -errno;
	return rc ? em_folder_failed(folder, diag, -rc, "write", whole) : 0;
}

int em_generation_load_baseline(struct em_state *state, uint32_t generation,
				const struct em_policy *policy, struct em_stats *stats,
				struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	FILE *file __attribute__((cleanup(em_fclosep))) = NULL;
	char name[EM_FOLDER_NAME_SIZE];
	unsigned long lost = 0;
	int rc;

	em_folder_name(name, generation, true);
	if (!em_folder_counts(folder))
		return 0;
	file = em_folder_open_file(folder, name, BASELINE, false);
	if (!file)
		return errno == ENOENT ? 0
				       : em_folder_failed(folder, diag, errno,
							  "read " BASELINE " in", name);
	rc = em_baseline_read(file, policy, stats, &lost);
	if (rc == -EBADMSG)
		em_diag_warning(diag, NULL,
				"%s/%s/" BASELINE " is unreadable: what was counted before this "
				"apply is lost",
				folder->path, name);
	else if (rc)
		return em_folder_failed(folder, diag, -rc, "read " BASELINE " in", name);
	else if (lost)
		em_diag_warning(diag, NULL,
				"%s/%s/" BASELINE ": lines that make no sense: %lu; what they "
				"count is lost",
				folder->path, name, lost);
	return 0;
}
