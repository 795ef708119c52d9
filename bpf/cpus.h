/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * cpus - the numbers of the CPUs.
 */
#ifndef EM_CPUS_H
#define EM_CPUS_H

/*
 * One more than the highest number that a CPU of this machine may have, also one that is still to
 * come; or -errno, unreported.  libbpf_num_possible_cpus() leaves numbers out that no CPU has.
 */
int em_cpus_count(void);

#endif
