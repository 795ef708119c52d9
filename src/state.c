/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state - the folder of what is applied in this network namespace.
 *
 *	/run/entitymux/net-INODE/     one per network namespace
 *		lock                  held while anything here is read or written
 *		namespace             which namespace this is, of all that have had this inode
 *number gen-N/                one per generation policy.conf   the policy as a configuration, with
 *its entities files applied       the facts of the apply, a line each: key, blank, value carried
 *counts of earlier generations gen-N.tmp/            a generation being written or removed, or what
 *a dead run left of it
 *
 * A run may die at any point, but not the machine under it: what was written before a reboot does
 * not count after it.  So a rename is all it takes for all or nothing, and nothing is synced.
 */
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

#define ROOT	  RUNSTATEDIR "/entitymux"
#define LOCK	  "lock"
#define NAMESPACE "namespace"
#define POLICY	  "policy.conf"
#define APPLIED	  "applied"
#define CARRIED	  "carried"
#define HALF	  ".tmp" /* suffix of what is not whole */

/* A generation's folder, and a file in it. */
#define FOLDER_SIZE   sizeof("gen-4294967295" HALF)
#define NAME_SIZE     (FOLDER_SIZE + 1 + NAME_MAX)
#define IDENTITY_SIZE 128

/* Each one is lost to a run that took its folder away just then: there are never as many. */
#define LOCK_ATTEMPTS 1000

/* Linux 5.14, include/uapi/asm-generic/socket.h */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

struct em_state {
	char *root;
	char *path;  /* of the folder of this namespace */
	int folder;  /* -1: there is none */
	int lock;    /* -1: there is nothing to lock */
	bool writes; /* EM_STATE_WRITE */
	bool empty; /* nothing in the folder counts: there is none, or it was another namespace's */
};

static void freep(char **text)
{
	free(*text);
}

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

/*
 * Reports what could not be done to a file of the folder (NULL: to the folder itself), as an error
 * without a meaning of its own to main() or to a caller of em_state_load().
 */
static int failed(const struct em_state *state, struct em_diag *diag, int error, const char *what,
		  const char *name)
{
	bool special = error == EBADMSG || error == EOPNOTSUPP || error == ENOENT;

	return em_diag_error(diag, special ? -EIO : -error, NULL, "cannot %s %s%s%s: %s", what,
			     state->path, name ? "/" : "", name ? name : "", strerror(error));
}

/* What tells this namespace from all others that have had, or will have, its inode number. */
static int identify(char identity[IDENTITY_SIZE], struct em_diag *diag)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	FILE *file __attribute__((cleanup(fclosep))) = fopen(path, "re");
	int fd __attribute__((cleanup(closep))) = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);
	char boot[64];

	if (!file || !fgets(boot, sizeof(boot), file))
		return em_diag_error(diag, -EIO, NULL, "cannot read %s: %s", path, strerror(errno));
	/* Before 5.14 there is none: then only a reboot tells namespaces apart. */
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		cookie = 0;
	snprintf(identity, IDENTITY_SIZE, "boot %.*s\ncookie %" PRIu64 "\n",
		 (int)strcspn(boot, "\n"), boot, cookie);
	return 0;
}

/* Opens "folder/name" ("name" where folder is NULL) to be read or, anew, written. */
static FILE *open_file(const struct em_state *state, const char *folder, const char *name,
		       bool writes)
{
	int flags = writes ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY;
	char path[NAME_SIZE];
	FILE *file;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", folder ? folder : "", folder ? "/" : "",
			     name) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	fd = openat(state->folder, path, flags | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return NULL;
	file = fdopen(fd, writes ? "w" : "r");
	if (!file)
		close(fd);
	return file;
}

/* Closes a file that was written; r is what became of the writing so far, as is the result. */
static int finish(FILE *file, int r)
{
	bool error = ferror(file);

	if (fclose(file) && r == 0)
		return -errno;
	return r == 0 && error ? -EIO : r;
}

