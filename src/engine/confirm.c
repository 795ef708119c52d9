/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/confirm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/remove.h"
#include "engine/resolve.h"

#define GUARD_MS    10000 /* for the process that waits to start, on a busy host */
#define SYSTEMD_RUN "/usr/bin/systemd-run"
#define WAKE_MS	    500 /* to see that it was confirmed */
#define ATTEMPTS    3	/* to undo, one a second */

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static bool waits(const struct em_view *view)
{
	return view->pending.generation != 0;
}

int em_confirm_allows(const struct em_view *view, const struct em_transaction *t)
{
	if ((t->undoes && view->generation != t->undoes) ||
	    (t->heals && view->generation != t->heals))
		return em_diag_error(t->diag, -ESTALE, NULL,
				     "another policy has come into force meanwhile");
	if (t->due && !waits(view))
		return em_diag_error(t->diag, -ECANCELED, NULL,
				     "the policy in force was confirmed meanwhile");
	/* It has been reported, with what is to be done. */
	if (!t->undoes && view->pending.damaged)
		return em_diag_error(t->diag, -EBUSY, NULL,
				     "whether the policy in force waits for confirmation is not "
				     "known");
	if (!t->undoes && waits(view))
		return em_diag_error(t->diag, -EBUSY, NULL,
				     "the policy in force waits for confirmation; decide about it "
				     "first: entitymux confirm, or entitymux rollback");
	return 0;
}

/*
 * Starts a program with nothing of ours: no descriptor, no terminal, no blocked signal.  Returns 0
 * or -errno.
 */
