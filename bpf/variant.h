/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * variant - the programs are built several times, see kernel/maps.bpf.h: which ones this kernel may
 * take, and what they can do.
 */
#ifndef EM_BPF_VARIANT_H
#define EM_BPF_VARIANT_H

#include <stdint.h>

#include "bpf/abi.h"
#include "engine/plan.h"

/* In the order in which they are tried. */
enum em_variant {
	EM_VARIANT_FULL,     /* Linux 5.6, with BTF of the kernel */
	EM_VARIANT_PLAIN,    /* Linux 5.3: loops */
	EM_VARIANT_UNROLLED, /* Linux 4.16: ingress_ifindex of XDP; 4.15: names of programs */
	EM_VARIANTS
};

/*
 * Loads a program that does what all of ours do.  Returns the first variant to try, EM_VARIANTS
 * where the kernel takes none, or -errno, unreported; -EAGAIN: libbpf has lost the name.
 */
int em_variant_find(void);

/* Slots that a search of the variant may look at, see table.h. */
uint32_t em_variant_probes(enum em_variant variant);

/* Whether the variant can do what the policy needs.  Returns 0 or em_outcome_lacks(). */
int em_variant_check(enum em_variant variant, const struct em_abi_constants *constants,
		     const struct em_policy *policy, struct em_outcome *outcome);

#endif