/* The folders above and the folder itself. */
static int make_folder(const char *path)
{
	char *copy __attribute__((cleanup(freep))) = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(copy, 0755) && errno != EEXIST ? -errno : 0;
}

static int wait_for_lock(int lock, bool writes, bool *waited, struct em_diag *diag)
{
	int operation = writes ? LOCK_EX : LOCK_SH;

	if (flock(lock, operation | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	if (!*waited)
		em_diag_note(diag, "waiting for another entitymux run");
	*waited = true;
	return flock(lock, operation) ? -errno : 0;
}

/*
 * A run that leaves no generation behind removes the lock file while it holds it.  So the lock may
 * turn out to be one on a file that is gone, and another run may hold that of a new one.
 */
static bool still_there(int folder, int lock)
{
	struct stat locked, named;

	return fstat(lock, &locked) == 0 &&
	       fstatat(folder, LOCK, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
}

/*
 * Opens the folder and takes its lock.  -ENOENT: it is not there; -EAGAIN: another run has taken it
 * away in the meantime.  Reports nothing.
 */
static int try_lock(struct em_state *state, bool *waited, struct em_diag *diag)
{
	int folder __attribute__((cleanup(closep))) = -1;
	int lock __attribute__((cleanup(closep))) = -1;
	int r;

	r = state->writes ? make_folder(state->path) : 0;
	if (r)
		return r;
	folder = open(state->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	/* Not for everyone to read: who can open it can lock it, and hold up every run for good. */
	lock = openat(folder, LOCK,
		      O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (state->writes ? O_CREAT : 0), 0600);
	if (lock < 0)
		return -errno;
	r = wait_for_lock(lock, state->writes, waited, diag);
	if (r)
		return r;
	if (!still_there(folder, lock))
		return -EAGAIN;
	state->folder = folder;
	state->lock = lock;
	folder = lock = -1;
	return 0;
}

static int take_lock(struct em_state *state, struct em_diag *diag)
{
	bool waited = false;
	int r = -EAGAIN;

	for (int i = 0; i < LOCK_ATTEMPTS && r == -EAGAIN; i++) {
		r = try_lock(state, &waited, diag);
		/* Made just now, and gone again: so another run has been here. */
		if (r == -ENOENT && state->writes)
			r = -EAGAIN;
	}
	if (r == -ENOENT)
		return 0;
	return r ? failed(state, diag, -r, "lock", NULL) : 0;
}

static int write_identity(const struct em_state *state, const char *identity, struct em_diag *diag)
{
	FILE *file = open_file(state, NULL, NAMESPACE, true);
	int r;

	if (!file)
		return failed(state, diag, errno, "write", NAMESPACE);
	fputs(identity, file);
	r = finish(file, 0);
	return r ? failed(state, diag, -r, "write", NAMESPACE) : 0;
}

/*
 * The inode number of a namespace is given to another one when it is gone, while its folder stays:
 * generations in the folder of another namespace do not count, and are removed by who may write.
 */
static int check_identity(struct em_state *state, struct em_diag *diag)
{
	char ours[IDENTITY_SIZE], found[IDENTITY_SIZE] = "";
	FILE *file __attribute__((cleanup(fclosep))) = NULL;
	int r;

	r = identify(ours, diag);
	if (r)
		return r;
	file = open_file(state, NULL, NAMESPACE, false);
	if (!file && errno != ENOENT)
		return failed(state, diag, errno, "read", NAMESPACE);
	if (file)
		found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
	if (!strcmp(found, ours))
		return 0;
	if (!state->writes) {
		state->empty = true;
		return 0;
	}
	r = em_state_clean(state, 0, diag);
	/* Last, and only then: a run that dies before has left generations that do not count. */
	return r ? r : write_identity(state, ours, diag);
}

static int state_new(struct em_state **out, const char *root, enum em_state_mode mode,
		     struct em_diag *diag)
{
	static const char namespace[] = "/proc/self/ns/net";
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct stat status;

	if (stat(namespace, &status))
		return em_diag_error(diag, -EIO, NULL, "cannot read %s: %s", namespace,
				     strerror(errno));
	state = calloc(1, sizeof(*state));
	if (!state)
		return em_diag_error(diag, -ENOMEM, NULL, "out of memory");
	state->folder = state->lock = -1;
	state->writes = mode == EM_STATE_WRITE;
	state->root = strdup(root);
	if (!state->root ||
	    asprintf(&state->path, "%s/net-%ju", root, (uintmax_t)status.st_ino) < 0) {
		state->path = NULL;
		return em_diag_error(diag, -ENOMEM, NULL, "out of memory");
	}
	*out = state;
	state = NULL;
	return 0;
}

int em_state_open_at(struct em_state **out, const char *root, enum em_state_mode mode,
		     struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	int r;

	r = state_new(&state, root, mode, diag);
	if (r == 0)
		r = take_lock(state, diag);
	if (r)
		return r;
	if (state->folder < 0)
		state->empty = true;
	else
		r = check_identity(state, diag);
	if (r)
		return r;
	*out = state;
	state = NULL;
	return 0;
}

int em_state_open(struct em_state **out, enum em_state_mode mode, struct em_diag *diag)
{
	return em_state_open_at(out, ROOT, mode, diag);
}

/* The folder of a generation that was found. */
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
	return found->whole || !strcmp(end, HALF);
}

static DIR *open_folder(const struct em_state *state, const char *name)
{
	int fd = openat(state->folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir;

	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return dir;
}

/* The next generation in the folder, or false: none (errno is 0) or an error. */
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

static void format_folder(char folder[FOLDER_SIZE], uint32_t generation, bool whole)
{
	snprintf(folder, FOLDER_SIZE, "gen-%" PRIu32 "%s", generation, whole ? "" : HALF);
}

/* A folder without any generation goes, with the lock in it: see still_there(). */
static void remove_empty(const struct em_state *state)
{
	DIR *dir __attribute__((cleanup(closedirp))) = open_folder(state, ".");
	struct found found;

	if (!dir || next_found(dir, &found) || errno)
		return;
	unlinkat(state->folder, NAMESPACE, 0);
	unlinkat(state->folder, LOCK, 0);
	/* Where another run has begun with it already, it is not empty and stays. */
	if (rmdir(state->path) == 0)
		rmdir(state->root);
}

void em_state_close(struct em_state *state)
{
	if (!state)
		return;
	if (state->writes && state->lock >= 0)
		remove_empty(state);
	closep(&state->lock);
	closep(&state->folder);
	free(state->path);
	free(state->root);
	free(state);
}

void em_state_closep(struct em_state **state)
{
	em_state_close(*state);
}

void em_applied_clear(struct em_applied *applied)
{
	free(applied->config);
	free(applied->reason);
	free(applied->attachments);
	em_policy_free(applied->policy);
	*applied = (struct em_applied){0};
}

uint32_t em_state_next_generation(const struct em_state *state, uint32_t floor)
{
	DIR *dir __attribute__((cleanup(closedirp))) = NULL;
	struct found found;

	if (!state->empty)
		dir = open_folder(state, ".");
	while (dir && next_found(dir, &found))
		if (floor < found.generation)
			floor = found.generation;
	return floor + 1;
}

/* Removes what is not whole of a generation; fine where there is nothing. */
static int remove_half(const struct em_state *state, uint32_t generation, struct em_diag *diag)
{
	DIR *dir __attribute__((cleanup(closedirp))) = NULL;
	const struct dirent *entry;
	char half[FOLDER_SIZE];

	format_folder(half, generation, false);
	dir = open_folder(state, half);
	if (!dir)
		return errno == ENOENT ? 0 : failed(state, diag, errno, "open", half);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    unlinkat(dirfd(dir), entry->d_name, 0))
			return failed(state, diag, errno, "empty", half);
	if (unlinkat(state->folder, half, AT_REMOVEDIR))
		return failed(state, diag, errno, "remove", half);
	return 0;
}

static int remove_found(const struct em_state *state, const struct found *found,
			struct em_diag *diag)
{
	char whole[FOLDER_SIZE], half[FOLDER_SIZE];
	int r;

	r = remove_half(state, found->generation, diag);
	if (r || !found->whole)
		return r;
	format_folder(whole, found->generation, true);
	format_folder(half, found->generation, false);
	if (renameat(state->folder, whole, state->folder, half))
		return failed(state, diag, errno, "remove", whole);
	return remove_half(state, found->generation, diag);
}

int em_state_clean(struct em_state *state, uint32_t keep, struct em_diag *diag)
{
	DIR *dir __attribute__((cleanup(closedirp))) = open_folder(state, ".");
	struct found found;
	int r = 0, one;

	if (!dir)
		return failed(state, diag, errno, "open", NULL);
	while (next_found(dir, &found)) {
		if (found.whole && found.generation == keep)
			continue;
		one = remove_found(state, &found, diag);
		if (r == 0)
			r = one;
	}
	return r == 0 && errno ? failed(state, diag, errno, "read", NULL) : r;
}

/* A line of `applied`.  Of a path with a newline in it, a person sees a blank instead. */
static void write_fact(FILE *file, const char *key, const char *value)
{
	fprintf(file, "%s ", key);
	for (; *value; value++)
		fputc(*value == '\n' ? ' ' : *value, file);
	fputc('\n', file);
}

static int write_applied(const struct em_state *state, const char *folder,
			 const struct em_applied *applied, struct em_diag *diag)
{
	FILE *file = open_file(state, folder, APPLIED, true);
	int r;

	if (!file)
		return failed(state, diag, errno, "write " APPLIED " in", folder);
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
	r = finish(file, 0);
	return r ? failed(state, diag, -r, "write " APPLIED " in", folder) : 0;
}

/* Where em_config_write() writes to, or what it is compared with. */
struct target {
	const struct em_state *state;
	const char *folder;
};

static FILE *create_entities(size_t listener, const char *name, void *context)
{
	const struct target *target = context;

	(void)listener;
	return open_file(target->state, target->folder, name, true);
}

static int write_policy(const struct em_state *state, const char *folder,
			const struct em_policy *policy, struct em_diag *diag)
{
	FILE *file = open_file(state, folder, POLICY, true);
	struct target target = {.state = state, .folder = folder};
	int r;

	if (!file)
		return failed(state, diag, errno, "write the policy to", folder);
	r = finish(file, em_config_write(policy, file, create_entities, &target));
	return r ? failed(state, diag, -r, "write the policy to", folder) : 0;
}

int em_state_store(struct em_state *state, const struct em_applied *applied, struct em_diag *diag)
{
	char whole[FOLDER_SIZE], half[FOLDER_SIZE];
	int r;

	format_folder(whole, applied->generation, true);
	format_folder(half, applied->generation, false);
	r = remove_half(state, applied->generation, diag);
	if (r)
		return r;
	if (mkdirat(state->folder, half, 0755))
		return failed(state, diag, errno, "make", half);
	r = write_policy(state, half, applied->policy, diag);
	if (r == 0)
		r = write_applied(state, half, applied, diag);
	if (r == 0 && renameat(state->folder, half, state->folder, whole))
		r = failed(state, diag, errno, "make", whole);
	if (r)
		remove_half(state, applied->generation, diag);
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

static int read_attachment(struct em_applied *applied, const char *value)
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

static int read_fact(struct em_applied *applied, const char *key, const char *value)
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
static int read_facts(struct em_applied *applied, FILE *file)
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

static int read_applied(const struct em_state *state, const char *folder,
			struct em_applied *applied, uint32_t generation, struct em_diag *diag)
{
	FILE *file __attribute__((cleanup(fclosep))) = open_file(state, folder, APPLIED, false);
	int r;

	if (!file)
		return failed(state, diag, errno, "read " APPLIED " in", folder);
	r = read_facts(applied, file);
	if (r == -EBADMSG || (r == 0 && applied->generation != generation))
		return em_diag_error(diag, -EIO, NULL, "%s/%s/" APPLIED " is malformed",
				     state->path, folder);
	return r ? failed(state, diag, -r, "read " APPLIED " in", folder) : 0;
}

int em_state_load(struct em_state *state, uint32_t generation, struct em_applied *out,
		  struct em_diag *diag)
{
	struct em_applied applied __attribute__((cleanup(em_applied_clear))) = {0};
	char *path __attribute__((cleanup(freep))) = NULL;
	char folder[FOLDER_SIZE];
	int r;

	format_folder(folder, generation, true);
	if (state->empty || faccessat(state->folder, folder, F_OK, 0))
		return -ENOENT;
	r = read_applied(state, folder, &applied, generation, diag);
	if (r)
		return r;
	if (asprintf(&path, "%s/%s/" POLICY, state->path, folder) < 0) {
		path = NULL;
		return em_diag_error(diag, -ENOMEM, NULL, "out of memory");
	}
	r = em_config_read(&applied.policy, path, diag);
	/* A file of ours: no mistake of the user's, nor is it the generation that is missing. */
	if (r)
		return r == -EBADMSG || r == -ENOENT ? -EIO : r;
	*out = applied;
	applied = (struct em_applied){0};
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
	FILE *stored = open_file(target->state, target->folder, name, false);
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

bool em_state_same_policy(struct em_state *state, uint32_t generation,
			  const struct em_policy *policy)
{
	char folder[FOLDER_SIZE];
	struct target target = {.state = state, .folder = folder};
	FILE *stream;

	format_folder(folder, generation, true);
	stream = state->empty ? NULL : compare_with(&target, POLICY);
	if (!stream)
		return false;
	return finish(stream, em_config_write(policy, stream, compare_entities, &target)) == 0;
}

int em_state_save_carried(struct em_state *state, const struct em_applied *applied,
			  const struct em_stats *stats, struct em_diag *diag)
{
	char folder[FOLDER_SIZE], half[NAME_SIZE], whole[NAME_SIZE];
	FILE *file;
	int r;

	format_folder(folder, applied->generation, true);
	snprintf(whole, sizeof(whole), "%s/" CARRIED, folder);
	snprintf(half, sizeof(half), "%s/" CARRIED HALF, folder);
	file = open_file(state, NULL, half, true);
	if (!file)
		return failed(state, diag, errno, "write", half);
	r = finish(file, em_stats_save(file, applied->policy, stats));
	if (r == 0 && renameat(state->folder, half, state->folder, whole))
		r = -errno;
	return r ? failed(state, diag, -r, "write", whole) : 0;
}

int em_state_load_carried(struct em_state *state, const struct em_applied *applied,
			  struct em_stats *stats, struct em_diag *diag)
{
	FILE *file __attribute__((cleanup(fclosep))) = NULL;
	char folder[FOLDER_SIZE];
	int r;

	format_folder(folder, applied->generation, true);
	if (state->empty)
		return 0;
	file = open_file(state, folder, CARRIED, false);
	if (!file)
		return errno == ENOENT ? 0
				       : failed(state, diag, errno, "read " CARRIED " in", folder);
	r = em_stats_load(file, applied->policy, stats);
	if (r == -EBADMSG)
		return em_diag_error(diag, -EIO, NULL, "%s/%s/" CARRIED " is malformed",
				     state->path, folder);
	return r ? failed(state, diag, -r, "read " CARRIED " in", folder) : 0;
}
