/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * check_host - whether this host can carry a policy: the very rules, in a transaction that the
 * kernel takes back; see check_host.h.
 */
#include "nft/check_host.h"

/* Before <linux/netfilter.h>, which else brings its own. */
#include <netinet/in.h>

#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>

#include "host/ifb.h"
#include "host/obstacle.h"
#include "host/release.h"
#include "host/scratch.h"
#include "nft/answers.h"
#include "nft/copies.h"
#include "nft/drift.h"
#include "nft/install.h"
#include "nft/message.h"
#include "nft/readback.h"
#include "nft/translations.h"
#include "nft/zones.h"
#include "policy/conversation.h"
#include "policy/copies.h"

/* The last payload byte at which every kernel can start a load. */
#define PAYLOAD_LAST (EM_LOAD_LAST - EM_UDP_HEADER)

/* The offset into the payload of the load that starts furthest, of a tag or a check. */
static unsigned int tag_start(const struct em_format *format)
{
	struct em_part parts[EM_PARTS_MAX];
	uint8_t n = em_format_parts(format, parts);
	unsigned int furthest = 0;

	for (uint8_t i = 0; i < n; i++) {
		unsigned int start = format->tag.pieces[parts[i].piece].offset + parts[i].at;
		unsigned int end = start + parts[i].length;

		/* Its end is loaded once more, for a comparison; see listener.c. */
		if (parts[i].length > EM_LOAD_MAX && end == em_format_need(format))
			start = end - EM_LOAD_MAX;
		furthest = start > furthest ? start : furthest;
	}
	return furthest;
}

static unsigned int check_start(const struct em_check *check)
{
	if (check->kind == EM_CHECK_NUMBER)
		return check->offset +
		       (check->little_endian && !check->n_values ? check->length - 1 : 0);
	return check->offset + (check->length - 1) / EM_LOAD_MAX * EM_LOAD_MAX;
}

static void review_start(const struct em_place *place, unsigned int start, em_finding_fn *found,
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

/*
 * Those of Linux 5.6 are of no use: nft cannot list a map from them to named counters.  What RHEL 8
 * has of them in its 4.18 has crashed: no trial could find that out.
 */
#define JOINED_RANGES                                                                              \
	"tag: entities that cover more than one tag, with several pieces or a mask of more than "  \
	"16 bytes, need a kernel whose nf_tables counts in joined ranges (5.10 or later)"

static bool has_joined_ranges(const struct em_format *format)
{
	struct em_key key;

	em_key_of_tag(format, &key);
	return format->n_intervals && key.n_loads > 1;
}

static const struct em_place *ranges_place(const struct em_format *format)
{
	return &format->entities[format->intervals[0].entity].place;
}

/* The first format that has them, or NULL. */
static const struct em_format *find_joined_ranges(const struct em_policy *policy)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		for (size_t f = 0; f < policy->listeners[i].n_formats; f++)
			if (has_joined_ranges(&policy->listeners[i].formats[f]))
				return &policy->listeners[i].formats[f];
	return NULL;
}

static void review_format(const struct em_format *format, em_finding_fn *found, void *context)
{
	if (has_joined_ranges(format))
		found(context, ranges_place(format), JOINED_RANGES);
	review_start(&format->tag.place, tag_start(format), found, context);
	for (size_t i = 0; i < format->n_checks; i++)
		review_start(&format->checks[i].place, check_start(&format->checks[i]), found,
			     context);
}

static void review_loopback(const struct em_place *place, em_finding_fn *found, void *context)
{
	const struct em_link lo = {.name = "lo", .type = ARPHRD_LOOPBACK};
	const struct em_attachment at = {
		.hook = EM_HOOK_NFT_INGRESS, .replies = true, .conntrack = true};
	struct em_obstacle obstacle;
	char finding[160];

	if (!em_obstacle_find(&obstacle, EM_OBSTACLE_LOOPBACK_REPLIES, &lo, &at))
		return;
	snprintf(finding, sizeof(finding), "%s, without chains at egress (Linux 5.16): %s", lo.name,
		 obstacle.what);
	found(context, place, finding);
}

/* The mark of a datagram has no room for its format. */
static const char *refuse_replies(const struct em_listener *listener, const struct em_place **place)
{
	if (!listener->replies || listener->n_formats == 1)
		return NULL;
	*place = &listener->replies_place;
	return "replies do not go with several formats without chains at egress (Linux 5.16)";
}

