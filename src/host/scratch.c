/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/scratch.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"

/* Much longer than any trial takes, also on an emulated machine. */
#define SECONDS_MAX 60

/* Returns 0 or an errno. */
static int leave(bool anyone)
{
	if (!unshare(CLONE_NEWNET))
		return 0;
	if (!anyone || errno != EPERM)
		return errno;
	return unshare(CLONE_NEWUSER | CLONE_NEWNET) ? errno : 0;
}

static void run_child(void (*work)(void *result, const void *context), void *result,
		      const void *context, bool anyone)
{
	sigset_t alarms;
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The parent may have blocked all signals. */
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarms, NULL);
	alarm(SECONDS_MAX);
	error = leave(anyone);
	if (error)
		_exit(error);
	work(result, context);
	_exit(0);
}

static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static int run(void (*work)(void *result, const void *context), void *result, size_t size,
	       const void *context, bool anyone)
{
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;
	int rc;

	if (shared == MAP_FAILED)
		return -errno;
	memcpy(shared, result, size);
	child = fork();
	if (!child)
		run_child(work, shared, context, anyone);
	rc = child < 0 ? -errno : wait_for(child);
	if (!rc)
		memcpy(result, shared, size);
	munmap(shared, size);
	return rc;
}

int em_scratch_run(void (*work)(void *result, const void *context), void *result, size_t size,
		   const void *context)
{
	return run(work, result, size, context, false);
}

int em_scratch_run_anyone(void (*work)(void *result, const void *context), void *result,
			  size_t size, const void *context)
{
	return run(work, result, size, context, true);
}

bool em_scratch_failed(int rc)
{
	return rc == -EIO || em_error_is_passing(rc);
}
