/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/transaction.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "engine/confirm.h"
#include "engine/header_limit.h"
#include "engine/keep.h"
#include "engine/settle.h"
#include "host/grace.h"
#include "policy/conversation.h"

/* Warn now: the new record will not list these interfaces any more. */
static int warn_moved(struct em_view *view, struct em_diag *diag)
{
	int rc = em_inspect_moved(view, diag);

	for (size_t i = 0; i < view->n_problems; i++)
		em_diag_warning(diag, NULL, "%s: %s; clear it with: %s",
				view->problems[i].interface, view->problems[i].obstacle.what,
				view->problems[i].obstacle.remedy);
	return rc;
}

/* What is asked for comes from what is in force. */
static int begin_edit(struct em_transaction *t)
{
	int rc = em_edit_begin(t->edit, &t->view, t->state, t->diag);

	t->policy = t->edit->policy;
	t->config = t->view.record.config;
	t->wanted = t->view.record.wanted;
	t->keeps = &t->view.record;
	return rc;
}

static int begin(struct em_transaction *t)
{
	int rc = t->dry_run ? em_inspect(&t->view, t->state, t->diag)
			    : em_settle_inspect(&t->view, t->state, t->diag);

	if (!rc)
		rc = warn_moved(&t->view, t->diag);
	if (!rc)
		rc = em_confirm_allows(&t->view, t);
	if (!rc && t->edit)
		rc = begin_edit(t);
	if (!rc)
		rc = em_plan_init(&t->plan, t->policy, t->diag);
	em_keep_aliases(t);
	t->plan.samples = t->samples;
	if (!rc)
		rc = em_generation_next(&t->plan.generation, t->state, t->view.kernel.generation,
					t->diag);
	return rc;
}

static bool same_attachments(const struct em_plan *plan, const struct em_record *record)
{
	if (plan->n_attachments != record->n_attachments)
		return false;
	for (size_t i = 0; i < plan->n_attachments; i++) {
		const struct em_attachment *a = &plan->attachments[i], *b = &record->attachments[i];

		if (a->ifindex != b->ifindex || a->hook != b->hook || a->vlan != b->vlan ||
		    a->replies != b->replies || a->fragments != b->fragments ||
		    a->conntrack != b->conntrack)
			return false;
	}
	return true;
}

static int find_unchanged(struct em_transaction *t)
{
	const struct em_record *record = &t->view.record;
	int rc;

	if (!em_inspect_is_in_place(&t->view) || record->backend != t->plan.backend ||
	    !same_attachments(&t->plan, record) || strcmp(record->config, t->config) ||
	    record->edits != em_keep_edits_before(t) || record->samples || t->samples ||
	    !em_keep_has_programs(t))
		return 0;
	rc = em_generation_same_policy(t->state, record->generation, t->policy, &t->unchanged,
				       t->diag);
	if (!rc && t->unchanged)
		t->plan.generation = record->generation;
	return rc;
}

/*
 * A datagram is ours if nf_tables of this kernel finds it to be UDP.  The other backends have to
 * agree.  To try it takes longer than the rest of a small apply, and the record is of this boot.
 */
static int set_header_limit(struct em_transaction *t)
{
	int rc = 0;

	if (!t->header_limit)
		t->header_limit = t->view.record.header_limit;
	if (t->plan.backend != EM_BACKEND_NFT && !t->header_limit)
		rc = em_header_limit_find(&t->header_limit, t->diag);
	t->plan.ipv6_header_limit = t->header_limit ? t->header_limit : EM_HEADER_LIMIT_MAX;
	return rc;
}

static void start_choice(struct em_transaction *t, const struct em_choice *choice, const char *why)
{
	t->ops = choice->ops;
	em_backend_programs(t->ops, t->programs);
	t->plan.backend = choice->backend;
	t->plan.marks = t->view.ops && t->view.ops != t->ops;
	t->outcome = (struct em_outcome){0};
	if (t->wanted != EM_BACKEND_AUTO)
		em_outcome_note(&t->outcome, "asked for");
	else
		em_outcome_note(&t->outcome, "%s",
				why[0] ? why : "the fastest this host can carry");
}

