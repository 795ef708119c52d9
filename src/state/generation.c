/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * generation - one generation's folder: written, read, and compared with a policy.
 */
#include "state/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "state/folder.h"

#define POLICY	"policy.conf"
#define APPLIED "applied"
#define CARRIED "carried"

/* The name of the latter in the folder, and while it is written. */
#define CARRIED_SIZE (EM_FOLDER_NAME_SIZE + sizeof("/" CARRIED EM_FOLDER_HALF))

static void freep(char **text)
{
	free(*text);
}

static void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

void em_record_clear(struct em_record *applied)
{
	free(applied->config);
	free(applied->reason);
	free(applied->attachments);
	em_policy_free(applied->policy);
	*applied = (struct em_record){0};
}

uint32_t em_generation_next(const struct em_state *state, uint32_t floor)
{
	uint32_t newest = em_folder_newest(em_state_folder(state));

	return (newest > floor ? newest : floor) + 1;
}

int em_generation_clean(struct em_state *state, uint32_t keep, struct em_diag *diag)
{
	return em_folder_clean(em_state_folder(state), keep, diag);
}

/* A line of `applied`.  Of a path with a newline in it, a person sees a blank instead. */
static void write_fact(FILE *file, const char *key, const char *value)
{
	fprintf(file, "%s ", key);
	for (; *value; value++)
		fputc(*value == '\n' ? ' ' : *value, file);
	fputc('\n', file);
}

static int write_applied(const struct em_folder *folder, const char *name,
			 const struct em_record *applied, struct em_diag *diag)
{
	FILE *file = em_folder_open_file(folder, name, APPLIED, true);
	int r;

	if (!file)
		return em_folder_failed(folder, diag, errno, "write " APPLIED " in", name);
	fprintf(file, "generation %" PRIu32 "\n", applied->generation);
	write_fact(file, "backend", em_backend_name(applied->backend));
	write_fact(file, "wanted", em_backend_name(applied->wanted));
	write_fact(file, "config", applied->config ? applied->config : "");
	write_fact(file, "reason", applied->reason ? applied->reason : "");
	write_fact(file, "applied_at", applied->applied_at);
	for (size_t i = 0; i < applied->n_attachments; i++)
		fprintf(file, "attachment %u %s %s\n", applied->attachments[i].ifindex,
			em_hook_name(applied->attachments[i].hook),
			applied->attachments[i].interface);
	r = em_folder_close_file(file, 0);
	return r ? em_folder_failed(folder, diag, -r, "write " APPLIED " in", name) : 0;
}

/* Where em_config_write() writes to, or what it is compared with. */
struct target {
	const struct em_folder *folder;
	const char *generation; /* the name of its folder */
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
	int r;

	if (!file)
		return em_folder_failed(folder, diag, errno, "write the policy to", name);
	r = em_folder_close_file(file, em_config_write(policy, file, create_entities, &target));
	return r ? em_folder_failed(folder, diag, -r, "write the policy to", name) : 0;
}

int em_generation_store(struct em_state *state, const struct em_record *applied,
			struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	char whole[EM_FOLDER_NAME_SIZE], half[EM_FOLDER_NAME_SIZE];
	int r;

	em_folder_name(whole, applied->generation, true);
	em_folder_name(half, applied->generation, false);
	r = em_folder_remove_half(folder, applied->generation, diag);
	if (r)
		return r;
	if (mkdirat(folder->fd, half, 0755))
		return em_folder_failed(folder, diag, errno, "make", half);
	r = write_policy(folder, half, applied->policy, diag);
	if (r == 0)
		r = write_applied(folder, half, applied, diag);
	if (r == 0 && renameat(folder->fd, half, folder->fd, whole))
		r = em_folder_failed(folder, diag, errno, "make", whole);
	if (r)
		em_folder_remove_half(folder, applied->generation, diag);
	return r;
}

static int read_text(char **out, const char *value)
{
	free(*out);
	*out = strdup(value);
	return *out ? 0 : -ENOMEM;
}

