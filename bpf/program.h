/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * program - a policy as a loaded program with filled maps, not attached to anything yet.
 */
#ifndef EM_PROGRAM_H
#define EM_PROGRAM_H

#include <stdint.h>

#include "datapath.h"

struct em_program;

/*
 * Loads the policy as a generation for the interfaces of the plan.  *out is freed with
 * em_program_free().  Returns 0; em_plan_lacks() where the kernel cannot load any such program;
 * or -errno, reported.
 */
int em_program_load(struct em_program **out, const struct em_policy *policy, struct em_plan *plan,
		    uint32_t generation, struct em_diag *diag);
void em_program_free(struct em_program *program);

/* The descriptor to attach; owned by the program. */
int em_program_fd(const struct em_program *program);

#endif
