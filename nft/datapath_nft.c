/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * datapath_nft - the nft backend: a ruleset in table `netdev entitymux`, one base chain for each
 * interface.
 *
 * A generation is complete in the kernel before anything leads to it.  Commit is one transaction
 * that replaces the only rule of each base chain; a packet under way stays in the generation that
 * it came into.
 */
/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "conversation.h"
#include "counters.h"
#include "datapath.h"
#include "abilities.h"
#include "foreign.h"
#include "install.h"
#include "inventory.h"
#include "message.h"
#include "netlink.h"
#include "ruleset.h"
#include "text.h"

/* The last payload byte at which every kernel can start a load. */
#define PAYLOAD_LAST (EM_LOAD_LAST - EM_UDP_HEADER)

struct em_prepared {
	struct em_ruleset *ruleset;
	struct em_netlink netlink;
	struct em_batch batch;
	bool committed;
};

struct em_counters {
	struct em_netlink netlink;
	uint32_t generation;
};

static int no_memory(struct em_diag *diag)
{
	return em_diag_error(diag, -ENOMEM, NULL, "out of memory");
}

static int open_netlink(struct em_netlink *netlink, struct em_diag *diag)
{
	int error = em_netlink_open(netlink, diag);

	if (error == -EPROTONOSUPPORT)
		em_diag_error(diag, error, NULL, "nftables: this kernel has no nf_tables");
	return error;
}

/* What cannot be carried. */

/* The load of a tag or a check that starts furthest, as an offset into the payload. */
static unsigned int tag_start(const struct em_tag *tag)
{
	unsigned int start = 0;

	for (uint8_t i = 0; i < tag->n_pieces; i++)
		if (tag->pieces[i].offset > start)
			start = tag->pieces[i].offset;
	return start;
}

static unsigned int check_start(const struct em_check *check)
{
	if (check->kind == EM_CHECK_NUMBER)
		return check->offset + (check->little_endian ? check->length - 1 : 0);
	return check->offset + (check->length - 1) / EM_LOAD_MAX * EM_LOAD_MAX;
}

static void review_start(const struct em_place *place, unsigned int start, em_review_fn *found,
			 void *context)
{
	char finding[128];

	if (start <= PAYLOAD_LAST)
		return;
	snprintf(finding, sizeof(finding),
		 "payload offset %u needs a kernel whose nf_tables loads beyond byte %u (6.18 or "
		 "later)",
		 start, PAYLOAD_LAST);
	found(context, place, finding);
}

static void review(const struct em_policy *policy, em_review_fn *found, void *context)
{
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		review_start(&listener->tag.place, tag_start(&listener->tag), found, context);
		for (size_t c = 0; c < listener->n_checks; c++)
			review_start(&listener->checks[c].place, check_start(&listener->checks[c]),
				     found, context);
	}
}

/* The first finding is what the plan lacks. */
static void note_lacking(void *context, const struct em_place *place, const char *finding)
{
	struct em_plan *plan = context;

	if (!plan->lacking[0])
		em_plan_lacks(plan, place, "%s", finding);
}

static int new_ruleset(struct em_ruleset **out, const struct em_policy *policy, uint32_t generation,
		       bool object_counters)
{
	return object_counters ? em_ruleset_new_with_objects(out, policy, generation)
			       : em_ruleset_new(out, policy, generation);
}

/* Everything but the entities, in one batch that the kernel takes back. */
static int try_ruleset(struct em_netlink *netlink, struct em_batch *batch,
		       const struct em_policy *policy, bool object_counters,
		       struct em_refusal *refusal)
{
	struct em_ruleset *ruleset __attribute__((cleanup(em_ruleset_freep))) = NULL;
	int error = new_ruleset(&ruleset, policy, 0, object_counters);

	if (error) {
		*refusal = (struct em_refusal){error, {.what = "build the ruleset"}};
		return error;
	}
	em_message_table(batch);
	em_message_objects(batch, ruleset);
	em_message_chains(batch, ruleset);
	for (size_t i = 0; i < ruleset->n_interfaces; i++)
		em_message_base(batch, ruleset->interfaces[i], 0);
	return em_batch_send(netlink, batch, true, refusal);
}

/* Whether an error is about this host for now, and not about what its kernel can do. */
static bool is_failure(int error)
{
	return error == -EPERM || error == -ENOMEM || error == -ENOBUFS || error == -EMSGSIZE ||
	       error == -ENODEV || error == -EIO;
}

/*
 * A kernel refuses many things with the same error; the one refusal that is known in advance, an
 * offset that it cannot hold (ERANGE), is named by the key.
 */
