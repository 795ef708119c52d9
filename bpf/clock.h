/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * clock - what a program can read the time from.
 */
#ifndef EM_BPF_CLOCK_H
#define EM_BPF_CLOCK_H

/*
 * Whether the kernel has bpf_jiffies64() (Linux 5.5), tried with a program.  Returns 1, 0 or
 * -errno, unreported.
 */
int em_clock_try_jiffies(void);

#endif