/* Collects "xdp: why not; nft: …" for the reason of the final choice. */
static void note_lacking(char *why, size_t size, const struct em_choice *choice,
			 const struct em_outcome *outcome)
{
	size_t used = strlen(why), length = strlen(outcome->lacking);

	/* What holds for XDP often holds for TC. */
	if (length && used > length && !strcmp(why + used - length, outcome->lacking))
		return;
	snprintf(why + used, size - used, "%s%s: %s", used ? "; " : "",
		 choice->backend == EM_BACKEND_AUTO ? choice->ops->name
						    : em_backend_name(choice->backend),
		 outcome->lacking);
}

static int report_lacking(const struct em_transaction *t, const char *why)
{
	if (t->wanted != EM_BACKEND_AUTO)
		return em_diag_error(t->diag, -EM_EUNSUPPORTED, &t->outcome.lacking_place,
				     "%s cannot carry this policy here: %s",
				     em_backend_name(t->wanted), t->outcome.lacking);
	return em_diag_error(t->diag, -EM_EUNSUPPORTED, &t->outcome.lacking_place,
			     "no backend can carry this policy here: %s", why);
}

static void drop_prepared(struct em_transaction *t)
{
	if (t->prepared)
		t->ops->abort(t->prepared);
	t->prepared = NULL;
}

/* No interface is there: the policy is kept, and the kernel has nothing of it. */
static int choose_nothing(struct em_transaction *t, const struct em_choice *choice)
{
	t->plan.backend = choice->backend;
	em_backend_programs(NULL, t->programs);
	em_plan_settle(&t->plan);
	em_outcome_note(&t->outcome, "no interface is there yet");
	return find_unchanged(t);
}

/* Prepares the first choice that can carry the policy.  Any stage may find that a choice cannot. */
static int choose(struct em_transaction *t)
{
	const enum em_stage stage = t->dry_run ? EM_FORESEE : EM_TRY;
	struct em_choice choices[EM_CHOICES_MAX];
	size_t n = em_backend_choices(t->wanted, choices);
	char why[512] = "";
	int rc = -EM_EUNSUPPORTED;

	if (!n)
		return em_diag_error(t->diag, rc, NULL,
				     "backend %s is not built into this entitymux",
				     em_backend_name(t->wanted));
	if (!t->plan.n_attachments)
		return choose_nothing(t, &choices[0]);
	for (size_t i = 0; i < n && rc == -EM_EUNSUPPORTED; i++) {
		start_choice(t, &choices[i], why);
		rc = t->ops->prepare(&t->prepared, &t->plan, &t->outcome, stage, t->diag);
		if (!rc)
			rc = find_unchanged(t);
		if (!rc && stage == EM_TRY && !t->unchanged) {
			rc = set_header_limit(t);
			if (!rc)
				rc = t->ops->prepare(&t->prepared, &t->plan, &t->outcome, EM_BUILD,
						     t->diag);
		}
		if (!rc)
			return 0;
		drop_prepared(t);
		if (rc == -EM_EUNSUPPORTED)
			note_lacking(why, sizeof(why), &choices[i], &t->outcome);
	}
	return rc == -EM_EUNSUPPORTED ? report_lacking(t, why) : rc;
}

/* An edit has loaded the policy in force already, which takes most of the time of a large one. */
static int open_before(struct em_transaction *t)
{
	const struct em_backend_ops *ops = t->dry_run ? NULL : t->view.ops;
	struct em_policy *known = t->edit ? t->edit->before : NULL;

	if (!known)
		return em_counts_open(&t->before, t->view.generation, ops, t->state, t->diag);
	t->edit->before = NULL;
	return em_counts_open_known(&t->before, t->view.generation, known, ops, t->diag);
}