static int read_backend(enum em_backend *out, const char *value)
{
	int backend = em_backend_parse(value);

	if (backend < 0)
		return -EBADMSG;
	*out = (enum em_backend)backend;
	return 0;
}

static int read_attachment(struct em_record *applied, const char *value)
{
	struct em_attachment attachment = {0}, *grown;
	char hook[32];
	int name = 0, kind;

	if (sscanf(value, "%u %31s %n", &attachment.ifindex, hook, &name) != 2 || !value[name] ||
	    strlen(value + name) >= sizeof(attachment.interface))
		return -EBADMSG;
	kind = em_hook_parse(hook);
	if (kind < 0)
		return -EBADMSG;
	attachment.hook = (enum em_hook)kind;
	strcpy(attachment.interface, value + name);
	grown = reallocarray(applied->attachments, applied->n_attachments + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[applied->n_attachments++] = attachment;
	applied->attachments = grown;
	return 0;
}

static int read_fact(struct em_record *applied, const char *key, const char *value)
{
	if (!strcmp(key, "generation"))
		return sscanf(value, "%" SCNu32, &applied->generation) == 1 ? 0 : -EBADMSG;
	if (!strcmp(key, "backend"))
		return read_backend(&applied->backend, value);
	if (!strcmp(key, "wanted"))
		return read_backend(&applied->wanted, value);
	if (!strcmp(key, "config"))
		return read_text(&applied->config, value);
	if (!strcmp(key, "reason"))
		return read_text(&applied->reason, value);
	if (!strcmp(key, "attachment"))
		return read_attachment(applied, value);
	if (strcmp(key, "applied_at") || strlen(value) >= sizeof(applied->applied_at))
		return -EBADMSG;
	strcpy(applied->applied_at, value);
	return 0;
}

/* Reads the lines of `applied`; -EBADMSG where one makes no sense or is missing. */
static int read_facts(struct em_record *applied, FILE *file)
{
	char *line __attribute__((cleanup(freep))) = NULL;
	size_t size = 0;
	int r = 0;

	while (r == 0 && getline(&line, &size, file) > 0) {
		char *value = line;
		const char *key = strsep(&value, " ");

		if (!value)
			return -EBADMSG;
		value[strcspn(value, "\n")] = '\0';
		r = read_fact(applied, key, value);
	}
	if (r == 0 && ferror(file))
		return -EIO;
	if (r == 0 && (!applied->generation || !applied->backend || !applied->config ||
		       !applied->reason || !applied->applied_at[0]))
		return -EBADMSG;
	return r;
}

static int read_applied(const struct em_folder *folder, const char *name, struct em_record *applied,
			uint32_t generation, struct em_diag *diag)
{
	FILE *file __attribute__((cleanup(fclosep))) =
		em_folder_open_file(folder, name, APPLIED, false);
	int r;

	if (!file)
		return em_folder_failed(folder, diag, errno, "read " APPLIED " in", name);
	r = read_facts(applied, file);
	if (r == -EBADMSG || (r == 0 && applied->generation != generation))
		return em_diag_error(diag, -EIO, NULL, "%s/%s/" APPLIED " is malformed",
				     folder->path, name);
	return r ? em_folder_failed(folder, diag, -r, "read " APPLIED " in", name) : 0;
}

int em_generation_load(struct em_state *state, uint32_t generation, struct em_record *out,
		       struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	struct em_record applied __attribute__((cleanup(em_record_clear))) = {0};
	char *path __attribute__((cleanup(freep))) = NULL;
	char name[EM_FOLDER_NAME_SIZE];
	int r;

	em_folder_name(name, generation, true);
	if (!em_folder_counts(folder) || faccessat(folder->fd, name, F_OK, 0))
		return -ENOENT;
	r = read_applied(folder, name, &applied, generation, diag);
	if (r)
		return r;
	if (asprintf(&path, "%s/%s/" POLICY, folder->path, name) < 0) {
		path = NULL;
		return em_diag_error(diag, -ENOMEM, NULL, "out of memory");
	}
	r = em_config_read(&applied.policy, path, diag);
	/* A file of ours: no mistake of the user's, nor is it the generation that is missing. */
	if (r)
		return r == -EM_EUSAGE || r == -ENOENT ? -EIO : r;
	*out = applied;
	applied = (struct em_record){0};
	return 0;
}

/* A stream that is compared with a stored file, byte for byte, instead of being written. */
static ssize_t compare_write(void *cookie, const char *bytes, size_t size)
{
	char stored[BUFSIZ];
	size_t done = 0, part;

	while (done < size) {
		part = size - done < sizeof(stored) ? size - done : sizeof(stored);
		if (fread(stored, 1, part, cookie) != part || memcmp(stored, bytes + done, part)) {
			errno = EIO; /* writing on is of no use */
			return 0;
		}
		done += part;
	}
	return (ssize_t)size;
}

static int compare_close(void *cookie)
{
	bool more = fgetc(cookie) != EOF;

	fclose(cookie);
	errno = EIO;
	return more ? -1 : 0;
}

static FILE *compare_with(const struct target *target, const char *name)
{
	FILE *stored = em_folder_open_file(target->folder, target->generation, name, false);
	FILE *stream;

	if (!stored)
		return NULL;
	stream = fopencookie(stored, "w",
			     (cookie_io_functions_t){
				     .write = compare_write,
				     .close = compare_close,
			     });
	if (!stream)
		fclose(stored);
	return stream;
}

static FILE *compare_entities(size_t listener, const char *name, void *context)
{
	(void)listener;
	return compare_with(context, name);
}

bool em_generation_same_policy(struct em_state *state, uint32_t generation,
			       const struct em_policy *policy)
{
	const struct em_folder *folder = em_state_folder(state);
	char name[EM_FOLDER_NAME_SIZE];
	struct target target = {.folder = folder, .generation = name};
	FILE *stream;

	em_folder_name(name, generation, true);
	stream = em_folder_counts(folder) ? compare_with(&target, POLICY) : NULL;
	if (!stream)
		return false;
	return em_folder_close_file(
		       stream, em_config_write(policy, stream, compare_entities, &target)) == 0;
}

int em_generation_save_baseline(struct em_state *state, const struct em_record *applied,
				const struct em_stats *stats, struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	char name[EM_FOLDER_NAME_SIZE], half[CARRIED_SIZE], whole[CARRIED_SIZE];
	FILE *file;
	int r;

	em_folder_name(name, applied->generation, true);
	snprintf(whole, sizeof(whole), "%s/" CARRIED, name);
	snprintf(half, sizeof(half), "%s/" CARRIED EM_FOLDER_HALF, name);
	file = em_folder_open_file(folder, NULL, half, true);
	if (!file)
		return em_folder_failed(folder, diag, errno, "write", half);
	r = em_folder_close_file(file, em_stats_save(file, applied->policy, stats));
	if (r == 0 && renameat(folder->fd, half, folder->fd, whole))
		r = -errno;
	return r ? em_folder_failed(folder, diag, -r, "write", whole) : 0;
}

int em_generation_load_baseline(struct em_state *state, const struct em_record *applied,
				struct em_stats *stats, struct em_diag *diag)
{
	const struct em_folder *folder = em_state_folder(state);
	FILE *file __attribute__((cleanup(fclosep))) = NULL;
	char name[EM_FOLDER_NAME_SIZE];
	int r;

	em_folder_name(name, applied->generation, true);
	if (!em_folder_counts(folder))
		return 0;
	file = em_folder_open_file(folder, name, CARRIED, false);
	if (!file)
		return errno == ENOENT
			       ? 0
			       : em_folder_failed(folder, diag, errno, "read " CARRIED " in", name);
	r = em_stats_load(file, applied->policy, stats);
	if (r == -EBADMSG)
		return em_diag_error(diag, -EIO, NULL, "%s/%s/" CARRIED " is malformed",
				     folder->path, name);
	return r ? em_folder_failed(folder, diag, -r, "read " CARRIED " in", name) : 0;
}