/* One rule has to tell that all of it is equal; a format is left by no other. */
static const char *refuse_checks(const struct em_listener *listener, const struct em_place **place)
{
	for (size_t i = 0; listener->n_formats > 1 && i < listener->n_formats; i++)
		for (size_t k = 0; k < listener->formats[i].n_checks; k++) {
			const struct em_check *check = &listener->formats[i].checks[k];

			if (check->kind != EM_CHECK_BYTES || !check->negated ||
			    check->length <= EM_NFT_NOT_BYTES_MAX)
				continue;
			*place = &check->place;
			return "checks: not, with several formats, takes at most 384 bytes";
		}
	return NULL;
}

/* nft lists no key of five parts. */
static const char *refuse_tag(const struct em_listener *listener, const struct em_place **place)
{
	struct em_part parts[EM_PARTS_MAX];

	for (size_t i = 0; i < listener->n_formats; i++) {
		if (em_format_parts(&listener->formats[i], parts) <= EM_PIECES_MAX)
			continue;
		*place = &listener->formats[i].tag.place;
		return "tag: of four pieces, one with more than 16 bytes takes no mask, and no "
		       "entities that cover more than one tag";
	}
	return NULL;
}

#define COPIES                                                                                     \
	"copies: nft needs chains at egress for them (Linux 5.16 or later), and a device of kind " \
	"ifb"

static const char *refuse_copies(const struct em_policy *policy, const struct em_place **place)
{
	if (em_nft_copies_lists(policy) <= EM_COPIES_LISTS)
		return NULL;
	*place = em_copies_first(policy);
	return "copies: the nft backend tells at most 4095 lists of ports apart";
}

const char *em_nft_refuse(const struct em_policy *policy, bool zones, const struct em_place **place)
{
	const char *why = refuse_copies(policy, place);

	for (size_t i = 0; !why && i < policy->n_listeners; i++) {
		why = zones ? refuse_replies(&policy->listeners[i], place) : NULL;
		if (!why)
			why = refuse_checks(&policy->listeners[i], place);
		if (!why)
			why = refuse_tag(&policy->listeners[i], place);
	}
	return why;
}

void em_nft_check(const struct em_policy *policy, em_finding_fn *found, void *context)
{
	const struct em_place *place;
	const char *refused = em_nft_refuse(policy, true, &place);

	if (refused)
		found(context, place, refused);
	for (size_t i = 0; i < policy->n_listeners; i++) {
		const struct em_listener *listener = &policy->listeners[i];

		if (listener->replies && em_listener_on(listener, "lo"))
			review_loopback(&listener->replies_place, found, context);
		for (size_t f = 0; f < listener->n_formats; f++)
			review_format(&listener->formats[f], found, context);
	}
	if (em_copies_first(policy))
		found(context, em_copies_first(policy), COPIES);
}

/* Keeps the first finding, as what the plan lacks. */
static void note_lacking(void *context, const struct em_place *place, const char *finding)
{
	struct em_outcome *outcome = context;

	/* That has been tried by itself. */
	if (!outcome->lacking[0] && strcmp(finding, COPIES))
		em_outcome_lacks(outcome, place, "%s", finding);
}

/* Everything but the entities, in one batch that the kernel takes back. */
static int try_ruleset(struct em_netlink *netlink, struct em_batch *batch,
		       const struct em_policy *policy, struct em_form form,
		       struct em_refusal *refusal)
{
	struct em_ruleset *ruleset __attribute__((cleanup(em_ruleset_freep))) = NULL;
	int rc = em_ruleset_new(&ruleset, policy, 0, form);

	if (rc) {
		*refusal = (struct em_refusal){rc, {.what = "build the ruleset"}};
		return rc;
	}
	em_drift_delete_remade(netlink, batch);
	em_message_tables(batch, ruleset, false);
	em_message_objects(batch, ruleset);
	em_message_chains(batch, ruleset);
	for (enum em_table table = 0; table < EM_TABLES; table++) {
		em_drift_unhook(netlink, batch, table);
		em_message_bases(batch, ruleset, table);
	}
	return em_batch_send(netlink, batch, true, refusal);
}

/* Whether an error is a failure of the moment, rather than something that the kernel lacks. */
static bool is_failure(int rc)
{
	static const int failures[] = {EPERM, EMSGSIZE, ENODEV, EIO};

	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (rc == -failures[i])
			return true;
	return em_error_is_passing(rc);
}

