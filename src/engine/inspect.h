/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * inspect - what is in force in this network namespace, and whether all of it is in place.
 *
 * Reads the record of the apply and not its policy, so that it costs the same with a million
 * entities as with one.
 */
#ifndef EM_INSPECT_H
#define EM_INSPECT_H

#include <stdbool.h>

#include "engine/backend.h"
#include "host/obstacle.h"
#include "state/generation.h"

/* What keeps an interface that is in place from being sorted as it should, or is left of one. */
struct em_problem {
	char interface[IF_NAMESIZE];
	struct em_obstacle obstacle;
};

struct em_view {
	const struct em_backend_ops *ops; /* in force; NULL: the kernel has nothing of ours */
	struct em_kernel_state kernel;
	uint32_t generation;	 /* in force; or, gone from the kernel, the last one; 0: none */
	struct em_record record; /* of that one; its generation is 0 where nothing is known */
	/* An earlier generation whose counters the kernel still has; NULL and 0: none. */
	const struct em_backend_ops *older_ops;
	uint32_t older;
	bool leftovers;	 /* something of ours lies about besides, of a run that died perhaps */
	bool unreadable; /* something may be ours, and this process may not look at it */
	struct em_problem *problems; /* owned; see em_inspect_links() */
	size_t n_problems;
};

/* Returns 0 or -errno, reported; *out is cleared with em_inspect_clear() in any case. */
int em_inspect(struct em_view *out, struct em_state *state, struct em_diag *diag);
void em_inspect_clear(struct em_view *view);

/* Looks for problems of the interfaces in the record.  Returns 0 or -errno, reported. */
int em_inspect_links(struct em_view *view, struct em_diag *diag);

/*
 * Of those only the interfaces that have gone to another network namespace, where they keep the XDP
 * program.  Without CAP_SYS_ADMIN that cannot be seen, and is a warning where one is gone.  Returns
 * 0 or -errno, reported.
 */
int em_inspect_moved(struct em_view *view, struct em_diag *diag);

/* One attachment that was made is still there. */
bool em_inspect_has(const struct em_view *view, const struct em_attachment *made);

/* Something was applied, and not removed since. */
bool em_inspect_is_applied(const struct em_view *view);

/* Every attachment that was made is still there, and nothing else of ours. */
bool em_inspect_is_in_place(const struct em_view *view);

/* And there are no problems, as far as they have been looked for. */
bool em_inspect_is_whole(const struct em_view *view);

#endif