static int spawn(pid_t *child, const char *path, char *const *argv)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int error;

	if (posix_spawn_file_actions_init(&actions) || posix_spawnattr_init(&attributes))
		return -ENOMEM;
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
	error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
	for (int fd = STDOUT_FILENO; !error && fd <= STDERR_FILENO; fd++)
		error = posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, fd);
	if (!error)
		error = posix_spawn(child, path, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

static bool shares(const char *namespace)
{
	char ours[64], theirs[64];
	struct stat a, b;

	snprintf(ours, sizeof(ours), "/proc/self/ns/%s", namespace);
	snprintf(theirs, sizeof(theirs), "/proc/1/ns/%s", namespace);
	return !stat(ours, &a) && !stat(theirs, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A unit of systemd would see the same network and the same files as we do. */
static bool has_systemd(void)
{
	return !access("/run/systemd/system", F_OK) && !access(SYSTEMD_RUN, X_OK) &&
	       shares("net") && shares("mnt");
}

/*
 * As a unit of its own: systemd ends the processes of a session or of a service with it, and starts
 * this one again if it is killed.
 */
static int spawn_unit(void)
{
	static char run[] = "systemd-run", quiet[] = "--quiet", collect[] = "--collect",
		    description[] = "--description=Undo what nobody confirms, see entitymux(8)",
		    restart[] = "--property=Restart=on-abnormal", name[] = "rollback",
		    option[] = "--when-due";
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *const argv[] = {run, quiet, collect, description, restart, self, name, option, NULL};
	int rc, status;
	pid_t child;

	if (length < 0)
		return -errno;
	self[length] = '\0';
	rc = spawn(&child, SYSTEMD_RUN, argv);
	while (!rc && waitpid(child, &status, 0) < 0)
		rc = errno == EINTR ? 0 : -errno;
	return rc ? rc : status ? -ECHILD : 0;
}

static int spawn_process(void)
{
	static char name[] = "entitymux", command[] = "rollback", option[] = "--when-due";
	char *const argv[] = {name, command, option, NULL};
	pid_t child;

	return spawn(&child, "/proc/self/exe", argv);
}

/* Until the process that was started holds its lock. */
static int wait_for_guard(struct em_state *state, struct em_diag *diag)
{
	uint64_t end = em_pending_now() + GUARD_MS;
	struct em_pending pending;
	int rc;

	do {
		rc = em_pending_read(&pending, state, diag);
		if (rc || pending.guarded)
			return rc;
		sleep_ms(1);
	} while (em_pending_now() < end);
	return em_diag_error(diag, -ETIMEDOUT, NULL,
			     "the process that would undo the apply does not start");
}

int em_confirm_begin(struct em_state *state, uint32_t generation, unsigned int seconds,
		     struct em_diag *diag)
{
	struct em_pending pending = {.generation = generation,
				     .deadline = em_pending_now() + seconds * 1000ULL};
	bool unit = has_systemd();
	int rc = em_pending_write(state, &pending, diag);

	if (rc)
		return rc;
	rc = unit ? spawn_unit() : spawn_process();
	if (rc)
		em_diag_errno(diag, rc, NULL, "cannot start the %s that would undo the apply",
			      unit ? "systemd unit" : "process");
	else
		rc = wait_for_guard(state, diag);
	if (rc)
		(void)em_pending_remove(state, diag);
	return rc;
}

static int nothing_waits(const struct em_view *view, struct em_diag *diag)
{
	if (!em_inspect_is_applied(view))
		return em_diag_error(diag, -ENOENT, NULL, "nothing is applied");
	if (view->record.undoes)
		return em_diag_error(
			diag, -ENOENT, NULL,
			"nothing waits for confirmation: the apply of %s was undone at "
			"%s",
			view->record.undoes, view->record.applied_at);
	return em_diag_error(diag, -ENOENT, NULL, "nothing waits for confirmation");
}

int em_confirm(struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_view view __attribute__((cleanup(em_inspect_clear))) = {0};
	int rc = em_state_open(&state, EM_STATE_WRITE, diag);

	if (!rc)
		rc = em_inspect(&view, state, diag);
	if (rc)
		return rc;
	return waits(&view) ? em_pending_remove(state, diag) : nothing_waits(&view, diag);
}

void em_rollback_clear(struct em_rollback *rollback)
{
	em_transaction_clear(&rollback->change);
	em_policy_free(rollback->policy);
	em_record_clear(&rollback->record);
	free(rollback->undone);
}

/* What was in force before: its policy, and by which configuration and backend. */
static int find_earlier(struct em_rollback *out, struct em_state *state, uint32_t generation,
			struct em_diag *diag)
{
	int rc = em_generation_load_record(state, generation, &out->record, diag);

	if (!rc)
		rc = em_generation_load_policy(state, generation, &out->policy, diag);
	if (rc)
		return rc;
	if (!out->policy || !out->record.generation)
		return em_diag_error(diag, -EIO, NULL,
				     "the policy that was in force before is not known");
	out->change.wanted = out->record.wanted;
	out->change.keeps = &out->record;
	return em_resolve_again(out->policy, &out->record, diag);
}

/* What to undo, and how.  out->undone stays NULL where there is nothing to do any more. */
static int prepare(struct em_rollback *out, uint32_t due, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_view view __attribute__((cleanup(em_inspect_clear))) = {0};
	int rc = em_state_open(&state, EM_STATE_READ, diag);

	if (!rc)
		rc = em_inspect(&view, state, diag);
	if (rc || (due && view.pending.generation != due))
		return rc;
	if (!em_inspect_is_applied(&view))
		return em_diag_error(diag, -ENOENT, NULL, "nothing is applied");
	if (!view.record.generation)
		return em_diag_error(diag, -EIO, NULL,
				     "what the last apply has replaced is not known");
	if (view.record.replaces)
		rc = find_earlier(out, state, view.record.replaces, diag);
	if (rc)
		return rc;
	out->change.undoes = view.generation;
	out->change.restores = view.record.replaces;
	out->undone = view.record.config;
	view.record.config = NULL;
	return 0;
}

int em_rollback(struct em_rollback *out, uint32_t due, struct em_diag *diag)
{
	int rc;

	*out = (struct em_rollback){0};
	rc = prepare(out, due, diag);
	if (rc || !out->undone)
		return rc;
	if (!out->policy)
		return em_remove(out->change.undoes, due != 0, diag);
	out->change.policy = out->policy;
	out->change.config = out->record.config;
	out->change.due = due != 0;
	return em_transaction_apply(&out->change, diag);
}

/*
 * What was inherited could keep a connection or a file of whoever typed the apply.  Where /proc
 * does not tell what there is, it stays: the undo matters more.
 */
static void close_others(int ours)
{
	DIR *dir __attribute__((cleanup(em_closedirp))) = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != ours && fd != dirfd(dir))
			close(fd);
	}
}

/*
 * So that `status` can say it.  The lock is on the older file, and is given up with this process.
 * False where it was confirmed meanwhile, or undone: then there is no failure.
 */
static bool note_failure(const struct em_pending *pending, int fd, const char *text)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_pending failed = *pending;
	struct em_diag_kept kept;
	bool is_there = true;

	if (em_diag_keep(&kept))
		return true;
	snprintf(failed.failed, sizeof(failed.failed), "%s", text);
	failed.failed[strcspn(failed.failed, "\n")] = '\0';
	if (!em_state_open(&state, EM_STATE_WRITE, &kept.diag)) {
		is_there = em_pending_is_there(fd);
		if (is_there)
			(void)em_pending_write(state, &failed, &kept.diag);
	}
	free(em_diag_take_kept(&kept));
	return is_there;
}

