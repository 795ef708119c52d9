/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * datapath - what a backend has to be able to do, and the choice between backends.
 *
 * A policy in the kernel is a *generation*, a number from 1 that everything installed for it
 * carries.  The kernel is the truth about which generation is in force; no handle outlives a
 * process.  Applying a policy is: prepare the next generation beside the current one, commit
 * (traffic goes over in one step), read the last counts of the old one, clean up.
 */
#ifndef EM_DATAPATH_H
#define EM_DATAPATH_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/hook.h"
#include "host/link.h"
#include "policy/policy.h"
#include "policy/stats.h"

/* Which hook each interface of a policy gets. */
struct em_plan {
	const struct em_backend_ops *datapath;
	/*
	 * What carries it; EM_BACKEND_AUTO, where each interface gets the hook that suits it best,
	 * until em_plan_settle().
	 */
	enum em_backend backend;
	char reason[512];	       /* why this backend, for a person */
	char lacking[256];	       /* what made an operation return -EM_EUNSUPPORTED */
	struct em_place lacking_place; /* the key it is about, if it is about one */
	bool outdated; /* what is installed was made for another MTU, and is not to stay */
	struct em_attachment *attachments; /* owned; one per interface, in the policy's order */
	struct em_link *links;		   /* owned; the same interfaces */
	size_t n_attachments;
};

/* Something for a person to see to. */
struct em_fault {
	char text[224];
};

/* What a backend finds of ours in the kernel. */
struct em_kernel_state {
	uint32_t generation;		   /* in force; 0: nothing */
	struct em_attachment *attachments; /* owned; those that carry this generation */
	size_t n_attachments;
	/*
	 * Something else of ours lies about: leftovers of a run that died, an interface that
	 * carries another generation.
	 */
	bool leftovers;
	bool incomplete; /* something is missing that this generation has besides */
	/* What keeps packets from it, with the command that clears it; "": nothing is known to. */
	struct em_fault fault;
	bool unreadable; /* there is something that this process may not look at, and that may be
			    ours */
};

