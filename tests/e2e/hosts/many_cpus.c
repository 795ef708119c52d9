/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * many_cpus - entitymux as on a machine with so many CPUs that they share the counters of entities.
 *
 * Linked with --wrap.
 */
#include "bpf/cpus.h"

__attribute__((used)) int __wrap_em_cpus_count(void);

int __wrap_em_cpus_count(void)
{
	return 60000;
}
