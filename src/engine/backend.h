/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * backend - the operations of a backend, and the list of backends.
 *
 * A policy in the kernel is a *generation*: a number from 1, which all objects installed for it
 * carry.  The kernel alone decides which generation is in force; no handle outlives a process.
 * Applying a policy has these steps: prepare the next generation beside the current one, commit
 * (traffic is switched in one step), read the last counts of the old generation, clean up.
 */
#ifndef EM_BACKEND_H
#define EM_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/plan.h"
#include "policy/flow.h"
#include "policy/stats.h"
#include "policy/unknown.h"

/* A problem that the user has to fix. */
struct em_fault {
	char text[224];
};

/* An object of ours, other than an attachment, that somebody has changed or taken away. */
struct em_drift {
	char object[288]; /* "chain netdev entitymux v1-sort-telemetry" */
	char what[64];	  /* "has 1 of 5 rules" */
};

/* Our objects in the kernel, as a backend finds them. */
struct em_kernel_state {
	uint32_t generation;		   /* in force; 0: nothing */
	struct em_attachment *attachments; /* owned; those that carry this generation */
	size_t n_attachments;
	uint32_t older; /* an earlier generation whose counters can still be read; 0: none */
	bool leftovers; /* other leftovers of ours exist, for example of a run that died */
	struct em_drift *drifts; /* owned; in objects of this generation */
	size_t n_drifts;
	/* Why packets do not reach it, with the command that fixes that; "": no reason is known. */
	struct em_fault fault;
	bool unreadable; /* objects exist that may be ours and that this process may not read */
};

void em_kernel_state_clear(struct em_kernel_state *kernel);
/* Returns 0 or -ENOMEM, unreported. */
int em_kernel_state_add_drift(struct em_kernel_state *kernel, const struct em_drift *drift);

struct em_prepared; /* a generation that waits for commit; each backend has its own */
struct em_counters; /* the counters of one generation, open for reading; likewise */
struct em_sampler;  /* where the copies of packets arrive; likewise */

/* A copy of a packet; see em_samples in plan.h. */
struct em_sampled {
	uint64_t time;	      /* when it came, in ns since 1970 */
	unsigned int ifindex; /* of the interface on which it came */
	const struct em_listener *listener;
	unsigned int reason; /* enum em_reason, or EM_SAMPLE_… */
	/*
	 * The packet, from its Ethernet header where the interface has these, with or without its
	 * VLAN tag.
	 */
	const uint8_t *bytes;
	size_t captured; /* the first of them, that there are */
	size_t length;
};
/* Returns 0 or -errno, reported, which ends the reading. */
typedef int em_sampled_fn(void *context, const struct em_sampled *sampled);

/*
 * What the backend in front writes into the mark of a packet, in bits that are 0 before, see mark()
 * below.  It is no mark of a listener of the nft backend: those have one of the bits above.
 */
#define EM_HANDOVER_MARK 0x01ff0000
#define EM_HANDOVER_MASK 0xffff0000

/* How far prepare goes.  Each stage continues where the previous one stopped. */
enum em_stage {
	EM_FORESEE, /* predict the result of EM_TRY, as far as possible without side effects */
	EM_TRY, /* the hooks are chosen; trials may add to an interface what leaves traffic alone */
	EM_BUILD, /* all of the generation is in the kernel; traffic is untouched */
};

/* Called once per finding; place is that of the key. */
typedef void em_finding_fn(void *context, const struct em_place *place, const char *finding);

/* A kernel feature that a backend uses, and whether this kernel has it. */
struct em_feature {
	const char *name; /* static; one of entitymux(8) */
	bool available;
	char detail[256];   /* text for the user */
	const char *remedy; /* static; the command that makes it available, or NULL */
};
typedef void em_feature_fn(void *context, const struct em_feature *feature);

/*
 * Called for each object of another program on an interface.  remedy is the command that removes
 * it, or NULL.
 */
typedef void em_other_fn(void *context, const char *what, const char *remedy);

/*
 * The operations of a backend.  All are mandatory but `programs`, `has_program`, `check` and those
 * for marks. Each returns 0 or -errno and reports its errors to diag.  Exception: where the kernel
 * or a driver lacks something, `prepare` returns em_outcome_lacks() and reports nothing, so that
 * the next choice can be tried.
 */
struct em_backend_ops {
	const char *name; /* the name in messages: "eBPF", "nftables" */
	/*
	 * read_counters() also tells when the last datagram of an entity came.  Otherwise that is
	 * concluded from how counters move between two looks.
	 */
	bool has_clock;

	/*
	 * A number that differs where the programs differ that it loads.  NULL: it loads none.
	 */
	uint64_t (*programs)(void);

	/*
	 * Whether the kernel still has one of its programs, anywhere.  Returns 1, 0 or -errno,
	 * unreported.  NULL: it has none.
	 */
	int (*has_program)(uint32_t id);

	/*
	 * Reports, key by key, the parts of the policy that this backend does not support on every
	 * kernel. Does not ask the kernel.  NULL: where it works at all, it supports every policy.
	 */
	void (*check)(const struct em_policy *policy, em_finding_fn *found, void *context);

	/*
	 * Tries each feature with `sample`, a policy with one listener and one entity on lo.
	 * Called in a private network namespace, see scratch.h.
	 */
	void (*features)(const struct em_policy *sample, em_feature_fn *found, void *context);

