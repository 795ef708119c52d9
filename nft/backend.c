/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * backend - the operations of the nft backend: a ruleset in table `netdev entitymux`, one base
 * chain for each interface.
 *
 * A generation is complete in the kernel before anything leads to it.  Commit is one transaction
 * that replaces the only rule of each base chain that takes a decision; a packet under way stays in
 * the generation that it came into, to which the other base chains lead as well until clean.
 *
 * With `replies` a packet's way goes on in table `inet entitymux`, and it takes the generation
 * along in its mark.  The rules there of the new generation come with prepare, beside the old ones,
 * which clean takes away.  As long as there are any, conntrack is at work in this namespace; so
 * they are there only while a policy with `replies` is.
 */
/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/backend.h"
#include "host/grace.h"
#include "host/ifb.h"
#include "nft/check_host.h"
#include "nft/clean.h"
#include "nft/conntrack.h"
#include "nft/counters.h"
#include "nft/drift.h"
#include "nft/features.h"
#include "nft/handover.h"
#include "nft/inspect.h"
#include "nft/install.h"
#include "nft/inventory.h"
#include "nft/log.h"
#include "nft/message.h"
#include "nft/netlink.h"
#include "nft/others.h"
#include "nft/remembered.h"
#include "nft/ruleset.h"
#include "nft/text.h"
#include "nft/translations.h"
#include "nft/unknown_tags.h"
#include "policy/copies.h"

struct em_prepared {
	struct em_ruleset *ruleset;
	struct em_netlink netlink;
	struct em_batch batch;
	const struct em_plan *plan; /* not owned */
	bool begun;		    /* something of it may be in the kernel */
	bool committed;
	bool made; /* the device for copies is new */
};

struct em_counters {
	struct em_netlink netlink;
	uint32_t generation;
};

static int open_netlink(struct em_netlink *netlink, struct em_diag *diag)
{
	int rc = em_netlink_open(netlink, diag);

	if (rc == -EPROTONOSUPPORT)
		em_diag_error(diag, rc, NULL, "nftables: this kernel has no nf_tables");
	return rc;
}

/* Taking away. */

/* Comes before the rules: it tells a run that follows one that died that rules may be there. */
static int end_conversations(const struct em_policy *policy, struct em_diag *diag)
{
	struct em_inventory inventory;
	struct em_netlink netlink;
	int rc = em_netlink_open(&netlink, diag);

	if (rc)
		return rc == -EPROTONOSUPPORT ? 0 : rc;
	rc = em_inventory_read(&inventory, EM_TABLE_INET, &netlink, diag);
	if (!rc && inventory.present)
		rc = em_conntrack_end(&netlink, policy, diag);
	em_inventory_clear(&inventory);
	em_netlink_close(&netlink);
	return rc;
}

/* Of the policy that stays: where none does, the sets go as well. */
static int end_remembered(const struct em_policy *policy, struct em_diag *diag)
{
	struct em_netlink netlink;
	struct em_batch batch;
	int rc = em_netlink_open(&netlink, diag);

	if (rc)
		return rc == -EPROTONOSUPPORT ? 0 : rc;
	rc = em_batch_init(&batch, diag);
	if (!rc)
		rc = em_remembered_end(&netlink, &batch, policy, diag);
	em_batch_clear(&batch);
	em_netlink_close(&netlink);
	return rc;
}

/* What is under way in it arrives first. */
static int delete_ifb(struct em_diag *diag)
{
	struct em_ifb ifb;
	int rc = em_ifb_read(&ifb);

	if (!rc && ifb.ours) {
		em_grace_wait();
		rc = em_ifb_delete();
	}
	return rc ? em_diag_errno(diag, rc, NULL, "delete interface " EM_IFB_NAME) : 0;
}

static int clean(uint32_t keep, const struct em_policy *policy, struct em_diag *diag)
{
	struct em_selection selection = {.keep = keep};
	int first = end_conversations(policy, diag);
	int rc = em_clean_transact(em_clean_selected, &selection, diag);

	first = first ? first : rc;
	rc = policy && em_copies_first(policy) ? 0 : delete_ifb(diag);
	first = first ? first : rc;
	rc = policy ? end_remembered(policy, diag) : 0;
	return first ? first : rc;
}

