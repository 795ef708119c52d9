/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * check_host - whether this host can carry a policy.
 */
#ifndef EM_NFT_CHECK_HOST_H
#define EM_NFT_CHECK_HOST_H

#include "engine/backend.h"
#include "nft/netlink.h"
#include "nft/readback.h"
#include "nft/ruleset.h"

/* The operation `check` of the backend. */
void em_nft_check(const struct em_policy *policy, em_finding_fn *found, void *context);

/* The part of `prepare` without side effects. */
int em_nft_check_host(struct em_plan *plan, struct em_outcome *outcome, struct em_diag *diag);

/*
 * The same for the form with named counters of entities, which it leaves open.  The batch is empty.
 */
int em_nft_check_host_objects(struct em_netlink *netlink, struct em_batch *batch,
			      const struct em_policy *policy, bool zones,
			      struct em_outcome *outcome, struct em_diag *diag);

/*
 * Whether the kernel has kept a ruleset as it was installed, see readback.h.  The batch is empty.
 * Returns 0, em_outcome_lacks() or -errno, reported.
 */
int em_nft_check_kept(struct em_netlink *netlink, struct em_batch *batch,
		      const struct em_ruleset *ruleset, const struct em_installed *installed,
		      struct em_outcome *outcome, struct em_diag *diag);
/* The same beforehand, in a network namespace of its own. */
int em_nft_foresee_kept(const struct em_policy *policy, bool zones, struct em_outcome *outcome,
			struct em_diag *diag);

/*
 * What a refusal by the kernel means: something that it lacks, or a failure of the moment.  Returns
 * em_outcome_lacks() or -errno, reported.
 */
int em_nft_judge(const struct em_policy *policy, const struct em_refusal *refusal,
		 struct em_outcome *outcome, struct em_diag *diag);

/*
 * Why no kernel's nf_tables can carry the policy as the rules are, with or without zones of
 * conntrack, and the place of the key; or NULL.
 */
const char *em_nft_refuse(const struct em_policy *policy, bool zones,
			  const struct em_place **place);
/*
 * Whether its sets and maps cannot have both a size and elements that time out: without a size,
 * whoever sends unknown tags could fill the memory.
 */
bool em_nft_forgets(void);
/* Whether em_nft_check_host() has chosen zones of conntrack, for replies. */
bool em_nft_uses_zones(const struct em_plan *plan);

/* Reports that the name of the device for copies is somebody else's.  Returns -EEXIST. */
int em_nft_foreign_ifb(const struct em_place *place, struct em_diag *diag);

#endif