void em_plan_clear(struct em_plan *plan);
/* Adds to the reason. */
void em_plan_note(struct em_plan *plan, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Writes what is lacking to the plan; place may be NULL.  Returns -EM_EUNSUPPORTED. */
int em_plan_lacks(struct em_plan *plan, const struct em_place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Where each interface has its hook, EM_BACKEND_AUTO becomes the fastest backend among them. */
void em_plan_settle(struct em_plan *plan);
void em_kernel_state_clear(struct em_kernel_state *installed);

struct em_prepared; /* a generation that waits for commit; each backend has its own */
struct em_counters; /* the counters of one generation, open for reading */

/* Called once per finding; place is that of the key. */
typedef void em_review_fn(void *context, const struct em_place *place, const char *finding);

/* What a kernel has or lacks of what a backend is made of. */
struct em_feature {
	const char *name; /* static; one of entitymux(8) */
	bool available;
	char detail[256];   /* for a person */
	const char *remedy; /* static; the command that makes it available, or NULL */
};
typedef void em_feature_fn(void *context, const struct em_feature *feature);

/* Called for something of somebody else's; remedy is the command that takes it away, or NULL. */
typedef void em_other_fn(void *context, const char *what, const char *remedy);

/*
 * The operations of a backend.  All are mandatory.  Each returns 0 or -errno and reports to diag
 * what it returns; with one exception: `check_host`, `reserve` and `prepare` return
 * em_plan_lacks(), unreported, where the kernel or a driver lacks something, so that the next
 * choice may be tried.
 */
struct em_backend_ops {
	const char *name; /* as a person knows it: "eBPF", "nftables" */

	/*
	 * What of the policy this backend cannot carry on every kernel, key by key, judged without
	 * asking the kernel.
	 */
	void (*review)(const struct em_policy *policy, em_review_fn *found, void *context);

	/*
	 * Whether this host can carry the policy over plan->backend, found by trying, as far as
	 * that goes without side effects.  Fills in the hooks of plan->attachments.
	 */
	int (*check_host)(const struct em_policy *policy, struct em_plan *plan,
			  struct em_diag *diag);

	/*
	 * Finds out what reserve would, as far as that goes without side effects, and writes it to
	 * links[n], from which check_host takes it.
	 */
	int (*foresee)(struct em_link *links, size_t n, struct em_diag *diag);

	/*
	 * Finds out what check_host had to leave open: from here on the plan stands.  May put
	 * something that leaves traffic alone on an interface until commit.
	 */
	int (*reserve)(struct em_prepared **out, const struct em_policy *policy,
		       struct em_plan *plan, struct em_diag *diag);
	/* Builds everything for a generation in the kernel; traffic is untouched. */
	int (*prepare)(struct em_prepared *prepared, const struct em_policy *policy,
		       struct em_plan *plan, uint32_t generation, struct em_diag *diag);
	/*
	 * Traffic of all interfaces goes over to the prepared generation, and from interfaces that
	 * are not in it no longer anywhere.  On failure the old one is in force as before.
	 */
	int (*commit)(struct em_prepared *prepared, struct em_plan *plan, struct em_diag *diag);
	/* Frees the handle, and what was held and prepared in the kernel unless it was committed.
	 */
	void (*release)(struct em_prepared *prepared);

	/* What of ours is there.  A kernel without the feature has nothing: 0. */
	int (*discover)(struct em_kernel_state *out, struct em_diag *diag);

	/* The counters of the generation in force, usable until closed, also after detach. */
	int (*open_counters)(struct em_counters **out, uint32_t generation, struct em_diag *diag);
	/* Adds them to stats, which is shaped like policy, the one of that generation. */
	int (*read_counters)(struct em_counters *counters, const struct em_policy *policy,
			     struct em_stats *stats, struct em_diag *diag);
	void (*close_counters)(struct em_counters *counters);

	/*
	 * Tries each feature with `sample`, a policy with one listener and one entity on lo.
	 * Called in a namespace that nobody else sees, see scratch.h.
	 */
	void (*try_kernel)(const struct em_policy *sample, em_feature_fn *found, void *context);
	/* Programs, filters and chains of others that an interface's received packets meet. */
	int (*list_others)(const struct em_link *link, em_other_fn *found, void *context,
			   struct em_diag *diag);

	/* No packet is handled by us any more; counters of nft stay readable.  Idempotent. */
	int (*detach)(struct em_diag *diag);
	/*
	 * Removes all that carries our name but generation keep, and ends the conversations that
	 * its policy does not have.  0 and NULL: keep nothing.  Idempotent.
	 */
	int (*clean)(uint32_t keep, const struct em_policy *policy, struct em_diag *diag);
};

extern const struct em_backend_ops em_bpf_backend; /* bpf/datapath_xdp_tc.c */
extern const struct em_backend_ops em_nft_backend; /* nft/datapath_nft.c */

/* All of them, ended by NULL. */
extern const struct em_backend_ops *const em_backends[];

/* A way to carry a policy. */
struct em_choice {
	const struct em_backend_ops *datapath;
	enum em_backend backend;
};

#define EM_CHOICES_MAX 4

/* What to try for a backend asked for, in order.  Returns how many; 0: not built in. */
size_t em_backend_choices(enum em_backend wanted, struct em_choice choices[EM_CHOICES_MAX]);

/*
 * A plan for a choice with an attachment for each interface of the policy, its hook still to be
 * filled in.  Reports an interface that is missing or down.  Returns 0 or -errno.
 */
int em_plan_init(struct em_plan *plan, const struct em_policy *policy,
		 const struct em_choice *choice, struct em_diag *diag);

/*
 * Whether something on an attachment that is not before_gro would be shown several datagrams glued
 * together as one: 0 or em_plan_lacks(), with the command that clears it.
 */
int em_plan_check_coalescing(struct em_plan *plan);

/*
 * Writes the policy as the ruleset of the nft backend, for `nft -f`; nft/ruleset.h.  The same as
 * em_nft_backend installs as this generation.  Returns 0, or -errno, reported.
 */
int em_nft_print_ruleset(FILE *out, const struct em_policy *policy, uint32_t generation,
			 struct em_diag *diag);

#endif
