/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * refuse - run a command for which the kernel has no bpf(2), or does not permit it.
 *
 *	refuse ENOSYS|EPERM COMMAND [ARGUMENT...]
 *
 * The first is how a kernel without CONFIG_BPF_SYSCALL answers, the second is what a container or a
 * process without the capability sees.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_USAGE	2
#define EXIT_CANNOT_RUN 125

static int parse(const char *name)
{
	if (!strcmp(name, "ENOSYS"))
		return ENOSYS;
	return !strcmp(name, "EPERM") ? EPERM : 0;
}

/*
 * The command and this program are of one architecture, so that the number alone tells the system
 * call.
 */
static int refuse_bpf(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return -errno;
	return 0;
}

int main(int argc, char **argv)
{
	int error = argc > 2 ? parse(argv[1]) : 0, rc;

	if (!error) {
		fprintf(stderr, "usage: refuse ENOSYS|EPERM COMMAND [ARGUMENT...]\n");
		return EXIT_USAGE;
	}
	rc = refuse_bpf(error);
	if (rc) {
		fprintf(stderr, "refuse: seccomp: %s\n", strerror(-rc));
		return EXIT_CANNOT_RUN;
	}
	execvp(argv[2], argv + 2);
	fprintf(stderr, "refuse: %s: %s\n", argv[2], strerror(errno));
	return EXIT_CANNOT_RUN;
}