/*
 * Kernels refuse many things with the same error. The one refusal known in advance, an offset that
 * does not fit (ERANGE), is reported with its key.
 */
int em_nft_judge(const struct em_policy *policy, const struct em_refusal *refusal,
		 struct em_outcome *outcome, struct em_diag *diag)
{
	if (is_failure(refusal->error))
		return em_netlink_report(diag, refusal);
	outcome->lacking[0] = '\0';
	if (refusal->error == -ERANGE || refusal->error == -EOVERFLOW)
		em_nft_check(policy, note_lacking, outcome);
	if (outcome->lacking[0])
		return -EM_EUNSUPPORTED;
	return em_outcome_lacks(outcome, &refusal->origin.place,
				"nf_tables of this kernel cannot %s: %s", refusal->origin.what,
				em_refusal_reason(refusal));
}

static int try_rules(struct em_netlink *netlink, const struct em_policy *policy, bool zones,
		     struct em_outcome *outcome, struct em_diag *diag)
{
	struct em_refusal refusal;
	struct em_batch batch;
	int rc = em_batch_init(&batch, diag);

	if (rc)
		return rc;
	if (try_ruleset(netlink, &batch, policy,
			(struct em_form){.zones = zones, .forgets = em_nft_forgets()}, &refusal))
		rc = em_nft_judge(policy, &refusal, outcome, diag);
	em_batch_clear(&batch);
	return rc;
}

int em_nft_check_host_objects(struct em_netlink *netlink, struct em_batch *batch,
			      const struct em_policy *policy, bool zones,
			      struct em_outcome *outcome, struct em_diag *diag)
{
	const struct em_form form = {
		.object_counters = true, .zones = zones, .forgets = em_nft_forgets()};
	const struct em_format *joined = find_joined_ranges(policy);
	struct em_refusal refusal;

	if (joined)
		return em_outcome_lacks(outcome, ranges_place(joined), JOINED_RANGES);
	if (try_ruleset(netlink, batch, policy, form, &refusal))
		return em_nft_judge(policy, &refusal, outcome, diag);
	return 0;
}

int em_nft_check_kept(struct em_netlink *netlink, struct em_batch *batch,
		      const struct em_ruleset *ruleset, const struct em_installed *installed,
		      struct em_outcome *outcome, struct em_diag *diag)
{
	struct em_refusal refusal;
	int rc = em_readback_compare(netlink, batch, ruleset, installed, &refusal);

	if (rc == -EBUSY)
		return em_netlink_report(diag, &refusal);
	return rc ? em_nft_judge(ruleset->policy, &refusal, outcome, diag) : 0;
}

struct trial {
	const struct em_policy *policy;
	struct em_form form;
};

/* In the child, which has nothing else to say than that something is not kept. */
static void try_to_keep(void *result, const void *context)
{
	struct em_refusal *out = result, refusal;
	const struct trial *trial = context;
	struct em_netlink netlink;
	struct em_diag_kept kept;
	struct em_batch batch;

	if (em_diag_keep(&kept))
		return;
	if (em_netlink_open(&netlink, &kept.diag) || em_batch_init(&batch, &kept.diag))
		return;
	if (em_install_can_count(&netlink, &batch, trial->policy, 1, trial->form, &refusal) ==
		    -EOPNOTSUPP ||
	    em_install_trial(&netlink, &batch, trial->policy, 1, trial->form, &refusal) == -ERANGE)
		*out = refusal;
}

/* Without a namespace for the trial, apply finds it out by itself. */
int em_nft_foresee_kept(const struct em_policy *policy, bool zones, struct em_outcome *outcome,
			struct em_diag *diag)
{
	const struct trial trial = {.policy = policy,
				    .form = {.zones = zones, .forgets = em_nft_forgets()}};
	struct em_refusal refusal = {0};
	int rc = em_scratch_run_anyone(try_to_keep, &refusal, sizeof(refusal), &trial);

	if (em_scratch_failed(rc))
		return em_diag_errno(diag, rc, NULL, "cannot try the ruleset");
	return refusal.error ? em_nft_judge(policy, &refusal, outcome, diag) : 0;
}

/* Finds the form in which this kernel can have `replies`. */
static int choose_form(struct em_netlink *netlink, bool *zones, struct em_diag *diag)
{
	struct em_refusal refusal;
	struct em_batch batch;
	int rc = em_batch_init(&batch, diag);

	if (rc)
		return rc;
	rc = em_answers_try(netlink, &batch, &refusal);
	em_batch_clear(&batch);
	*zones = rc;
	return rc && is_failure(rc) ? em_netlink_report(diag, &refusal) : 0;
}