static int judge(const struct em_policy *policy, const struct em_refusal *refusal,
		 struct em_plan *plan, struct em_diag *diag)
{
	if (is_failure(refusal->error))
		return em_netlink_report(diag, refusal);
	plan->lacking[0] = '\0';
	if (refusal->error == -ERANGE || refusal->error == -EOVERFLOW)
		review(policy, note_lacking, plan);
	if (plan->lacking[0])
		return -EOPNOTSUPP;
	return em_plan_lacks(plan, &refusal->origin.place, "nf_tables of this kernel cannot %s: %s",
			     refusal->origin.what, strerror(-refusal->error));
}

static int carry_over(struct em_netlink *netlink, const struct em_policy *policy,
		      struct em_plan *plan, struct em_diag *diag)
{
	struct em_refusal refusal;
	struct em_batch batch;
	int error = em_batch_init(&batch, diag);

	if (error)
		return error;
	if (try_ruleset(netlink, &batch, policy, false, &refusal))
		error = judge(policy, &refusal, plan, diag);
	em_batch_clear(&batch);
	return error;
}

static int carry(const struct em_policy *policy, struct em_plan *plan, struct em_diag *diag)
{
	const struct em_listener *listener = em_conversation_first(policy);
	struct em_netlink netlink;
	int error = em_netlink_open(&netlink, diag);

	if (error == -EPROTONOSUPPORT)
		return em_plan_lacks(plan, NULL, "this kernel has no nf_tables");
	if (error)
		return error;
	if (listener) {
		em_netlink_close(&netlink);
		return em_plan_lacks(plan, &listener->replies_place,
				     "replies: not in this version");
	}
	error = carry_over(&netlink, policy, plan, diag);
	em_netlink_close(&netlink);
	for (size_t i = 0; !error && i < plan->n_attachments; i++)
		plan->attachments[i].hook = EM_HOOK_NFT_INGRESS;
	return error ? error : em_plan_check_glue(plan);
}

/* Taking away. */

static int clean(uint32_t keep, const struct em_policy *policy, struct em_diag *diag)
{
	struct em_selection selection = {.keep = keep};

	(void)policy;

	return em_clean_transact(em_clean_selected, &selection, diag);
}