/* What changes is only known where the policy in force is. */
static int compare(struct em_transaction *t)
{
	int rc;

	if (t->unchanged && !t->dry_run)
		return 0;
	rc = open_before(t);
	if (rc || (!t->before.policy && em_inspect_is_applied(&t->view)))
		return rc;
	rc = em_compare(&t->changes, t->before.policy, t->policy);
	t->compared = !rc;
	return rc ? em_diag_enomem(t->diag) : 0;
}

/*
 * Save the current counts.  They are nearly right if this run dies between the switch and settling.
 */
static int record(struct em_transaction *t)
{
	struct em_stats *baseline __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc;

	if (t->unchanged)
		return 0;
	rc = em_keep_record(t);
	t->recorded = !rc;
	if (!rc)
		rc = em_counts_pass_on(&baseline, NULL, &t->before, t->policy, t->restores,
				       t->state, t->diag);
	if (!rc && baseline)
		rc = em_generation_save_baseline(t->state, t->plan.generation, t->policy, baseline,
						 t->diag);
	if (!rc && t->confirm)
		rc = em_confirm_begin(t->state, t->plan.generation, t->confirm, t->diag);
	return rc;
}

/*
 * Another backend goes on with the conversations of the one before.  What is remembered only after
 * that is handed over once the new one has begun, before the old one is taken away.
 */
static int hand_over(struct em_transaction *t)
{
	struct em_flow_list flows = {0};
	int rc;

	if (t->unchanged || !t->ops || !t->before.ops || t->before.ops == t->ops ||
	    !em_conversation_first(t->plan.policy))
		return 0;
	rc = t->before.ops->read_flows(&flows, t->diag);
	for (size_t i = 0; i < flows.n && !em_plan_tells_links(&t->plan); i++)
		flows.all[i].link = 0;
	if (!rc)
		rc = t->ops->add_flows(t->prepared, &flows, t->diag);
	em_flow_list_clear(&flows);
	return rc;
}

/*
 * From one backend to another: while both are at work, the one in front marks what it has decided
 * about.  No mark may get past the one behind, so that one looks for them first, and last.
 */
static int begin_marks(struct em_transaction *t)
{
	const struct em_backend_ops *old = t->before.ops;
	int rc;

	if (t->ops->mark)
		return old->heed(t->plan.attachments, t->plan.n_attachments, t->diag);
	rc = t->ops->heed(t->view.kernel.attachments, t->view.kernel.n_attachments, t->diag);
	if (!rc)
		rc = old->mark(t->view.kernel.generation, true, t->diag);
	if (!rc)
		em_grace_wait();
	return rc;
}

/* Only a new backend in front has to end with it: an old one is detached with its marks. */
static int end_marks(struct em_transaction *t)
{
	int rc, off;

	if (!t->ops->mark)
		return 0;
	em_grace_wait();
	rc = t->before.ops->stand_by(t->diag);
	t->stands_by = !rc;
	em_grace_wait();
	off = t->ops->mark(t->plan.generation, false, t->diag);
	/* What takes the marks off goes now. */
	if (off)
		off = t->ops->mark(t->plan.generation, false, t->diag);
	em_grace_wait();
	return rc ? rc : off;
}

/* The failure has been reported already.  If this fails as well, the next run cleans up. */
static void undo_marks(struct em_transaction *t)
{
	const struct em_backend_ops *old = t->before.ops;

	if (t->ops->mark) {
		(void)old->clean(t->view.kernel.generation, t->before.policy, t->diag);
		return;
	}
	(void)old->mark(t->view.kernel.generation, false, t->diag);
	(void)t->ops->detach(t->diag);
	(void)t->ops->clean(0, NULL, t->diag);
}

static int commit(struct em_transaction *t)
{
	int rc = t->plan.marks ? begin_marks(t) : 0;

	if (!rc)
		rc = t->ops->commit(t->prepared, t->diag);
	if (rc && t->plan.marks)
		undo_marks(t);
	return rc;
}

/*
 * If the older backend cannot be stopped, it may see packets before the new one.  Then it stays in
 * force, and the new generation is removed.
 */
