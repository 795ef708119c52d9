/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * inspect - what is in force in this network namespace, and whether it is complete.
 *
 * Reads the record of the apply but not its policy, so the cost does not depend on the number of
 * entities.
 */
#ifndef EM_INSPECT_H
#define EM_INSPECT_H

#include <stdbool.h>

#include "engine/backend.h"
#include "host/obstacle.h"
#include "state/generation.h"

/* Why an attached interface does not sort as it should, or what was left on one. */
struct em_problem {
	char interface[IF_NAMESIZE];
	struct em_obstacle obstacle;
};

struct em_view {
	const struct em_backend_ops
		*ops; /* backend in force; NULL: the kernel has nothing of ours */
	struct em_kernel_state kernel;
	uint32_t generation; /* generation in force or, if gone from the kernel, the last one; 0:
				none */
	struct em_record
		record; /* record of that generation; record.generation is 0 where none is known */
	/* An earlier generation whose counters the kernel still has; NULL and 0: none. */
	const struct em_backend_ops *older_ops;
	uint32_t older;
	bool leftovers;	 /* other leftovers of ours exist, for example of a run that died */
	bool unreadable; /* objects exist that may be ours and that this process may not read */
	struct em_problem *problems; /* owned; see em_inspect_links() */
	size_t n_problems;
};

/* Returns 0 or -errno, reported; *out is cleared with em_inspect_clear() in any case. */
int em_inspect(struct em_view *out, struct em_state *state, struct em_diag *diag);
void em_inspect_clear(struct em_view *view);

/* Looks for problems of the interfaces in the record.  Returns 0 or -errno, reported. */
int em_inspect_links(struct em_view *view, struct em_diag *diag);

/*
 * Looks only for interfaces that were moved to another network namespace, where they keep the XDP
 * program.  Without CAP_SYS_ADMIN they cannot be found; then a missing interface gives a warning.
 * Returns 0 or -errno, reported.
 */
int em_inspect_moved(struct em_view *view, struct em_diag *diag);

/* At least one attachment of the record is still in place. */
bool em_inspect_has(const struct em_view *view, const struct em_attachment *made);

/* A policy was applied and not removed since. */
bool em_inspect_is_applied(const struct em_view *view);

/* All attachments of the record are in place, and there are no leftovers of ours. */
bool em_inspect_is_in_place(const struct em_view *view);

/* As em_inspect_is_in_place(), and no problems of the interfaces were found so far. */
bool em_inspect_is_whole(const struct em_view *view);

#endif