/* A base chain that carries out what others have decided, or one of those others. */
static bool is_base(const struct em_inventory *inventory, const struct em_inventory_chain *chain,
		    bool carrying_out)
{
	return chain->device[0] && em_inventory_carries_out(inventory, chain) == carrying_out;
}

static bool has_bases(const struct em_inventory *inventory, bool carrying_out)
{
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (is_base(inventory, &inventory->chains[i], carrying_out))
			return true;
	return false;
}

static void delete_bases(struct em_batch *batch, const struct em_inventory *inventory,
			 bool carrying_out)
{
	for (size_t i = 0; i < inventory->n_chains; i++) {
		const struct em_inventory_chain *chain = &inventory->chains[i];

		if (!is_base(inventory, chain, carrying_out))
			continue;
		em_message_flush_chain(batch, EM_TABLE_NETDEV, chain->name);
		em_message_delete_chain(batch, EM_TABLE_NETDEV, chain->name);
	}
}

static int delete_base_chains(struct em_netlink *netlink, struct em_batch *batch,
			      const struct em_selection *selection, struct em_diag *diag)
{
	struct em_inventory inventory;
	int rc = em_inventory_read(&inventory, EM_TABLE_NETDEV, netlink, diag);

	(void)selection;
	if (!rc && em_handover_heeds(&inventory))
		rc = em_clean_wait(&inventory, netlink, diag);
	if (!rc) {
		delete_bases(batch, &inventory, false);
		rc = em_batch_commit(netlink, batch, diag);
	}
	/* Packets may be between the two. */
	if (!rc && has_bases(&inventory, true)) {
		rc = em_clean_wait(&inventory, netlink, diag);
		if (!rc)
			delete_bases(batch, &inventory, true);
		rc = rc ? rc : em_batch_commit(netlink, batch, diag);
	}
	em_inventory_clear(&inventory);
	return rc;
}

static int detach(struct em_diag *diag)
{
	return em_clean_transact(delete_base_chains, NULL, diag);
}

/* Installing. */

static void free_prepared(struct em_prepared *prepared)
{
	em_batch_clear(&prepared->batch);
	em_netlink_close(&prepared->netlink);
	em_ruleset_free(prepared->ruleset);
	free(prepared);
}

/* The error that led here has been reported. If this fails as well, the next run cleans up. */
static void withdraw(struct em_prepared *prepared)
{
	struct em_selection this = {.only = prepared->plan->generation};
	FILE *nowhere = fopen("/dev/null", "we");
	struct em_diag quiet;

	if (!nowhere)
		return;
	em_diag_init(&quiet, nowhere);
	prepared->batch.error = 0;
	em_clean_selected(&prepared->netlink, &prepared->batch, &this, &quiet);
	if (prepared->made)
		(void)em_ifb_delete();
	fclose(nowhere);
}

static void abort_prepared(struct em_prepared *prepared)
{
	if (!prepared)
		return;
	if (prepared->begun && !prepared->committed)
		withdraw(prepared);
	free_prepared(prepared);
}

static int open_prepared(struct em_prepared **out, const struct em_plan *plan, struct em_diag *diag)
{
	struct em_prepared *prepared = calloc(1, sizeof(*prepared));
	int rc;

	if (!prepared)
		return em_diag_enomem(diag);
	prepared->plan = plan;
	rc = open_netlink(&prepared->netlink, diag);
	if (!rc)
		rc = em_batch_init(&prepared->batch, diag);
	if (rc) {
		free_prepared(prepared);
		return rc;
	}
	*out = prepared;
	return 0;
}

/* Leftovers of this generation, of a run that died, would be in the way. */
static int clear_way(struct em_prepared *prepared, struct em_diag *diag)
{
	struct em_selection old = {.only = prepared->plan->generation};

	return em_clean_selected(&prepared->netlink, &prepared->batch, &old, diag);
}

/* Where elements cannot count, named counters do, which check_host has not tried yet. */
static int choose_counters(struct em_prepared *prepared, struct em_outcome *outcome,
			   struct em_form *form, struct em_diag *diag)
{
	const struct em_plan *plan = prepared->plan;
	struct em_refusal refusal;
	int counting = em_install_can_count(&prepared->netlink, &prepared->batch, plan->policy,
					    plan->generation, *form, &refusal);

