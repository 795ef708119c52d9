/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * inject - runs a command and lets one of its system calls fail, or kills the command instead of
 * it.
 *
 * Each system call of the command and of its children is reported by seccomp_unotify(2) (Linux 5.9,
 * for SECCOMP_IOCTL_NOTIF_ADDFD), whatever the architecture.
 */
#ifndef FAULTS_INJECT_H
#define FAULTS_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define INJECT_KILL    (-1)  /* instead of an errno: SIGKILL before the call is made */
#define INJECT_SECONDS 20    /* a command that takes longer hangs, and is killed */
#define INJECT_SIGNAL  0x100 /* added to `status` where the command was killed */

/* The nth call with this number, from 1, among all of the command and its children. */
struct inject_call {
	int number; /* __NR_… */
	unsigned int nth;
};

struct inject {
	struct inject_call at; /* nth 0: none fails */
	int error;	       /* errno, or INJECT_KILL */
	uid_t uid;	       /* real uid of the command; its effective one stays */

	struct inject_call *calls; /* out, owned: in their order, without those of the loader */
	size_t n_calls;
	bool reached; /* `at` was made */
	bool hung;
	int status; /* exit status, or INJECT_SIGNAL and the signal */
	char *out;  /* what was printed, owned */
	char *err;
};

/* argv[0] is a path.  What cannot be done is printed, and ends the program. */
void inject_run(struct inject *inject, const char *const *argv);
void inject_clear(struct inject *inject);

#endif