	/*
	 * Reports the objects of other programs that packets of an interface meet.  Also fills in
	 * the facts about the interface that only a trial shows.
	 */
	int (*survey)(struct em_link *link, em_other_fn *found, void *context,
		      struct em_diag *diag);

	/*
	 * Chooses a hook for each attachment of the plan and goes as far as `stage`.  Called either
	 * with EM_FORESEE alone, or with EM_TRY and then possibly EM_BUILD.  *prepared is NULL
	 * before the first call. The caller ends it with abort(), also after a failure.  It keeps
	 * pointers to plan and outcome.
	 */
	int (*prepare)(struct em_prepared **prepared, struct em_plan *plan,
		       struct em_outcome *outcome, enum em_stage stage, struct em_diag *diag);
	/*
	 * Switches the traffic of all interfaces to the generation that was built.  Interfaces that
	 * are not in it are no longer sorted.  On failure the old generation stays in force.
	 */
	int (*commit)(struct em_prepared *prepared, struct em_diag *diag);
	/*
	 * Frees the handle (may be NULL), and removes its objects from the kernel unless they were
	 * committed.
	 */
	void (*abort)(struct em_prepared *prepared);

	/*
	 * Adds the conversations that are remembered to the list; none where connection tracking
	 * has them.
	 */
	int (*read_flows)(struct em_flow_list *list, struct em_diag *diag);
	/*
	 * Adds those of the list that the policy has to a generation that was built.  Of what it
	 * remembers already nothing changes.
	 */
	int (*add_flows)(struct em_prepared *prepared, const struct em_flow_list *list,
			 struct em_diag *diag);

	/* Finds our objects.  Returns 0 with nothing found on a kernel without the feature. */
	int (*inspect)(struct em_kernel_state *out, struct em_diag *diag);

	/*
	 * Opens the counters of a generation.  They stay readable until closed, also after detach.
	 */
	int (*open_counters)(struct em_counters **out, uint32_t generation, struct em_diag *diag);
	/*
	 * Adds the counters to stats, which has the shape of policy, the policy of that generation.
	 */
	int (*read_counters)(struct em_counters *counters, const struct em_policy *policy,
			     struct em_stats *stats, struct em_diag *diag);
	/*
	 * Adds the tags seen lately that no entity has, in any order; some may come twice.
	 */
	int (*read_unknown)(struct em_counters *counters, const struct em_policy *policy,
			    struct em_unknown_list *list, struct em_diag *diag);
	void (*close_counters)(struct em_counters *counters);

	/*
	 * Copies of packets.  open: before a generation with `samples`, which may be changed, is
	 * prepared; -EM_EUNSUPPORTED, reported, where the kernel lacks something.  begin: after it
	 * was committed, with its policy, which outlives the sampler.  read: waits so long, and
	 * calls take for all that have come; *lost counts those that came too fast.
	 */
	int (*open_sampler)(struct em_sampler **out, struct em_samples *samples,
			    struct em_diag *diag);
	int (*begin_sampler)(struct em_sampler *sampler, uint32_t generation,
			     const struct em_policy *policy, struct em_diag *diag);
	int (*read_sampler)(struct em_sampler *sampler, int timeout_ms, em_sampled_fn *take,
			    void *context, uint64_t *lost, struct em_diag *diag);
	void (*close_sampler)(struct em_sampler *sampler); /* may be NULL */

	/*
	 * For a change between backends, when a packet meets two of them.  The one in front marks
	 * the packets that it has decided about, the one behind takes the mark off and leaves them
	 * alone.  mark() is NULL in a backend that has none behind it, heed() and stand_by() in one
	 * that has none in front.
	 *
	 * mark: begins or ends with marks in a generation that is attached.  In one that is
	 * not, plan->marks is set before EM_BUILD.
	 * heed: begins to look for marks on the interfaces, until clean().  Other packets are
	 * handled as before.
	 * stand_by: stops sorting, but goes on looking for marks, and with answers.
	 */
	int (*mark)(uint32_t generation, bool on, struct em_diag *diag);
	int (*heed)(const struct em_attachment *attachments, size_t n, struct em_diag *diag);
	int (*stand_by)(struct em_diag *diag);

	/* Stops all handling of packets.  The counters can still be read.  Idempotent. */
	int (*detach)(struct em_diag *diag);
	/*
	 * Removes all objects with our name except those of generation keep, and ends conversations
	 * that its policy does not have.  0 and NULL: keep nothing.  Idempotent.
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

/*
 * What tells that which this version installs from that of others: "0.1.0 82b1…", the version of
 * the tool and the number of its programs.  ops may be NULL.
 */
#define EM_PROGRAMS_TEXT 64
void em_backend_programs(const struct em_backend_ops *ops, char text[EM_PROGRAMS_TEXT]);

#define EM_CHOICES_MAX 4

/* The backends to try, in order, for the one asked for.  Returns their number; 0: not built in. */
size_t em_backend_choices(enum em_backend wanted, struct em_choice choices[EM_CHOICES_MAX]);

/*
 * Writes the ruleset that the nft backend installs for this policy and generation, for `nft -f`;
 * see nft/ruleset.h.  The caller checks the stream for write errors.  Returns 0, or -ENOMEM,
 * reported.
 */
int em_nft_print_ruleset(FILE *out, const struct em_policy *policy, uint32_t generation,
			 struct em_diag *diag);

#endif
