/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * scratch - a network namespace for trials.
 *
 * Other programs do not see what is made in it, nor its events.  It ends with the process that made
 * it.
 */
#ifndef EM_SCRATCH_H
#define EM_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Calls work in a child process, in a network namespace that only has lo, which is down.  The child
 * has a copy of all memory.  Only the size bytes of result are copied back.  Returns 0 or -errno,
 * unreported: -EPERM without CAP_SYS_ADMIN.
 */
int em_scratch_run(void (*work)(void *result, const void *context), void *result, size_t size,
		   const void *context);

/*
 * Like the function above, but also works without CAP_SYS_ADMIN where the host allows user
 * namespaces for everyone.  In one of these the child can do all that concerns its network, but not
 * use bpf(2).
 */
int em_scratch_run_anyone(void (*work)(void *result, const void *context), void *result,
			  size_t size, const void *context);

/*
 * Whether what one of the functions above returned is a failure: memory or descriptors are short,
 * or the child was killed.  Anything else but 0 means that this process may have no such namespace.
 */
bool em_scratch_failed(int rc);

#endif
