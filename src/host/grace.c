/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/grace.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* MEMBARRIER_CMD_GLOBAL waits for an RCU grace period.  A kernel with nohz_full refuses it. */
void em_grace_wait(void)
{
	const struct timespec moment = {.tv_nsec = 100 * 1000 * 1000};

	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		nanosleep(&moment, NULL);
}
