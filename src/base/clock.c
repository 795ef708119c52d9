/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "base/clock.h"

#include <time.h>

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now = {0};

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * EM_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t em_clock_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t em_clock_wall(void)
{
	return read_clock(CLOCK_REALTIME);
}
