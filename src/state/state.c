/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * state - what is applied in this network namespace, and the lock over it.
 */
#include "state/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/netns.h"

#define ROOT	      RUNSTATEDIR "/entitymux"
#define LOCK	      "lock"
#define NAMESPACE     "namespace"
#define IDENTITY_SIZE 128

/* Attempts to take the lock.  An attempt fails only if another run removed the folder just then. */
#define LOCK_ATTEMPTS 1000

struct em_state {
	char *root;
	struct em_folder folder; /* of this namespace */
	int lock;		 /* -1: there is nothing to lock */
	bool writes;		 /* EM_STATE_WRITE */
	bool waits;		 /* not EM_STATE_TRY */
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

static void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* -ENOENT would mean that nothing was applied, so it is not returned for a failure. */
static int report_unknown(int rc, struct em_diag *diag)
{
	return em_diag_error(diag, rc == -ENOENT ? -EIO : rc, NULL,
			     "cannot tell which network namespace this is: %s", strerror(-rc));
}

/* Identifies this namespace among all that have, had or will have its inode number. */
static int identify(char identity[IDENTITY_SIZE], struct em_diag *diag)
{
	struct em_netns netns;
	int rc = em_netns_read(&netns);

	if (rc)
		return report_unknown(rc, diag);
	snprintf(identity, IDENTITY_SIZE, "boot %s\ncookie %" PRIu64 "\n", netns.boot,
		 netns.cookie);
	return 0;
}

/* Makes the folder, and the missing folders above it. */
static int make_folder(const char *path)
{
	char *copy __attribute__((cleanup(freep))) = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(copy, 0700) && errno != EEXIST ? -errno : 0;
}

static int wait_for_lock(int lock, const struct em_state *state, bool *waited, struct em_diag *diag)
{
	int operation = state->writes ? LOCK_EX : LOCK_SH;

	if (flock(lock, operation | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	if (!state->waits)
		return -EBUSY;
	if (!*waited)
		em_diag_note(diag, "waiting for another entitymux run");
	*waited = true;
	return flock(lock, operation) ? -errno : 0;
}

/*
 * A run that leaves no generation behind removes the lock file while it holds the lock.  The file
 * that we locked may therefore be deleted already, and another run may hold the lock on a new file.
 */
static bool still_there(int folder, int lock)
{
	struct stat locked, named;

	return fstat(lock, &locked) == 0 &&
	       fstatat(folder, LOCK, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
}

/*
 * Opens the folder and takes its lock.  Returns -ENOENT if there is no folder, -EAGAIN if another
 * run removed it in the meantime.  Reports nothing.
 */
static int try_lock(struct em_state *state, bool *waited, struct em_diag *diag)
{
	int folder __attribute__((cleanup(closep))) = -1;
	int lock __attribute__((cleanup(closep))) = -1;
	int r;

	r = state->writes ? make_folder(state->folder.path) : 0;
	if (r)
		return r;
	folder = open(state->folder.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	/*
	 * Readable by its owner only: any process that can open the file can lock it and block
	 * every run.
	 */
	lock = openat(folder, LOCK,
		      O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (state->writes ? O_CREAT : 0), 0600);
	if (lock < 0)
		return -errno;
	r = wait_for_lock(lock, state, waited, diag);
	if (r)
		return r;
	if (!still_there(folder, lock))
		return -EAGAIN;
	state->folder.fd = folder;
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
		/* The folder was just made and is gone again: another run removed it. */
		if (r == -ENOENT && state->writes)
			r = -EAGAIN;
	}
	if (r == -ENOENT)
		return 0;
	if (r == -EBUSY && !state->waits)
		return r;
	return r ? em_folder_failed(&state->folder, diag, -r, "lock", NULL) : 0;
}

static int write_identity(const struct em_state *state, const char *identity, struct em_diag *diag)
{
	FILE *file = em_folder_open_file(&state->folder, NULL, NAMESPACE, true);
	int r;

	if (!file)
		return em_folder_failed(&state->folder, diag, errno, "write", NAMESPACE);
	fputs(identity, file);
	r = em_folder_close_file(file, 0);
	return r ? em_folder_failed(&state->folder, diag, -r, "write", NAMESPACE) : 0;
}

/*
 * The kernel reuses the inode number of a namespace that is gone, while its folder stays.
 * Generations in a folder of another namespace are ignored, and a run with the write lock removes
 * them.
 */
static int check_identity(struct em_state *state, struct em_diag *diag)
{
	char ours[IDENTITY_SIZE], found[IDENTITY_SIZE] = "";
	FILE *file __attribute__((cleanup(fclosep))) = NULL;
	int r;

	r = identify(ours, diag);
	if (r)
		return r;
	file = em_folder_open_file(&state->folder, NULL, NAMESPACE, false);
	if (!file && errno != ENOENT)
		return em_folder_failed(&state->folder, diag, errno, "read", NAMESPACE);
	if (file)
		found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
	if (file && ferror(file))
		return em_folder_failed(&state->folder, diag, errno, "read", NAMESPACE);
	if (!strcmp(found, ours))
		return 0;
	if (!state->writes) {
		state->folder.stale = true;
		return 0;
	}
	r = em_folder_clean(&state->folder, (uint32_t[]){0}, diag);
	/*
	 * This has to be the last step: if a run dies before it, the old generations are still
	 * ignored.
	 */
	return r ? r : write_identity(state, ours, diag);
}

static int state_new(struct em_state **out, const char *root, enum em_state_mode mode,
		     struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	char path[PATH_MAX];
	int rc = em_netns_folder(path, root);

	if (rc)
		return report_unknown(rc, diag);
	state = calloc(1, sizeof(*state));
	if (!state)
		return em_diag_error(diag, -ENOMEM, NULL, "out of memory");
	state->folder.fd = state->lock = -1;
	state->writes = mode == EM_STATE_WRITE;
	state->waits = mode != EM_STATE_TRY;
	state->root = strdup(root);
	state->folder.path = strdup(path);
	if (!state->root || !state->folder.path)
		return em_diag_enomem(diag);
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
	if (state->folder.fd >= 0)
		r = check_identity(state, diag);
	if (r)
		return r;
	*out = state;
	state = NULL;
	return 0;
}

int em_state_path(char path[PATH_MAX], const char *name, struct em_diag *diag)
{
	char folder[PATH_MAX];
	int rc = em_netns_folder(folder, ROOT);

	if (rc)
		return report_unknown(rc, diag);
	if (snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
		return em_diag_errno(diag, -ENAMETOOLONG, NULL, "%s", folder);
	return 0;
}

int em_state_open(struct em_state **out, enum em_state_mode mode, struct em_diag *diag)
{
	return em_state_open_at(out, ROOT, mode, diag);
}

/* A folder without a generation is removed together with the lock in it, see still_there(). */
static void remove_empty(const struct em_state *state)
{
	if (!em_folder_is_free(&state->folder))
		return;
	unlinkat(state->folder.fd, EM_FOLDER_PENDING, 0);
	unlinkat(state->folder.fd, EM_FOLDER_PENDING EM_FOLDER_HALF, 0);
	unlinkat(state->folder.fd, NAMESPACE, 0);
	unlinkat(state->folder.fd, LOCK, 0);
	/* The folder is not empty, and stays, if another run already uses it. */
	if (rmdir(state->folder.path) == 0)
		rmdir(state->root);
}

/*
 * Whether the namespace of a folder, net-INODE, is gone for certain: with an earlier boot, or since
 * then.
 */
static bool is_gone(const struct em_folder *folder, const char *name, const char *boot)
{
	FILE *file __attribute__((cleanup(fclosep))) =
		em_folder_open_file(folder, NULL, NAMESPACE, false);
	char found[sizeof(((struct em_netns *)0)->boot)];
	uint64_t cookie;
	uint32_t inode;

	if (!file || fscanf(file, "boot %36s cookie %" SCNu64, found, &cookie) != 2 ||
	    sscanf(name, EM_NETNS_PREFIX "%" SCNu32, &inode) != 1)
		return false;
	return strcmp(found, boot) != 0 || em_netns_is_gone(cookie, inode);
}

/* Keeps the folder if anything fails, or if a run holds its lock. */
static void sweep_folder(const struct em_state *state, const char *name, const char *boot)
{
	char path[PATH_MAX];
	struct em_state other = {.root = state->root, .folder = {.path = path}};
	int folder __attribute__((cleanup(closep))) = -1;
	int lock __attribute__((cleanup(closep))) = -1;
	struct em_diag_kept kept;

	if (snprintf(path, sizeof(path), "%s/%s", state->root, name) >= PATH_MAX ||
	    !strcmp(path, state->folder.path))
		return;
	folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return;
	lock = openat(folder, LOCK, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) || !still_there(folder, lock))
		return;
	other.folder.fd = folder;
	if (!is_gone(&other.folder, name, boot) || em_diag_keep(&kept))
		return;
	if (!em_folder_clean(&other.folder, (uint32_t[]){0}, &kept.diag))
		remove_empty(&other);
	free(em_diag_take_kept(&kept));
}

/* Removes the folders of namespaces that are gone. */
static void sweep_others(const struct em_state *state)
{
	DIR *dir __attribute__((cleanup(em_closedirp))) = opendir(state->root);
	const struct dirent *entry;
	struct em_netns ours;

	if (!dir || em_netns_read(&ours))
		return;
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, EM_NETNS_PREFIX, strlen(EM_NETNS_PREFIX)))
			sweep_folder(state, entry->d_name, ours.boot);
}

void em_state_close(struct em_state *state)
{
	if (!state)
		return;
	if (state->writes && state->lock >= 0) {
		sweep_others(state);
		remove_empty(state);
	}
	closep(&state->lock);
	closep(&state->folder.fd);
	free(state->folder.path);
	free(state->root);
	free(state);
}

void em_state_closep(struct em_state **state)
{
	em_state_close(*state);
}

const struct em_folder *em_state_folder(const struct em_state *state)
{
	return &state->folder;
}
