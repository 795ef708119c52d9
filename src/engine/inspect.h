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
#include "state/pending.h"

/* Why an attached interface does not sort as it should, or what was left on one. */
struct em_problem {
	char interface[IF_NAMESIZE];
	struct em_obstacle obstacle;
};

/* Whether a configuration is what is in force; not known as long as nobody asks. */
enum em_view_config { EM_VIEW_CONFIG_UNKNOWN, EM_VIEW_CONFIG_SAME, EM_VIEW_CONFIG_OTHER };

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
	bool hidden;	 /* see em_inspect_moved() */
	struct em_pending pending;   /* the apply of that generation waits for confirmation */
	enum em_view_config config;  /* see em_inspect_config() */
	bool abandoned;		     /* that generation copies packets, and nobody reads them */
	struct em_problem *problems; /* owned; see em_inspect_links() */
	size_t n_problems;
	struct em_ports *unattended; /* owned; NULL: not known; see em_inspect_sockets() */
};

/* Returns 0 or -errno, reported; *out is cleared with em_inspect_clear() in any case. */
int em_inspect(struct em_view *out, struct em_state *state, struct em_diag *diag);
void em_inspect_clear(struct em_view *view);

/*
 * Looks for problems of the interfaces in the record, of which one is that it does not have to wait
 * any more.  Returns 0 or -errno, reported.
 */
int em_inspect_links(struct em_view *view, struct em_diag *diag);

/*
 * Looks for ports that the policy in the record sorts to, and that no socket has.  Returns 0 or
 * -errno, reported.
 */
int em_inspect_sockets(struct em_view *view, struct em_diag *diag);

/*
 * Looks only for interfaces that were moved to another network namespace, where they keep the XDP
 * program.  Where one is missing, and this process may not look into all namespaces, there is a
 * warning, and view->hidden.  Returns 0 or -errno, reported.
 */
int em_inspect_moved(struct em_view *view, struct em_diag *diag);

/*
 * Whether this policy, read and resolved, is the one in force, and asks for the same backend.  This
 * alone reads the policy in force.  Returns 0 or -errno, reported.
 */
int em_inspect_config(struct em_view *view, struct em_state *state, const struct em_policy *policy,
		      struct em_diag *diag);

/* The command that puts what is applied in its place again, with its live edits. */
void em_inspect_remedy(const struct em_record *record, char *text, size_t size);

/* At least one attachment of the record is still in place. */
bool em_inspect_has(const struct em_view *view, const struct em_attachment *made);

/* A policy was applied and not removed since. */
bool em_inspect_is_applied(const struct em_view *view);

/* All its interfaces are waited for: the kernel has nothing of it, as it should be. */
bool em_inspect_is_waiting(const struct em_view *view);

/*
 * It waits for confirmation, and nothing will undo it, or that was tried and failed; or whether it
 * waits is not known.
 */
bool em_inspect_is_unguarded(const struct em_view *view);

/* All attachments of the record are in place, and there are no leftovers of ours. */
bool em_inspect_is_in_place(const struct em_view *view);

/*
 * As em_inspect_is_in_place(), and neither problems of the interfaces were found so far nor is it
 * unguarded or abandoned.
 */
bool em_inspect_is_whole(const struct em_view *view);

#endif
