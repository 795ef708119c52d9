/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/rig_parts.h"

#define CHANNEL 200  /* the descriptor over which the listener comes to us */
#define NUMBERS 1024 /* more than there are system calls */

/* One run. */
struct run {
	struct inject *inject;
	pid_t child;
	int listener;
	bool executed; /* execve() has been made */
	uint64_t loader, loader_end;
	unsigned int same[NUMBERS];
};

#define ARGUMENT(i) (offsetof(struct seccomp_data, args) + (i) * sizeof(uint64_t))
#define LOW_HALF    (__BYTE_ORDER == __BIG_ENDIAN ? 4 : 0)
#define LOAD(at)    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define RETURN(x)   BPF_STMT(BPF_RET | BPF_K, x)

/* All calls but the end of a process, and the one that hands over the listener. */
static int listen_to_calls(void)
{
	struct sock_filter filter[] = {
		LOAD(offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 0, 3),
		LOAD(ARGUMENT(0) + LOW_HALF),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CHANNEL, 0, 1),
		RETURN(SECCOMP_RET_ALLOW),
		RETURN(SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

/* One descriptor over a socket: sends it where fd >= 0, else returns the one that comes. */
static int hand_over(int channel, int fd)
{
	char nothing = 0, control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
	struct iovec part = {.iov_base = &nothing, .iov_len = 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (fd < 0) {
		if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1 || !message.msg_controllen)
			rig_die("seccomp listener");
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
		return fd;
	}
	*header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
				   .cmsg_type = SCM_RIGHTS,
				   .cmsg_len = CMSG_LEN(sizeof(fd))};
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(channel, &message, 0) == 1 ? 0 : -1;
}

static void __attribute__((noreturn))
execute(const struct inject *inject, int out, int err, const char *const *argv)
{
	int listener;

	/* A program is known by who has loaded it, whatever has become of its name. */
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0 ||
	    setresuid(inject->uid, (uid_t)-1, (uid_t)-1))
		_exit(126);
	listener = listen_to_calls();
	if (listener < 0 || hand_over(CHANNEL, listener))
		_exit(126);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void start(struct run *run, int out, int err, const char *const *argv)
{
	int channel[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) ||
	    dup3(channel[1], CHANNEL, O_CLOEXEC) < 0)
		rig_die("socketpair");
	fflush(NULL);
	run->child = fork();
	if (run->child < 0)
		rig_die("fork");
	if (!run->child)
		execute(run->inject, out, err, argv);
	close(CHANNEL);
	close(channel[1]);
	run->listener = hand_over(channel[0], -1);
	close(channel[0]);
}

/* The first call after execve() is the loader's, if there is one. */
static void find_loader(struct run *run, pid_t pid, uint64_t address)
{
	unsigned long begin, end;
	char path[64], line[512];
	FILE *maps;

	run->loader = 1;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx", &begin, &end) == 2 && begin <= address &&
		    address < end && strstr(line, "/ld")) {
			run->loader = begin;
			run->loader_end = end;
		}
	if (maps)
		fclose(maps);
}

/* Not the loader's. */
static bool is_of_command(struct run *run, const struct seccomp_notif *call)
{
	uint64_t address = call->data.instruction_pointer;

	if (!run->executed) {
		run->executed = call->data.nr == SYS_execve;
		return false;
	}
	if (!run->loader)
		find_loader(run, (pid_t)call->pid, address);
	return address < run->loader || address >= run->loader_end;
}

static void note(struct inject *inject, const struct inject_call *call)
{
	size_t n = inject->n_calls;

	if ((n & (n - 1)) == 0)
		inject->calls = reallocarray(inject->calls, n ? 2 * n : 1, sizeof(*inject->calls));
	if (!inject->calls)
		rig_die("memory");
	inject->calls[inject->n_calls++] = *call;
}

/*
 * close() of Linux lets go of the file also where it fails, and with it of the locks.  Nothing can
 * be closed in another process, but something else can take its place (Linux 5.9).
 */
static void let_go(const struct run *run, const struct seccomp_notif *notice)
{
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct seccomp_notif_addfd place = {.id = notice->id,
					    .flags = SECCOMP_ADDFD_FLAG_SETFD,
					    .srcfd = (uint32_t)nothing,
					    .newfd = (uint32_t)notice->data.args[0],
					    .newfd_flags = O_CLOEXEC};

	if (nothing < 0 || ioctl(run->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &place) < 0)
		rig_die("take the place of what is closed");
	close(nothing);
}

static void answer(struct run *run, const struct seccomp_notif *notice)
{
	struct seccomp_notif_resp response = {.id = notice->id,
					      .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
	struct inject_call call = {.number = notice->data.nr,
				   .nth = ++run->same[(unsigned int)notice->data.nr % NUMBERS]};
	struct inject *inject = run->inject;

	if (is_of_command(run, notice))
		note(inject, &call);
	if (call.number == inject->at.number && call.nth == inject->at.nth) {
		inject->reached = true;
		if (inject->error == INJECT_KILL) {
			/* A call that nobody answers is not made. */
			kill(run->child, SIGKILL);
			return;
		}
		if (call.number == SYS_close)
			let_go(run, notice);
		response.flags = 0;
		response.error = -inject->error;
	}
	/* Who waits for the answer may have been killed. */
	if (ioctl(run->listener, SECCOMP_IOCTL_NOTIF_SEND, &response) && errno != ENOENT)
		rig_die("seccomp answer");
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until the last process of the command is gone. */
static void supervise(struct run *run)
{
	const int64_t end = milliseconds() + INJECT_SECONDS * 1000;
	struct pollfd wait = {.fd = run->listener, .events = POLLIN};

	for (;;) {
		int64_t left = end - milliseconds();
		struct seccomp_notif call = {0};

		if (poll(&wait, 1, left > 0 ? (int)left : 0) == 0) {
			run->inject->hung = true;
			kill(run->child, SIGKILL);
			break;
		}
		if (!(wait.revents & POLLIN))
			break;
		if (!ioctl(run->listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
			answer(run, &call);
		else if (errno != ENOENT && errno != EINTR)
			rig_die("seccomp notification");
	}
	close(run->listener);
}

static char *contents(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, size + 1);

	if (!text || pread(fd, text, size, 0) != size)
		rig_die("output of a command");
	close(fd);
	return text;
}

void inject_run(struct inject *inject, const char *const *argv)
{
	struct run run = {.inject = inject};
	int out = memfd_create("stdout", MFD_CLOEXEC), err = memfd_create("stderr", MFD_CLOEXEC);
	int status;

	if (out < 0 || err < 0)
		rig_die("memfd");
	start(&run, out, err, argv);
	supervise(&run);
	while (waitpid(run.child, &status, 0) < 0)
		if (errno != EINTR)
			rig_die("waitpid");
	inject->status = WIFEXITED(status) ? WEXITSTATUS(status) : INJECT_SIGNAL + WTERMSIG(status);
	inject->out = contents(out);
	inject->err = contents(err);
}

void inject_clear(struct inject *inject)
{
	free(inject->calls);
	free(inject->out);
	free(inject->err);
	*inject = (struct inject){0};
}
