/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * backend - the operations of the nft backend: a ruleset in table `netdev entitymux`, one base
 * chain for each interface.
 *
 * A generation is complete in the kernel before anything leads to it.  Commit is one transaction
 * that replaces the only rule of each base chain; a packet under way stays in the generation that
 * it came into.
 *
 * With `replies` a packet's way goes on in table `inet entitymux`, and it takes the generation
 * along in its mark.  The rules there of the new generation come with prepare, beside the old ones,
 * which clean takes away.  As long as there are any, conntrack is at work in this namespace; so
 * they are there only while a policy with `replies` is.
 */
/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "engine/backend.h"
#include "nft/check_host.h"
#include "nft/clean.h"
#include "nft/conntrack.h"
#include "nft/counters.h"
#include "nft/drift.h"
#include "nft/features.h"
#include "nft/install.h"
#include "nft/inventory.h"
#include "nft/message.h"
#include "nft/netlink.h"
#include "nft/others.h"
#include "nft/ruleset.h"
#include "nft/text.h"

struct em_prepared {
	struct em_ruleset *ruleset;
	struct em_netlink netlink;
	struct em_batch batch;
	const struct em_plan *plan; /* not owned */
	bool committed;
};

struct em_counters {
	struct em_netlink netlink;
	uint32_t generation;
};

static int open_netlink(struct em_netlink *netlink, struct em_diag *diag)
{
	int error = em_netlink_open(netlink, diag);

	if (error == -EPROTONOSUPPORT)
		em_diag_error(diag, error, NULL, "nftables: this kernel has no nf_tables");
	return error;
}

/* Taking away. */

/*
 * Before the rules, by which a run that comes after one that died knows that there may be some.
 */
static int end_conversations(const struct em_policy *policy, struct em_diag *diag)
{
	struct em_inventory inventory;
	struct em_netlink netlink;
	int error = em_netlink_open(&netlink, diag);

	if (error)
		return error == -EPROTONOSUPPORT ? 0 : error;
	error = em_inventory_read(&inventory, EM_TABLE_INET, &netlink, diag);
	if (!error && inventory.present)
		error = em_conntrack_end(&netlink, policy, diag);
	em_inventory_clear(&inventory);
	em_netlink_close(&netlink);
	return error;
}

static int clean(uint32_t keep, const struct em_policy *policy, struct em_diag *diag)
{
	struct em_selection selection = {.keep = keep};
	int first = end_conversations(policy, diag);
	int error = em_clean_transact(em_clean_selected, &selection, diag);

	return first ? first : error;
}