static int delete_base_chains(struct em_netlink *netlink, struct em_batch *batch,
			      const struct em_selection *selection, struct em_diag *diag)
{
	struct em_inventory inventory;
	int error = em_inventory_read(&inventory, netlink, diag);

	(void)selection;
	for (size_t i = 0; !error && i < inventory.n_chains; i++)
		if (inventory.chains[i].device[0]) {
			em_message_flush_chain(batch, inventory.chains[i].name);
			em_message_delete_chain(batch, inventory.chains[i].name);
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

static void release(struct em_prepared *prepared)
{
	if (!prepared)
		return;
	if (prepared->ruleset && !prepared->committed)
		withdraw(prepared);
	free_prepared(prepared);
}

/* Nothing is left open by carry, which tries the very rules. */
static int foresee(struct em_link *links, size_t n, struct em_diag *diag)
{
	(void)links;
	(void)n;
	(void)diag;
	return 0;
}

static int hold(struct em_prepared **out, const struct em_policy *policy, struct em_plan *plan,
		struct em_diag *diag)
{
	struct em_prepared *prepared = calloc(1, sizeof(*prepared));
	int error;

	(void)policy;
	(void)plan;
	if (!prepared)
		return no_memory(diag);
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
static int clear_way(struct em_prepared *prepared, uint32_t generation, struct em_diag *diag)
{
	struct em_selection old = {.only = generation};

	return em_clean_selected(&prepared->netlink, &prepared->batch, &old, diag);
}

/* Where elements do not count, what counts instead has not been tried by carry yet. */
static int choose_counters(struct em_prepared *prepared, const struct em_policy *policy,
			   struct em_plan *plan, uint32_t generation, bool *objects,
			   struct em_diag *diag)
{
	struct em_refusal refusal;
	int counting = em_install_can_count(&prepared->netlink, &prepared->batch, policy,
					    generation, diag);

	if (counting < 0)
		return counting;
	*objects = !counting;
	if (!counting && try_ruleset(&prepared->netlink, &prepared->batch, policy, true, &refusal))
		return judge(policy, &refusal, plan, diag);
	return 0;
}

static int prepare(struct em_prepared *prepared, const struct em_policy *policy,
		   struct em_plan *plan, uint32_t generation, struct em_diag *diag)
{
	bool object_counters;
	int error = clear_way(prepared, generation, diag);

	if (!error)
		error = choose_counters(prepared, policy, plan, generation, &object_counters, diag);
	if (error)
		return error;
	if (new_ruleset(&prepared->ruleset, policy, generation, object_counters))
		return no_memory(diag);
	return em_install_ruleset(&prepared->netlink, &prepared->batch, prepared->ruleset, diag);
}

static bool planned(const struct em_ruleset *ruleset, const struct em_inventory_chain *chain)
{
	char text[EM_IDENTIFIER_MAX];

	for (size_t i = 0; i < ruleset->n_interfaces; i++) {
		struct em_identifier base = em_ruleset_base(ruleset->interfaces[i]);

		if (strcmp(chain->device, ruleset->interfaces[i]) == 0 &&
		    strcmp(chain->name, em_identifier_format(&base, text)) == 0)
			return true;
	}
	return false;
}

static int commit(struct em_prepared *prepared, struct em_plan *plan, struct em_diag *diag)
{
	const struct em_ruleset *ruleset = prepared->ruleset;
	struct em_inventory inventory;
	int error = em_inventory_read(&inventory, &prepared->netlink, diag);

	(void)plan;
	for (size_t i = 0; !error && i < inventory.n_chains; i++)
		if (inventory.chains[i].device[0] && !planned(ruleset, &inventory.chains[i])) {
			em_message_flush_chain(&prepared->batch, inventory.chains[i].name);
			em_message_delete_chain(&prepared->batch, inventory.chains[i].name);
		}
	em_inventory_clear(&inventory);
	if (error)
		return error;
	for (size_t i = 0; i < ruleset->n_interfaces; i++)
		em_message_base(&prepared->batch, ruleset->interfaces[i], ruleset->generation);
	error = em_batch_commit(&prepared->netlink, &prepared->batch, diag);
	if (error)
		return error;
	prepared->committed = true;
	return 0;
}

/* Looking. */

static bool is_remains(const struct em_inventory *inventory, uint32_t generation)
{
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (inventory->chains[i].generation != generation)
			return true;
	for (size_t i = 0; i < inventory->n_sets; i++)
		if (inventory->sets[i].generation != generation)
			return true;
	for (size_t i = 0; i < inventory->n_counters; i++)
		if (inventory->counters[i].generation != generation)
			return true;
	return generation == 0 && inventory->table;
}

static int find_attachments(struct em_installed *out, const struct em_inventory *inventory,
			    struct em_diag *diag)
{
	out->attachments = calloc(inventory->n_chains + 1, sizeof(*out->attachments));
	if (!out->attachments)
		return no_memory(diag);
	for (size_t i = 0; i < inventory->n_chains; i++) {
		const struct em_inventory_chain *chain = &inventory->chains[i];
		struct em_attachment *attachment = &out->attachments[out->n_attachments];

		if (!chain->device[0] || chain->generation != out->generation)
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

static int discover(struct em_installed *out, struct em_diag *diag)
{
	struct em_inventory inventory;
	struct em_netlink netlink;
	int error = em_netlink_open(&netlink, diag);

	*out = (struct em_installed){0};
	if (error)
		return error == -EPROTONOSUPPORT ? 0 : error;
	error = em_inventory_read(&inventory, &netlink, diag);
	if (!error) {
		out->generation = em_inventory_in_force(&inventory);
		out->remains = is_remains(&inventory, out->generation);
		if (out->generation)
			error = find_attachments(out, &inventory, diag);
	}
	em_inventory_clear(&inventory);
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
		return no_memory(diag);
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

int em_datapath_nft_print(FILE *out, const struct em_policy *policy, uint32_t generation,
			  struct em_diag *diag)
{
	struct em_ruleset *ruleset __attribute__((cleanup(em_ruleset_freep))) = NULL;
	const struct em_listener *listener = em_conversation_first(policy);

	if (listener)
		return em_diag_error(diag, -EOPNOTSUPP, &listener->replies_place,
				     "replies: not in this version");
	if (em_ruleset_new(&ruleset, policy, generation))
		return no_memory(diag);
	em_text_print(out, ruleset);
	if (fflush(out) || ferror(out))
		return em_diag_error(diag, -EIO, NULL, "cannot write the ruleset");
	return 0;
}

const struct em_datapath em_datapath_nft = {
	.name = "nftables",
	.review = review,
	.carry = carry,
	.foresee = foresee,
	.hold = hold,
	.prepare = prepare,
	.commit = commit,
	.release = release,
	.discover = discover,
	.open_counters = open_counters,
	.read_counters = read_counters,
	.close_counters = close_counters,
	.try_kernel = em_abilities_try,
	.list_others = em_foreign_list,
	.detach = detach,
	.clean = clean,
};