static int switch_over(struct em_transaction *t)
{
	const bool marks = t->plan.marks && !t->unchanged;
	int rc = t->unchanged || !t->ops ? 0 : commit(t), unmarked;

	if (rc)
		return rc;
	if (hand_over(t))
		em_diag_warning(t->diag, NULL,
				"the policy is in force, but has lost the newest conversations");
	unmarked = marks ? end_marks(t) : 0;
	rc = em_settle_detach(t->ops, &t->before, t->diag);
	/* The backend may have stopped although its answer was lost. */
	if (rc)
		rc = em_settle_detach(t->ops, &t->before, t->diag);
	if (rc && marks && !t->stands_by) {
		(void)t->ops->detach(t->diag);
		(void)t->ops->clean(0, NULL, t->diag);
		undo_marks(t);
		return rc;
	}
	t->in_force = true;
	t->leftovers = rc || unmarked;
	return 0;
}

/* Needed even if nothing changed: a run that died may have left something. */
static int settle(struct em_transaction *t)
{
	int rc = em_settle_clean(t->ops, t->plan.generation, t->plan.policy, &t->before,
				 t->restores, t->state, t->diag);

	/* It has been undone. */
	if (t->undoes && em_pending_remove(t->state, t->diag))
		rc = -EIO;
	if (rc || t->leftovers)
		em_diag_warning(t->diag, NULL,
				"the policy is in force, but something older is left: apply it "
				"again to clean up");
	return 0;
}

/* The failure has been reported already. */
static void revert(struct em_transaction *t)
{
	if (t->recorded && t->confirm)
		(void)em_pending_remove(t->state, t->diag);
	if (t->recorded)
		(void)em_generation_clean(t->state, t->view.generation, t->diag);
}

static int (*const steps[])(struct em_transaction *t) = {begin,	    choose,	 compare, record,
							 hand_over, switch_over, settle};

int em_transaction_apply(struct em_transaction *t, struct em_diag *diag)
{
	const size_t n = t->dry_run ? 3 : sizeof(steps) / sizeof(steps[0]);
	sigset_t all, mask;
	int rc;

	t->diag = diag;
	rc = em_state_open(&t->state, t->dry_run ? EM_STATE_READ : EM_STATE_WRITE, diag);
	if (rc)
		return rc;
	/*
	 * Block all signals that can be blocked, so that only SIGKILL can leave a change half done.
	 */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	for (size_t i = 0; !rc && i < n; i++)
		rc = steps[i](t);
	if (rc && !t->in_force)
		revert(t);
	/* What it needs is still locked. */
	if (t->edit && em_edit_end(t->edit, !rc && !t->dry_run, diag))
		rc = -EIO;
	drop_prepared(t);
	em_state_close(t->state);
	t->state = NULL;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return rc;
}

void em_transaction_clear(struct em_transaction *t)
{
	em_changes_clear(&t->changes);
	em_counts_close(&t->before);
	em_inspect_clear(&t->view);
	em_plan_clear(&t->plan);
}

int em_transaction_reset(struct em_diag *diag)
{
	struct em_state *state __attribute__((cleanup(em_state_closep))) = NULL;
	struct em_counts counts = {0};
	struct em_view view = {0};
	int rc = em_state_open(&state, EM_STATE_WRITE, diag);

	if (!rc)
		rc = em_settle_inspect(&view, state, diag);
	if (!rc && !em_inspect_is_applied(&view))
		rc = em_diag_error(diag, -ENOENT, NULL, "nothing is applied");
	if (!rc)
		rc = em_counts_open(&counts, view.generation, view.ops, state, diag);
	if (!rc && !counts.policy)
		rc = em_diag_error(diag, -EIO, NULL,
				   "what the counters are of is not known; apply again");
	if (!rc)
		rc = em_counts_reset(&counts, state, diag);
	if (!rc && view.record.replaces)
		rc = em_generation_forget_final(state, view.record.replaces, diag);
	em_counts_close(&counts);
	em_inspect_clear(&view);
	return rc;
}