	if (counting == -EOPNOTSUPP)
		return em_nft_judge(plan->policy, &refusal, outcome, diag);
	if (counting < 0)
		return em_netlink_report(diag, &refusal);
	form->object_counters = !counting;
	return counting ? 0
			: em_nft_check_host_objects(&prepared->netlink, &prepared->batch,
						    plan->policy, form->zones, outcome, diag);
}

/* The rules have its number. */
static int make_ifb(struct em_prepared *prepared, uint32_t *ifindex, struct em_outcome *outcome,
		    struct em_diag *diag)
{
	const struct em_place *place = em_copies_first(prepared->plan->policy);
	struct em_ifb ifb;
	int rc;

	if (!place)
		return 0;
	rc = em_ifb_make(&ifb, &prepared->made);
	*ifindex = ifb.ifindex;
	if (rc == -EEXIST)
		return em_nft_foreign_ifb(place, diag);
	if (rc == -EOPNOTSUPP)
		return em_outcome_lacks(outcome, place,
					"copies: nft needs a device of kind ifb for them, which "
					"this kernel lacks: modprobe ifb");
	return rc ? em_diag_errno(diag, rc, place, "copies: make interface " EM_IFB_NAME) : 0;
}

static int build(struct em_prepared *prepared, struct em_outcome *outcome, struct em_diag *diag)
{
	const struct em_plan *plan = prepared->plan;
	struct em_form form = {.zones = em_nft_uses_zones(plan),
			       .forgets = em_nft_forgets(),
			       .joined = !em_plan_tells_links(plan),
			       .samples = plan->samples};
	struct em_installed installed = {.whole = true};
	int rc = clear_way(prepared, diag);

	prepared->begun = true;
	if (!rc)
		rc = make_ifb(prepared, &form.ifb, outcome, diag);
	if (!rc)
		rc = choose_counters(prepared, outcome, &form, diag);
	if (rc)
		return rc;
	rc = em_ruleset_new(&prepared->ruleset, plan->policy, plan->generation, form);
	if (rc)
		return em_diag_enomem(diag);
	rc = em_install_ruleset(&prepared->netlink, &prepared->batch, prepared->ruleset,
				&installed.id, diag);
	if (!rc)
		rc = em_nft_check_kept(&prepared->netlink, &prepared->batch, prepared->ruleset,
				       &installed, outcome, diag);
	if (rc)
		return rc;
	if (!form.zones)
		return em_remembered_check_sizes(&prepared->netlink, prepared->ruleset, diag);
	em_conntrack_warn(plan->policy, diag);
	em_translations_warn(&prepared->netlink, plan->policy, diag);
	return 0;
}

/* The trial installs the very rules, but the kernel takes them back before they can be read. */
static int prepare(struct em_prepared **prepared, struct em_plan *plan, struct em_outcome *outcome,
		   enum em_stage stage, struct em_diag *diag)
{
	int rc;

	if (stage == EM_BUILD)
		return build(*prepared, outcome, diag);
	rc = em_nft_check_host(plan, outcome, diag);
	if (rc)
		return rc;
	return stage == EM_FORESEE
		       ? em_nft_foresee_kept(plan->policy, em_nft_uses_zones(plan), outcome, diag)
		       : open_prepared(prepared, plan, diag);
}

static bool planned(const struct em_ruleset *ruleset, const struct em_inventory_chain *chain)
{
	char text[EM_IDENTIFIER_MAX];

	for (size_t i = 0; i < ruleset->n_chains; i++) {
		const struct em_chain *base = &ruleset->chains[i];

		if (base->device && strcmp(chain->device, base->device) == 0 &&
		    strcmp(chain->name, em_identifier_format(&base->name, text)) == 0)
			return true;
	}
	return false;
}

