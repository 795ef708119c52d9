// SPDX-License-Identifier: GPL-2.0-or-later
#include "scratch.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Much longer than any of it takes, on an emulated machine too. */
#define SECONDS_MAX 60

static void run_child(void (*work)(void *result, const void *context), void *result,
		      const void *context)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(SECONDS_MAX);
	if (unshare(CLONE_NEWNET))
		_exit(errno);
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

int em_scratch_run(void (*work)(void *result, const void *context), void *result, size_t size,
		   const void *context)
{
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;
	int rc;

	if (shared == MAP_FAILED)
		return -errno;
	memcpy(shared, result, size);
	child = fork();
	if (!child)
		run_child(work, shared, context);
	rc = child < 0 ? -errno : wait_for(child);
	if (!rc)
		memcpy(result, shared, size);
	munmap(shared, size);
	return rc;
}
