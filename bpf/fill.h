/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fill - a policy into the maps of its programs; compile.h makes the keys and values.
 */
#ifndef EM_FILL_H
#define EM_FILL_H

#include <bpf/libbpf.h>
#include <stddef.h>

#include "compile.h"
#include "policy.h"

/* Before the maps are made.  Returns 0 or -errno, unreported. */
int em_fill_set_sizes(const struct bpf_object *object, const struct em_policy *policy,
		      size_t n_steps);

/* Once they are.  Returns 0 or -errno, unreported. */
int em_fill_maps(const struct bpf_object *object, const struct em_policy *policy,
		 const struct em_compiled_steps *steps);

#endif
