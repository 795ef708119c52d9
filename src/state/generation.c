/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "state/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/config.h"
#include "state/baseline.h"
#include "state/folder.h"

#define RECORD	 "record"
#define POLICY	 "policy.conf"
#define BASELINE "baseline"
#define SEEN	 "seen"
#define FINAL	 "final"

/* The name of one of the last three, with its folder, also while it is written. */
#define STATS_SIZE (EM_FOLDER_NAME_SIZE + 48)

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

/* Sets *out to whether there is such a folder or file that counts.  Returns 0 or -errno, reported.
 */
static int is_there(const struct em_folder *folder, const char *name, bool *out,
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

int em_generation_is_kept(const struct em_state *state, uint32_t generation, bool *kept,
			  struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	char name[EM_FOLDER_NAME_SIZE];
	struct stat status;

	em_folder_name(name, generation, true);
	*kept = em_folder_counts(folder) &&
		!fstatat(folder->fd, name, &status, AT_SYMLINK_NOFOLLOW);
	if (!*kept && em_folder_counts(folder) && errno != ENOENT)
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
	rc = is_there(folder, name, &there, diag);
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
	rc = is_there(folder, name, &there, diag);
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
	if (rc)
		return em_diag_error(diag, rc, NULL, "%s", text ? text : path);
	em_policy_forget_places(*out);
	return 0;
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

/* Writes it beside the one in the folder, of this name, and then replaces that. */
static int save_stats(struct em_state *state, uint32_t generation, const char *which,
		      const char *temporary, const struct em_policy *policy,
		      const struct em_stats *stats, struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	char name[EM_FOLDER_NAME_SIZE], half[STATS_SIZE], whole[STATS_SIZE];
	FILE *file;
	int rc;

	em_folder_name(name, generation, true);
	snprintf(whole, sizeof(whole), "%s/%s", name, which);
	snprintf(half, sizeof(half), "%s/%s" EM_FOLDER_HALF, name, temporary);
	file = em_folder_open_file(folder, NULL, half, true);
	if (!file)
		return em_folder_failed(folder, diag, errno, "write", half);
	rc = em_folder_close_file(file, em_baseline_write(file, policy, stats));
	if (!rc && renameat(folder->fd, half, folder->fd, whole))
		rc = -errno;
	if (rc)
		(void)unlinkat(folder->fd, half, 0);
	return rc ? em_folder_failed(folder, diag, -rc, "write", whole) : 0;
}

/* Adds to stats; *there says whether there is such a file.  `loss` is what is lost without it. */
static int load_stats(struct em_state *state, uint32_t generation, const char *which,
		      const char *loss, const struct em_policy *policy, struct em_stats *stats,
		      bool *there, struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	FILE *file __attribute__((cleanup(em_fclosep))) = NULL;
	char name[STATS_SIZE];
	unsigned long lost = 0;
	int rc;

	*there = false;
	em_folder_name(name, generation, true);
	if (!em_folder_counts(folder))
		return 0;
	file = em_folder_open_file(folder, name, which, false);
	snprintf(name + strlen(name), sizeof(name) - strlen(name), "/%s", which);
	if (!file)
		return errno == ENOENT ? 0 : em_folder_failed(folder, diag, errno, "read", name);
	rc = em_baseline_read(file, policy, stats, &lost);
	*there = !rc;
	if (rc == -EBADMSG)
		em_diag_warning(diag, NULL, "%s/%s is unreadable: %s is lost", folder->path, name,
				loss);
	else if (rc)
		return em_folder_failed(folder, diag, -rc, "read", name);
	else if (lost)
		em_diag_warning(diag, NULL,
				"%s/%s: lines that make no sense: %lu; what they count is lost",
				folder->path, name, lost);
	return 0;
}

int em_generation_save_baseline(struct em_state *state, uint32_t generation,
				const struct em_policy *policy, const struct em_stats *stats,
				struct em_diag *diag)
{
	return save_stats(state, generation, BASELINE, BASELINE, policy, stats, diag);
}

int em_generation_load_baseline(struct em_state *state, uint32_t generation,
				const struct em_policy *policy, struct em_stats *stats,
				struct em_diag *diag)
{
	bool there;

	return load_stats(state, generation, BASELINE, "what was counted before this apply", policy,
			  stats, &there, diag);
}

int em_generation_save_seen(struct em_state *state, uint32_t generation,
			    const struct em_policy *policy, const struct em_stats *stats,
			    struct em_diag *diag)
{
	char temporary[sizeof(SEEN "-18446744073709551615")];

	/* No two runs have the same, even in two PID namespaces. */
	snprintf(temporary, sizeof(temporary), SEEN "-%" PRIu64, em_clock_monotonic());
	return save_stats(state, generation, SEEN, temporary, policy, stats, diag);
}

int em_generation_load_seen(struct em_state *state, uint32_t generation,
			    const struct em_policy *policy, struct em_stats **out,
			    struct em_diag *diag)
{
	struct em_stats *stats __attribute__((cleanup(em_stats_freep))) = NULL;
	bool there;
	int rc;

	*out = NULL;
	if (em_stats_new(&stats, policy))
		return em_diag_enomem(diag);
	rc = load_stats(state, generation, SEEN, "when the entities were seen", policy, stats,
			&there, diag);
	if (rc || !there)
		return rc;
	*out = stats;
	stats = NULL;
	return 0;
}

int em_generation_save_final(struct em_state *state, uint32_t generation,
			     const struct em_policy *policy, const struct em_stats *stats,
			     struct em_diag *diag)
{
	return save_stats(state, generation, FINAL, FINAL, policy, stats, diag);
}

int em_generation_load_final(struct em_state *state, uint32_t generation,
			     const struct em_policy *policy, struct em_stats *stats,
			     struct em_diag *diag)
{
	bool there;

	return load_stats(state, generation, FINAL, "what a rollback would restore", policy, stats,
			  &there, diag);
}

static void name_final(char path[STATS_SIZE], uint32_t generation)
{
	char name[EM_FOLDER_NAME_SIZE];

	em_folder_name(name, generation, true);
	snprintf(path, STATS_SIZE, "%s/" FINAL, name);
}

int em_generation_has_final(struct em_state *state, uint32_t generation, bool *out,
			    struct em_diag *diag)
{
	char path[STATS_SIZE];

	name_final(path, generation);
	return is_there(em_state_folder(state), path, out, diag);
}

int em_generation_forget_final(struct em_state *state, uint32_t generation, struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	char path[STATS_SIZE];

	name_final(path, generation);
	if (unlinkat(folder->fd, path, 0) && errno != ENOENT)
		return em_folder_failed(folder, diag, errno, "remove", path);
	return 0;
}

int em_generation_clean(struct em_state *state, uint32_t keep, struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	struct em_record record __attribute__((cleanup(em_record_clear))) = {0};
	char name[EM_FOLDER_NAME_SIZE];
	uint32_t all[4] = {keep};
	int rc;

	em_folder_name(name, keep, true);
	rc = keep ? read_record(folder, name, keep, &record) : 0;
	if (rc && rc != -ENOENT && rc != -EBADMSG)
		return em_folder_failed(folder, diag, -rc, "read " RECORD " in", name);
	if (record.generation) {
		all[1] = record.replaces ? record.replaces : record.restores;
		all[2] = record.replaces ? record.restores : 0;
	}
	return em_folder_clean(folder, all, diag);
}