static int check_ifb(const struct em_place *place, struct em_outcome *outcome, struct em_diag *diag)
{
	struct em_ifb ifb;
	int rc = em_ifb_read(&ifb);

	if (rc)
		return em_diag_errno(diag, rc, place, "copies: read interface " EM_IFB_NAME);
	if (ifb.ifindex && !ifb.ours)
		return em_nft_foreign_ifb(place, diag);
	rc = em_ifb_try();
	if (em_scratch_failed(rc))
		return em_diag_errno(diag, rc, place, "copies: cannot try a device of kind ifb");
	if (rc == -EOPNOTSUPP)
		return em_outcome_lacks(outcome, place,
					"copies: nft needs a device of kind ifb for them, which "
					"this kernel lacks: modprobe ifb");
	return 0;
}

static int check_copies(struct em_netlink *netlink, const struct em_policy *policy,
			struct em_outcome *outcome, struct em_diag *diag)
{
	const struct em_place *place = em_copies_first(policy);
	struct em_refusal refusal;
	struct em_batch batch;
	int rc;

	if (!place)
		return 0;
	rc = em_batch_init(&batch, diag);
	if (rc)
		return rc;
	rc = em_nft_copies_try(netlink, &batch, &refusal);
	em_batch_clear(&batch);
	if (rc && is_failure(rc))
		return em_netlink_report(diag, &refusal);
	if (rc)
		return em_outcome_lacks(outcome, place, COPIES ": cannot %s: %s",
					refusal.origin.what, em_refusal_reason(&refusal));
	return check_ifb(place, outcome, diag);
}

int em_nft_foreign_ifb(const struct em_place *place, struct em_diag *diag)
{
	return em_diag_error(diag, -EEXIST, place,
			     "copies: there is an interface " EM_IFB_NAME
			     " of somebody else; rename or delete it: ip link delete " EM_IFB_NAME);
}

static int check_zones(struct em_netlink *netlink, const struct em_policy *policy,
		       struct em_outcome *outcome, struct em_diag *diag)
{
	int rc = em_zones_check(netlink, policy, outcome, diag);

	return rc ? rc : em_translations_check(netlink, policy, outcome, diag);
}

static int check_plan(struct em_netlink *netlink, struct em_plan *plan, struct em_outcome *outcome,
		      struct em_diag *diag)
{
	bool replies = em_conversation_first(plan->policy), zones = false;
	const struct em_format *joined;
	const struct em_place *place;
	const char *refused;
	int rc = replies ? choose_form(netlink, &zones, diag) : 0;

	if (rc)
		return rc;
	refused = em_nft_refuse(plan->policy, zones, &place);
	if (refused)
		return em_outcome_lacks(outcome, place, "%s", refused);
	joined = find_joined_ranges(plan->policy);
	if (joined && em_release_is_before(5, 10))
		return em_outcome_lacks(outcome, ranges_place(joined), JOINED_RANGES);
	for (size_t i = 0; i < plan->n_attachments; i++) {
		plan->attachments[i].hook = EM_HOOK_NFT_INGRESS;
		plan->attachments[i].conntrack = zones && plan->attachments[i].replies;
	}
	rc = check_copies(netlink, plan->policy, outcome, diag);
	if (!rc)
		rc = try_rules(netlink, plan->policy, zones, outcome, diag);
	if (!rc)
		rc = em_plan_check_links(plan, outcome);
	if (!rc && zones)
		rc = check_zones(netlink, plan->policy, outcome, diag);
	return rc;
}

int em_nft_check_host(struct em_plan *plan, struct em_outcome *outcome, struct em_diag *diag)
{
	struct em_netlink netlink;
	int rc = em_netlink_open(&netlink, diag);

	if (rc == -EPROTONOSUPPORT)
		return em_outcome_lacks(outcome, NULL, "this kernel has no nf_tables");
	if (rc)
		return rc;
	rc = check_plan(&netlink, plan, outcome, diag);
	em_netlink_close(&netlink);
	return rc;
}

bool em_nft_forgets(void)
{
	return em_release_is_before(4, 16);
}

bool em_nft_uses_zones(const struct em_plan *plan)
{
	for (size_t i = 0; i < plan->n_attachments; i++)
		if (plan->attachments[i].conntrack)
			return true;
	return false;
}