static int delete_base_chains(struct em_netlink *netlink, struct em_batch *batch,
			      const struct em_selection *selection, struct em_diag *diag)
{
	struct em_inventory inventory;
	int error = em_inventory_read(&inventory, EM_TABLE_NETDEV, netlink, diag);

	(void)selection;
	for (size_t i = 0; !error && i < inventory.n_chains; i++)
		if (inventory.chains[i].device[0]) {
			em_message_flush_chain(batch, EM_TABLE_NETDEV, inventory.chains[i].name);
			em_message_delete_chain(batch, EM_TABLE_NETDEV, inventory.chains[i].name);
		}
	em_inventory_clear(&inventory);
	if (!error)
		error = em_batch_commit(netlink, batch, diag);
	return error;
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

/* What led here has been reported.  Should this fail as well, the next run cleans up. */
static void withdraw(struct em_prepared *prepared)
{
	struct em_selection this = {.only = prepared->ruleset->generation};
	FILE *nowhere = fopen("/dev/null", "we");
	struct em_diag quiet;

	if (!nowhere)
		return;
	em_diag_init(&quiet, nowhere);
	prepared->batch.error = 0;
	em_clean_selected(&prepared->netlink, &prepared->batch, &this, &quiet);
	fclose(nowhere);
}

static void abort_prepared(struct em_prepared *prepared)
{
	if (!prepared)
		return;
	if (prepared->ruleset && !prepared->committed)
		withdraw(prepared);
	free_prepared(prepared);
}

static int open_prepared(struct em_prepared **out, const struct em_plan *plan, struct em_diag *diag)
{
	struct em_prepared *prepared = calloc(1, sizeof(*prepared));
	int error;

	if (!prepared)
		return em_diag_enomem(diag);
	prepared->plan = plan;
	error = open_netlink(&prepared->netlink, diag);
	if (!error)
		error = em_batch_init(&prepared->batch, diag);
	if (error) {
		free_prepared(prepared);
		return error;
	}
	*out = prepared;
	return 0;
}

/* What a run that died has left of this generation would be in the way. */
static int clear_way(struct em_prepared *prepared, struct em_diag *diag)
{
	struct em_selection old = {.only = prepared->plan->generation};

	return em_clean_selected(&prepared->netlink, &prepared->batch, &old, diag);
}

/* Where elements do not count, what counts instead has not been tried by check_host yet. */
static int choose_counters(struct em_prepared *prepared, struct em_outcome *outcome, bool *objects,
			   struct em_diag *diag)
{
	const struct em_plan *plan = prepared->plan;
	struct em_refusal refusal;
	int counting = em_install_can_count(&prepared->netlink, &prepared->batch, plan->policy,
					    plan->generation, &refusal);

	if (counting < 0)
		return em_netlink_report(diag, &refusal);
	*objects = !counting;
	return counting ? 0
			: em_nft_check_host_objects(&prepared->netlink, &prepared->batch,
						    plan->policy, outcome, diag);
}

static int build(struct em_prepared *prepared, struct em_outcome *outcome, struct em_diag *diag)
{
	const struct em_plan *plan = prepared->plan;
	bool object_counters;
	int error = clear_way(prepared, diag);

	if (!error)
		error = choose_counters(prepared, outcome, &object_counters, diag);
	if (error)
		return error;
	error = object_counters
			? em_ruleset_new_with_objects(&prepared->ruleset, plan->policy,
						      plan->generation)
			: em_ruleset_new(&prepared->ruleset, plan->policy, plan->generation);
	if (error)
		return em_diag_enomem(diag);
	error = em_install_ruleset(&prepared->netlink, &prepared->batch, prepared->ruleset, diag);
	if (!error)
		em_conntrack_warn(plan->policy, diag);
	return error;
}

/* What is tried is the very rules, so that there is nothing that could not be foreseen. */
static int prepare(struct em_prepared **prepared, struct em_plan *plan, struct em_outcome *outcome,
		   enum em_stage stage, struct em_diag *diag)
{
	int error;

	if (stage == EM_BUILD)
		return build(*prepared, outcome, diag);
	error = em_nft_check_host(plan, outcome, diag);
	return error || stage == EM_FORESEE ? error : open_prepared(prepared, plan, diag);
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
	struct em_inventory inventory;
	int error = em_inventory_read(&inventory, EM_TABLE_NETDEV, &prepared->netlink, diag);

	for (size_t i = 0; !error && i < inventory.n_chains; i++) {
		const struct em_inventory_chain *chain = &inventory.chains[i];

		if (!chain->device[0] ||
		    (planned(ruleset, chain) && !em_drift_is_moved(&inventory, chain)))
			continue;
		em_message_flush_chain(&prepared->batch, EM_TABLE_NETDEV, chain->name);
		em_message_delete_chain(&prepared->batch, EM_TABLE_NETDEV, chain->name);
	}
	em_inventory_clear(&inventory);
	if (error)
		return error;
	em_message_bases(&prepared->batch, ruleset, EM_TABLE_NETDEV);
	error = em_batch_commit(&prepared->netlink, &prepared->batch, diag);
	if (error)
		return error;
	prepared->committed = true;
	return 0;
}

/* Looking. */

static bool is_leftover(const struct em_inventory *inventory, uint32_t generation)
{
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (inventory->chains[i].generation != generation)
			return true;
	for (size_t i = 0; i < inventory->n_rules; i++)
		if (inventory->rules[i].generation != generation)
			return true;
	for (size_t i = 0; i < inventory->n_objects; i++)
		if (!em_inventory_is_shared(&inventory->objects[i]) &&
		    inventory->objects[i].generation != generation)
			return true;
	return generation == 0 && inventory->present;
}

static bool has_zones(const struct em_inventory *inet, uint32_t generation, const char *listener)
{
	for (size_t i = 0; i < inet->n_objects; i++) {
		const struct em_inventory_object *object = &inet->objects[i];
		const char *owner = em_identifier_owner(object->name, EM_ROLE_ZONES);

		if (owner && object->generation == generation && !strcmp(owner, listener))
			return true;
	}
	return false;
}

static bool has_base(const struct em_inventory *inventory, uint32_t generation,
		     enum em_base_kind which, const char *device)
{
	struct em_identifier base = em_ruleset_base(which, device);
	char text[EM_IDENTIFIER_MAX];

	return em_inventory_leads(inventory, em_identifier_format(&base, text), generation);
}

/* The one of an interface's base chains by which the interface carries the policy. */
static bool sorts(const struct em_inventory_chain *chain)
{
	return chain->device[0] &&
	       em_identifier_owner(chain->name, em_ruleset_bases[EM_BASE_SORT].role);
}

/* What is marked at ingress has to be met by rules that know the mark. */
static bool is_incomplete(const struct em_inventory *netdev, const struct em_inventory *inet,
			  uint32_t generation)
{
	bool marks = false;

	for (size_t i = 0; i < netdev->n_chains; i++)
		if (sorts(&netdev->chains[i]) &&
		    !has_base(netdev, generation, EM_BASE_HEADERS, netdev->chains[i].device))
			return true;
	for (size_t i = 0; i < netdev->n_objects; i++) {
		const char *owner = em_identifier_owner(netdev->objects[i].name, EM_ROLE_TAGS);

		if (!owner || netdev->objects[i].generation != generation)
			continue;
		marks = true;
		if (!has_zones(inet, generation, owner))
			return true;
	}
	return marks && !(has_base(inet, generation, EM_BASE_RAW, NULL) &&
			  has_base(inet, generation, EM_BASE_NAT, NULL));
}

static int find_attachments(struct em_kernel_state *out, const struct em_inventory *inventory,
			    struct em_diag *diag)
{
	out->attachments = calloc(inventory->n_chains + 1, sizeof(*out->attachments));
	if (!out->attachments)
		return em_diag_enomem(diag);
	for (size_t i = 0; i < inventory->n_chains; i++) {
		const struct em_inventory_chain *chain = &inventory->chains[i];
		struct em_attachment *attachment = &out->attachments[out->n_attachments];

		if (!sorts(chain) || chain->generation != out->generation)
			continue;
		/* From 6.16 on, a chain stays when its device goes. */
		attachment->ifindex = if_nametoindex(chain->device);
		if (!attachment->ifindex)
			continue;
		memcpy(attachment->interface, chain->device, sizeof(chain->device));
		attachment->hook = EM_HOOK_NFT_INGRESS;
		out->n_attachments++;
	}
	return 0;
}

/* The newest generation before the one in force (0: of all) that has counters. */
static uint32_t find_older(const struct em_inventory *netdev, uint32_t in_force)
{
	uint32_t older = 0;

	for (size_t i = 0; i < netdev->n_objects; i++) {
		uint32_t generation = netdev->objects[i].generation;

		if (netdev->objects[i].kind == EM_OBJECT_COUNTER && generation > older &&
		    (!in_force || generation < in_force))
			older = generation;
	}
	return older;
}

static int judge(struct em_kernel_state *out, const struct em_inventory *netdev,
		 const struct em_inventory *inet, struct em_diag *diag)
{
	out->generation = em_inventory_in_force(netdev);
	out->older = find_older(netdev, out->generation);
	out->leftovers = is_leftover(netdev, out->generation) || is_leftover(inet, out->generation);
	if (!out->generation)
		return 0;
	out->incomplete = is_incomplete(netdev, inet, out->generation);
	return find_attachments(out, netdev, diag);
}

static int find_drift(struct em_kernel_state *out, const struct em_inventory *netdev,
		      const struct em_inventory *inet, struct em_netlink *netlink,
		      struct em_diag *diag)
{
	bool drifted;
	int rc = em_drift_find(netlink, netdev, out->generation, &drifted, diag);

	out->incomplete |= drifted;
	if (!rc)
		rc = em_drift_find(netlink, inet, out->generation, &drifted, diag);
	out->incomplete |= drifted;
	return rc;
}

static int inspect(struct em_kernel_state *out, struct em_diag *diag)
{
	struct em_inventory netdev, inet = {0};
	struct em_netlink netlink;
	int error = em_netlink_open(&netlink, diag);

	*out = (struct em_kernel_state){0};
	if (error)
		return error == -EPROTONOSUPPORT ? 0 : error;
	error = em_inventory_read(&netdev, EM_TABLE_NETDEV, &netlink, diag);
	if (!error)
		error = em_inventory_read(&inet, EM_TABLE_INET, &netlink, diag);
	if (!error)
		error = judge(out, &netdev, &inet, diag);
	if (!error && out->generation)
		error = find_drift(out, &netdev, &inet, &netlink, diag);
	em_inventory_clear(&netdev);
	em_inventory_clear(&inet);
	em_netlink_close(&netlink);
	return error;
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
	int error;

	if (!counters)
		return em_diag_enomem(diag);
	counters->generation = generation;
	error = open_netlink(&counters->netlink, diag);
	if (error) {
		free(counters);
		return error;
	}
	*out = counters;
	return 0;
}

static int read_counters(struct em_counters *counters, const struct em_policy *policy,
			 struct em_stats *stats, struct em_diag *diag)
{
	return em_counters_read(&counters->netlink, policy, counters->generation, stats, diag);
}

int em_nft_print_ruleset(FILE *out, const struct em_policy *policy, uint32_t generation,
			 struct em_diag *diag)
{
	struct em_ruleset *ruleset __attribute__((cleanup(em_ruleset_freep))) = NULL;

	if (em_ruleset_new(&ruleset, policy, generation))
		return em_diag_enomem(diag);
	em_text_print(out, ruleset);
	if (fflush(out) || ferror(out))
		return em_diag_error(diag, -EIO, NULL, "cannot write the ruleset");
	return 0;
}

const struct em_backend_ops em_nft_backend = {
	.name = "nftables",
	.check = em_nft_check,
	.features = em_abilities_try,
	.survey = em_nft_others_list,
	.prepare = prepare,
	.commit = commit,
	.abort = abort_prepared,
	.inspect = inspect,
	.open_counters = open_counters,
	.read_counters = read_counters,
	.close_counters = close_counters,
	.detach = detach,
	.clean = clean,
};