static int commit(struct em_prepared *prepared, struct em_diag *diag)
{
	const struct em_ruleset *ruleset = prepared->ruleset;
	const struct em_plan *plan = prepared->plan;
	struct em_inventory inventory;
	int rc = em_inventory_read(&inventory, EM_TABLE_NETDEV, &prepared->netlink, diag);

	for (size_t i = 0; !rc && i < inventory.n_chains; i++) {
		const struct em_inventory_chain *chain = &inventory.chains[i];

		/* With marks, also other interfaces have a chain, until clean(). */
		if (!chain->device[0] || ((plan->marks || planned(ruleset, chain) ||
					   em_inventory_carries_out(&inventory, chain)) &&
					  !em_drift_is_moved(&inventory, chain)))
			continue;
		em_message_flush_chain(&prepared->batch, EM_TABLE_NETDEV, chain->name);
		em_message_delete_chain(&prepared->batch, EM_TABLE_NETDEV, chain->name);
	}
	em_inventory_clear(&inventory);
	if (rc)
		return rc;
	em_message_bases(&prepared->batch, ruleset, EM_TABLE_NETDEV);
	if (plan->marks)
		em_handover_add(&prepared->batch, plan->attachments, plan->n_attachments);
	rc = em_batch_commit(&prepared->netlink, &prepared->batch, diag);
	if (rc)
		return rc;
	prepared->committed = true;
	return 0;
}

/* Conversations. */

static int read_flows(struct em_flow_list *list, struct em_diag *diag)
{
	struct em_netlink netlink;
	int rc = open_netlink(&netlink, diag);

	if (rc)
		return rc;
	rc = em_remembered_read(&netlink, list, diag);
	em_netlink_close(&netlink);
	return rc;
}

static int add_flows(struct em_prepared *prepared, const struct em_flow_list *list,
		     struct em_diag *diag)
{
	return em_remembered_fill(&prepared->netlink, &prepared->batch, prepared->plan->policy,
				  list, diag);
}

/* Counters. */

static void close_counters(struct em_counters *counters)
{
	if (!counters)
		return;
	em_netlink_close(&counters->netlink);
	free(counters);
}

static int open_counters(struct em_counters **out, uint32_t generation, struct em_diag *diag)
{
	struct em_counters *counters = calloc(1, sizeof(*counters));
	int rc;

	if (!counters)
		return em_diag_enomem(diag);
	counters->generation = generation;
	rc = open_netlink(&counters->netlink, diag);
	if (rc) {
		free(counters);
		return rc;
	}
	*out = counters;
	return 0;
}

static int read_counters(struct em_counters *counters, const struct em_policy *policy,
			 struct em_stats *stats, struct em_diag *diag)
{
	return em_counters_read(&counters->netlink, policy, counters->generation, stats, diag);
}

static int read_unknown(struct em_counters *counters, const struct em_policy *policy,
			struct em_unknown_list *list, struct em_diag *diag)
{
	return em_unknown_tags_read(&counters->netlink, policy, counters->generation, list, diag);
}

int em_nft_print_ruleset(FILE *out, const struct em_policy *policy, uint32_t generation,
			 struct em_diag *diag)
{
	struct em_ruleset *ruleset __attribute__((cleanup(em_ruleset_freep))) = NULL;
	const struct em_place *place;
	const char *refused = em_nft_refuse(policy, false, &place);

	if (refused)
		return em_diag_error(diag, -EM_EUNSUPPORTED, place,
				     "nft cannot carry this policy: %s", refused);
	if (em_copies_first(policy))
		return em_diag_error(
			diag, -EM_EUNSUPPORTED, em_copies_first(policy),
			"copies: rules alone do not make them, an interface does besides; "
			"use apply --backend=nft");
	if (em_ruleset_new(&ruleset, policy, generation, (struct em_form){.zones = false}))
		return em_diag_enomem(diag);
	em_text_print(out, ruleset);
	return 0;
}

const struct em_backend_ops em_nft_backend = {
	.name = "nftables",
	.check = em_nft_check,
	.features = em_nft_features,
	.survey = em_nft_others_list,
	.prepare = prepare,
	.commit = commit,
	.abort = abort_prepared,
	.read_flows = read_flows,
	.add_flows = add_flows,
	.inspect = em_nft_inspect,
	.open_counters = open_counters,
	.read_counters = read_counters,
	.read_unknown = read_unknown,
	.close_counters = close_counters,
	.open_sampler = em_log_open,
	.begin_sampler = em_log_begin,
	.read_sampler = em_log_read,
	.close_sampler = em_log_close,
	.heed = em_handover_heed,
	.stand_by = em_handover_stand_by,
	.detach = detach,
	.clean = clean,
};
