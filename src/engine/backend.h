/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * backend - what a backend does, and which of them there are.
 *
 * A policy in the kernel is a *generation*, a number from 1 that everything installed for it
 * carries.  The kernel is the truth about which generation is in force; no handle outlives a
 * process.  Applying a policy is: prepare the next generation beside the current one, commit
 * (traffic goes over in one step), read the last counts of the old one, clean up.
 */
#ifndef EM_BACKEND_H
#define EM_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/plan.h"
#include "policy/stats.h"

/* Something for a person to see to. */
struct em_fault {
	char text[224];
};

/* What a backend finds of ours in the kernel. */
struct em_kernel_state {
	uint32_t generation;		   /* in force; 0: nothing */
	struct em_attachment *attachments; /* owned; those that carry this generation */
	size_t n_attachments;
	uint32_t older;	 /* an earlier generation whose counters can still be read; 0: none */
	bool leftovers;	 /* something else of ours lies about, of a run that died perhaps */
	bool incomplete; /* something is missing that this generation has besides attachments */
	/* What keeps packets from it, with the command that clears it; "": nothing is known to. */
	struct em_fault fault;
	bool unreadable; /* something may be ours, and this process may not look at it */
};

void em_kernel_state_clear(struct em_kernel_state *kernel);

struct em_prepared; /* a generation that waits for commit; each backend has its own */
struct em_counters; /* the counters of one generation, open for reading; likewise */

/* How far prepare goes; each goes on from where the one before has stopped. */
enum em_stage {
	EM_FORESEE, /* what EM_TRY would find, as far as that is to be had without side effects */
	EM_TRY,	    /* the plan stands; an interface may get something that leaves traffic alone */
	EM_BUILD,   /* all of the generation is in the kernel; traffic is untouched */
};

/* Called once per finding; place is that of the key. */
typedef void em_finding_fn(void *context, const struct em_place *place, const char *finding);

/* What a kernel has or lacks of what a backend is made of. */
struct em_feature {
	const char *name; /* static; one of entitymux(8) */
	bool available;
	char detail[256];   /* for a person */
	const char *remedy; /* static; the command that makes it available, or NULL */
};
typedef void em_feature_fn(void *context, const struct em_feature *feature);

/* Called for what others have on an interface; remedy is the command that takes it away, or NULL.
 */
typedef void em_other_fn(void *context, const char *what, const char *remedy);

/*
 * The operations of a backend.  All are mandatory.  Each returns 0 or -errno and reports to diag
 * what it returns; but `prepare` returns em_outcome_lacks(), unreported, where the kernel or a
 * driver lacks something, so that the next choice may be tried.
 */
struct em_backend_ops {
	const char *name; /* as a person knows it: "eBPF", "nftables" */

	/*
	 * What of the policy this backend cannot carry on every kernel, key by key, judged without
	 * asking the kernel.
	 */
	void (*check)(const struct em_policy *policy, em_finding_fn *found, void *context);

	/*
	 * Tries each feature with `sample`, a policy with one listener and one entity on lo.
	 * Called in a namespace that nobody else sees, see scratch.h.
	 */
	void (*features)(const struct em_policy *sample, em_feature_fn *found, void *context);

	/*
	 * What of others the packets of an interface meet; and what only a try tells about the
	 * interface is written to it.
	 */
	int (*survey)(struct em_link *link, em_other_fn *found, void *context,
		      struct em_diag *diag);

	/*
	 * Chooses a hook for each of the plan's attachments and goes as far as `stage`.  Called
	 * with EM_FORESEE alone; or with EM_TRY and then, if at all, with EM_BUILD.  *prepared is
	 * NULL at first; abort() ends it, also after a failure.  It refers to plan and outcome.
	 */
	int (*prepare)(struct em_prepared **prepared, struct em_plan *plan,
		       struct em_outcome *outcome, enum em_stage stage, struct em_diag *diag);
	/*
	 * Traffic of all interfaces goes over to the generation that was built, and from interfaces
	 * that are not in it no longer anywhere.  On failure the old one is in force as before.
	 */
	int (*commit)(struct em_prepared *prepared, struct em_diag *diag);
	/* Frees the handle (NULL: none), and what is in the kernel unless it was committed. */
	void (*abort)(struct em_prepared *prepared);

	/* What of ours is there.  A kernel without the feature has nothing: 0. */
	int (*inspect)(struct em_kernel_state *out, struct em_diag *diag);

	/* The counters of a generation, usable until closed, also after detach. */
	int (*open_counters)(struct em_counters **out, uint32_t generation, struct em_diag *diag);
	/* Adds them to stats, which is shaped like policy, the one of that generation. */
	int (*read_counters)(struct em_counters *counters, const struct em_policy *policy,
			     struct em_stats *stats, struct em_diag *diag);
	void (*close_counters)(struct em_counters *counters);

	/* No packet is handled by us any more; what was counted can still be read.  Idempotent. */
	int (*detach)(struct em_diag *diag);
	/*
	 * Removes all that carries our name but generation keep, and ends the conversations that
	 * its policy does not have.  0 and NULL: keep nothing.  Idempotent.
	 */
	int (*clean)(uint32_t keep, const struct em_policy *policy, struct em_diag *diag);
};

extern const struct em_backend_ops em_bpf_backend; /* bpf/backend.c */
extern const struct em_backend_ops em_nft_backend; /* nft/backend.c */

/* All of them, ended by NULL. */
extern const struct em_backend_ops *const em_backends[];

/* A way to carry a policy. */
struct em_choice {
	const struct em_backend_ops *ops;
	enum em_backend backend;
};

#define EM_CHOICES_MAX 4

/* What to try for a backend asked for, in order.  Returns how many; 0: not built in. */
size_t em_backend_choices(enum em_backend wanted, struct em_choice choices[EM_CHOICES_MAX]);

/*
 * Writes the policy as the ruleset of the nft backend, for `nft -f`; nft/ruleset.h.  The same as
 * that backend installs as this generation.  Writing is not checked.  Returns 0, or -ENOMEM,
 * reported.
 */
int em_nft_print_ruleset(FILE *out, const struct em_policy *policy, uint32_t generation,
			 struct em_diag *diag);

#endif
