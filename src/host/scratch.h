/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * scratch - a network namespace to try things in.
 *
 * What is made there no other program sees, its events included, and it is gone with the process
 * that made it.
 */
#ifndef EM_SCRATCH_H
#define EM_SCRATCH_H

#include <stddef.h>

/*
 * Calls work in a child process, in a network namespace that has only its lo, which is down.  The
 * child has a copy of all memory; what it writes to the size bytes of result, and only that, is
 * found there afterwards.  Returns 0 or -errno, unreported: -EPERM without CAP_SYS_ADMIN.
 */
int em_scratch_run(void (*work)(void *result, const void *context), void *result, size_t size,
		   const void *context);

/*
 * The same without CAP_SYS_ADMIN too: then in a user namespace as well, where the host has them for
 * everyone.  There the child may do all that concerns its network, and nothing else: no bpf(2).
 */
int em_scratch_run_anyone(void (*work)(void *result, const void *context), void *result,
			  size_t size, const void *context);

#endif