/* That it was undone is not assumed. */
static int verify(const struct em_rollback *rollback, struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_view view __attribute__((cleanup(em_inspect_clear))) = {0};
	int rc = em_state_open(&state, EM_STATE_READ, diag);

	if (!rc)
		rc = em_inspect(&view, state, diag);
	if (rc || !rollback->undone)
		return rc;
	if (rollback->policy ? em_inspect_is_in_place(&view) : !em_inspect_is_applied(&view))
		return 0;
	return em_diag_error(diag, -EIO, NULL, "what was in force before is not in place again");
}

/*
 * Returns 0 or -errno; the messages are in *text, for the caller to free.  *undone: it is, but
 * perhaps not as it should be.
 */
static int undo(uint32_t generation, bool *undone, char **text)
{
	struct em_rollback rollback;
	struct em_diag_kept kept;
	int rc = em_diag_keep(&kept);

	*undone = false;
	if (rc)
		return rc;
	rc = em_rollback(&rollback, generation, &kept.diag);
	*undone = !rc && rollback.undone;
	if (!rc)
		rc = verify(&rollback, &kept.diag);
	if (!rc && rollback.undone)
		syslog(LOG_WARNING, "nobody confirmed the policy of %s: %s%s", rollback.undone,
		       rollback.record.config ? "in force again: that of " : "nothing is applied",
		       rollback.record.config ? rollback.record.config : "");
	em_rollback_clear(&rollback);
	free(*text);
	*text = em_diag_take_kept(&kept);
	return rc;
}

int em_confirm_wait(struct em_diag *diag)
{
	char *text __attribute__((cleanup(em_freep))) = NULL;
	struct em_pending pending;
	uint64_t left;
	bool undone;
	int fd = -1, rc = em_pending_guard(&fd, &pending, diag);

	if (rc == -ENOENT)
		return em_diag_error(diag, rc, NULL, "nothing waits for confirmation");
	if (rc)
		return rc;
	close_others(fd);
	if (chdir("/"))
		return em_diag_errno(diag, -errno, NULL, "/");
	openlog("entitymux", LOG_PID, LOG_DAEMON);
	while (em_pending_is_there(fd) && (left = em_pending_left(&pending)))
		sleep_ms(left < WAKE_MS ? (long)left : WAKE_MS);
	if (!em_pending_is_there(fd))
		return 0;
	for (int i = 0; i < ATTEMPTS; i++) {
		/* Where it was confirmed meanwhile, the next attempt has nothing to do. */
		rc = undo(pending.generation, &undone, &text);
		if (!rc)
			return 0;
		if (undone)
			break;
		sleep_ms(1000);
	}
	if (!undone && !note_failure(&pending, fd, text ? text : strerror(-rc)))
		return 0;
	syslog(LOG_ERR, "nobody confirmed the policy in force, and the undo failed: %s",
	       text ? text : strerror(-rc));
	return em_diag_error(diag, rc, NULL, "cannot undo the apply: %s",
			     text ? text : strerror(-rc));
}
