/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/transaction.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/grace.h"

void em_view_clear(struct em_view *current)
{
	em_kernel_state_clear(&current->installed);
	em_record_clear(&current->applied);
	em_policy_free(current->policy);
	memset(current, 0, sizeof(*current));
}

/* The newest generation that any backend has; whatever else there is leftovers of something. */
static int discover(struct em_view *current, struct em_diag *diag)
{
	for (size_t i = 0; em_backends[i]; i++) {
		struct em_kernel_state installed = {0};
		int rc = em_backends[i]->discover(&installed, diag);

		if (rc)
			return rc;
		current->leftovers |= installed.leftovers;
		current->unreadable |= installed.unreadable;
		if (installed.generation <= current->installed.generation) {
			current->leftovers |= installed.generation > 0;
			em_kernel_state_clear(&installed);
			continue;
		}
		current->leftovers |= current->installed.generation > 0;
		em_kernel_state_clear(&current->installed);
		current->installed = installed;
		current->datapath = em_backends[i];
	}
	return 0;
}

int em_view_read(struct em_view *out, struct em_state *state, struct em_diag *diag)
{
	struct em_view current = {0};
	int rc = discover(&current, diag);

	if (rc) {
		em_view_clear(&current);
		return rc;
	}
	current.generation = current.installed.generation;
	/* Gone from the kernel, with its interfaces perhaps, but never removed. */
	if (!current.generation)
		rc = em_generation_newest(&current.generation, state, diag);
	if (!rc && current.generation)
		rc = em_generation_load_record(state, current.generation, &current.applied, diag);
	if (!rc && current.unreadable && !current.datapath && current.applied.generation)
		rc = em_diag_error(diag, -EPERM, NULL,
				   "cannot look at the programs of the policy: needs CAP_SYS_ADMIN "
				   "(run as root), or CAP_BPF where they are pinned");
	if (rc) {
		em_view_clear(&current);
		return rc;
	}
	*out = current;
	return 0;
}

int em_view_load_policy(struct em_view *current, struct em_state *state, struct em_diag *diag)
{
	if (!current->generation || current->policy)
		return 0;
	return em_generation_load_policy(state, current->generation, &current->policy, diag);
}

bool em_view_has(const struct em_view *current, const struct em_attachment *wanted)
{
	for (size_t i = 0; i < current->installed.n_attachments; i++) {
		const struct em_attachment *present = &current->installed.attachments[i];

		if (present->ifindex == wanted->ifindex && present->hook == wanted->hook &&
		    !strcmp(present->interface, wanted->interface))
			return true;
	}
	return false;
}

bool em_view_is_whole(const struct em_view *current)
{
	const struct em_record *applied = &current->applied;

	if (current->leftovers || current->installed.incomplete ||
	    current->installed.fault.text[0] || !applied->generation ||
	    applied->generation != current->installed.generation ||
	    applied->n_attachments != current->installed.n_attachments)
		return false;
	for (size_t i = 0; i < applied->n_attachments; i++)
		if (!em_view_has(current, &applied->attachments[i]))
			return false;
	return true;
}

/* Counters of the generation in force, held open while another one takes its place. */
struct old_counters {
	struct em_counters *counters; /* NULL: there are none, or none that could be named */
	const struct em_backend_ops *datapath;
};

static int open_counters(struct old_counters *old, const struct em_view *current,
			 struct em_diag *diag)
{
	*old = (struct old_counters){.datapath = current->datapath};
	if (!current->datapath || !current->policy)
		return 0;
	return current->datapath->open_counters(&old->counters, current->installed.generation,
						diag);
}

static void close_counters(struct old_counters *old)
{
	if (old->counters)
		old->datapath->close_counters(old->counters);
}

/* Those in the kernel. */
static int read_live(struct em_stats **out, const struct old_counters *old,
		     const struct em_view *current, struct em_diag *diag)
{
	struct em_stats *stats __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc = em_stats_new(&stats, current->policy);

	if (rc)
		return em_diag_enomem(diag);
	if (old->counters)
		rc = old->datapath->read_counters(old->counters, current->policy, stats, diag);
	if (rc)
		return rc;
	*out = stats;
	stats = NULL;
	return 0;
}

static int read_counters(struct em_stats **out, const struct old_counters *old,
			 const struct em_view *current, struct em_state *state,
			 struct em_diag *diag)
{
	struct em_stats *stats __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc = read_live(&stats, old, current, diag);

	if (!rc)
		rc = em_generation_load_baseline(state, current->generation, current->policy, stats,
						 diag);
	if (rc)
		return rc;
	if (!old->counters)
		em_stats_settle(stats);
	*out = stats;
	stats = NULL;
	return 0;
}

int em_view_stats(struct em_stats **out, const struct em_view *current, struct em_state *state,
		  struct em_diag *diag)
{
	struct old_counters counters;
	int rc = open_counters(&counters, current, diag);

	if (rc)
		return rc;
	rc = read_counters(out, &counters, current, state, diag);
	close_counters(&counters);
	return rc;
}

int em_view_reset_stats(const struct em_view *current, struct em_state *state, struct em_diag *diag)
{
	struct em_stats *live __attribute__((cleanup(em_stats_freep))) = NULL;
	struct old_counters counters;
	int rc = open_counters(&counters, current, diag);

	if (rc)
		return rc;
	rc = read_live(&live, &counters, current, diag);
	close_counters(&counters);
	if (rc)
		return rc;
	em_stats_negate(live);
	return em_generation_save_baseline(state, current->generation, current->policy, live, diag);
}

/* What was counted so far, as the next generation is to start with; *out stays NULL: nothing. */
static int count_over(struct em_stats **out, const struct em_policy *next,
		      const struct old_counters *old, const struct em_view *current,
		      struct em_state *state, struct em_diag *diag)
{
	struct em_stats *before __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc;

	if (!current->policy)
		return 0;
	rc = read_counters(&before, old, current, state, diag);
	if (rc)
		return rc;
	rc = em_stats_new(out, next);
	if (rc)
		return em_diag_enomem(diag);
	em_stats_add(*out, next, before, current->policy);
	return 0;
}

/* The same, into a generation that is stored already. */
static int carry_over(uint32_t generation, const struct em_policy *policy,
		      const struct old_counters *old, const struct em_view *current,
		      struct em_state *state, struct em_diag *diag)
{
	struct em_stats *baseline __attribute__((cleanup(em_stats_freep))) = NULL;
	int rc = count_over(&baseline, policy, old, current, state, diag);

	return rc || !baseline
		       ? rc
		       : em_generation_save_baseline(state, generation, policy, baseline, diag);
}

/*
 * The last counts, and the end of the older generations' folders: before the counts are written,
 * which may need the room.
 */
static int carry_rest(uint32_t generation, const struct em_policy *policy,
		      const struct old_counters *old, const struct em_view *current,
		      struct em_state *state, struct em_diag *diag)
{
	struct em_stats *baseline __attribute__((cleanup(em_stats_freep))) = NULL;
	int first = count_over(&baseline, policy, old, current, state, diag);
	int rc = em_generation_clean(state, generation, diag);

	first = first ? first : rc;
	rc = baseline ? em_generation_save_baseline(state, generation, policy, baseline, diag) : 0;
	return first ? first : rc;
}

static void stamp(char text[32])
{
	time_t now = time(NULL);
	struct tm utc;

	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
}

static int store(struct em_record *next, const struct em_apply *apply, uint32_t generation,
		 struct em_state *state, struct em_diag *diag)
{
	*next = (struct em_record){
		.generation = generation,
		.backend = apply->plan.backend,
		.wanted = apply->wanted,
		.config = (char *)(uintptr_t)apply->config,
		.reason = (char *)(uintptr_t)apply->plan.reason,
		.attachments = apply->plan.attachments,
		.n_attachments = apply->plan.n_attachments,
		.listeners = apply->policy->n_listeners,
	};
	for (size_t i = 0; i < apply->policy->n_listeners; i++)
		next->entities += apply->policy->listeners[i].n_entities;
	stamp(next->applied_at);
	return em_generation_store(state, next, apply->policy, diag);
}

/* From here on the new generation is in force: what fails now is reported, but undoes nothing. */
static int clean_up(uint32_t generation, const struct em_apply *apply,
		    const struct old_counters *old, const struct em_view *current,
		    struct em_state *state, struct em_diag *diag)
{
	const struct em_plan *plan = &apply->plan;
	int first = 0, rc;

	/* A packet that was past the place of the new backend before it came meets the old one. */
	if (current->datapath && current->datapath != plan->datapath)
		em_grace_wait();
	for (size_t i = 0; em_backends[i]; i++) {
		rc = em_backends[i] == plan->datapath ? 0 : em_backends[i]->detach(diag);
		first = first ? first : rc;
	}
	em_grace_wait();
	rc = carry_rest(generation, apply->policy, old, current, state, diag);
	first = first ? first : rc;
	for (size_t i = 0; em_backends[i]; i++) {
		rc = em_backends[i] == plan->datapath
			     ? em_backends[i]->clean(generation, apply->policy, diag)
			     : em_backends[i]->clean(0, NULL, diag);
		first = first ? first : rc;
	}
	return first;
}

/* The generation is stored and prepared. */
static int go_over(uint32_t generation, struct em_prepared *prepared, struct em_apply *apply,
		   const struct em_view *current, struct em_state *state, struct em_diag *diag)
{
	struct old_counters old;
	int rc = open_counters(&old, current, diag);

	/* Should we die between the switch and the last counts, these are nearly right. */
	if (!rc)
		rc = carry_over(generation, apply->policy, &old, current, state, diag);
	if (!rc)
		rc = apply->plan.datapath->commit(prepared, &apply->plan, diag);
	if (rc)
		em_generation_clean(state, current->generation, diag);
	else
		rc = clean_up(generation, apply, &old, current, state, diag);
	close_counters(&old);
	return rc;
}

static int install(struct em_apply *apply, struct em_prepared *prepared, struct em_view *current,
		   struct em_state *state, struct em_diag *diag)
{
	struct em_record next;
	uint32_t generation;
	int rc = em_generation_next(&generation, state, current->installed.generation, diag);

	if (!rc)
		rc = em_view_load_policy(current, state, diag);
	if (!rc)
		rc = apply->plan.datapath->prepare(prepared, apply->policy, &apply->plan,
						   generation, diag);
	if (!rc)
		rc = store(&next, apply, generation, state, diag);
	if (!rc)
		rc = go_over(generation, prepared, apply, current, state, diag);
	return rc;
}

static bool same_attachments(const struct em_plan *plan, const struct em_record *applied)
{
	if (plan->n_attachments != applied->n_attachments)
		return false;
	for (size_t i = 0; i < plan->n_attachments; i++)
		if (plan->attachments[i].ifindex != applied->attachments[i].ifindex ||
		    plan->attachments[i].hook != applied->attachments[i].hook)
			return false;
	return true;
}

static int is_unchanged(bool *out, const struct em_apply *apply, const struct em_view *current,
			struct em_state *state, struct em_diag *diag)
{
	*out = false;
	if (!em_view_is_whole(current) || apply->plan.outdated ||
	    current->applied.backend != apply->plan.backend ||
	    !same_attachments(&apply->plan, &current->applied) ||
	    strcmp(current->applied.config, apply->config))
		return 0;
	return em_generation_same_policy(state, current->applied.generation, apply->policy, out,
					 diag);
}

static int foresee(struct em_plan *plan, struct em_diag *diag)
{
	return plan->datapath->foresee(plan->links, plan->n_attachments, diag);
}

/* Where nothing is tried, the plan stands as far as could be foreseen. */
static void settle(struct em_plan *plan)
{
	for (size_t i = 0; i < plan->n_attachments; i++)
		if (plan->attachments[i].hook == EM_HOOK_XDP_NATIVE &&
		    plan->links[i].native_xdp == EM_NATIVE_UNKNOWN)
			em_plan_note(plan,
				     "; %s: whether its driver takes a native XDP program shows "
				     "when it is tried",
				     plan->links[i].name);
	em_plan_settle(plan);
}

/* One choice from beginning to end; -EM_EUNSUPPORTED with plan.lacking where it is not for this
 * host. */
static int try_choice(struct em_apply *apply, struct em_view *current, struct em_state *state,
		      struct em_diag *diag)
{
	const struct em_backend_ops *datapath = apply->plan.datapath;
	struct em_prepared *prepared = NULL;
	sigset_t all, before;
	int rc = apply->dry_run ? foresee(&apply->plan, diag) : 0;

	if (!rc)
		rc = datapath->check_host(apply->policy, &apply->plan, diag);
	if (!rc && apply->dry_run)
		settle(&apply->plan);
	if (rc || apply->dry_run)
		return rc;
	/* Only what cannot be blocked shall be able to leave something half done. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	rc = datapath->reserve(&prepared, apply->policy, &apply->plan, diag);
	if (!rc) {
		rc = is_unchanged(&apply->unchanged, apply, current, state, diag);
		if (!rc && !apply->unchanged)
			rc = install(apply, prepared, current, state, diag);
		datapath->release(prepared);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* "xdp: why not; nft: …", for the reason of the choice that is made in the end. */
static void note_lacking(char *why, size_t size, const struct em_plan *plan)
{
	size_t used = strlen(why);

	snprintf(why + used, size - used, "%s%s: %s", used ? "; " : "",
		 plan->backend == EM_BACKEND_AUTO ? plan->datapath->name
						  : em_backend_name(plan->backend),
		 plan->lacking);
}

static void give_reason(struct em_apply *apply, const char *why)
{
	struct em_plan *plan = &apply->plan;

	if (apply->wanted != EM_BACKEND_AUTO)
		snprintf(plan->reason, sizeof(plan->reason), "asked for");
	else if (why[0])
		snprintf(plan->reason, sizeof(plan->reason), "%s", why);
	else
		snprintf(plan->reason, sizeof(plan->reason), "the fastest this host can carry");
}

static int report_lacking(const struct em_apply *apply, const char *why, struct em_diag *diag)
{
	if (apply->wanted != EM_BACKEND_AUTO)
		return em_diag_error(diag, -EM_EUNSUPPORTED, &apply->plan.lacking_place,
				     "%s cannot carry this policy here: %s",
				     em_backend_name(apply->wanted), apply->plan.lacking);
	return em_diag_error(diag, -EM_EUNSUPPORTED, &apply->plan.lacking_place,
			     "no backend can carry this policy here: %s", why);
}

static int try_choices(struct em_apply *apply, struct em_view *current, struct em_state *state,
		       struct em_diag *diag)
{
	struct em_choice choices[EM_CHOICES_MAX];
	size_t n = em_backend_choices(apply->wanted, choices);
	char why[512] = "";
	int rc = -EM_EUNSUPPORTED;

	if (!n)
		return em_diag_error(diag, rc, NULL, "backend %s is not built into this entitymux",
				     em_backend_name(apply->wanted));
	for (size_t i = 0; i < n && rc == -EM_EUNSUPPORTED; i++) {
		em_plan_clear(&apply->plan);
		rc = em_plan_init(&apply->plan, apply->policy, &choices[i], diag);
		if (rc)
			return rc;
		give_reason(apply, why);
		rc = try_choice(apply, current, state, diag);
		if (rc == -EM_EUNSUPPORTED)
			note_lacking(why, sizeof(why), &apply->plan);
	}
	if (rc == -EM_EUNSUPPORTED)
		report_lacking(apply, why, diag);
	return rc;
}

int em_apply_policy(struct em_apply *apply, struct em_state *state, struct em_diag *diag)
{
	struct em_view current = {0};
	int rc = em_view_read(&current, state, diag);

	if (!rc)
		rc = try_choices(apply, &current, state, diag);
	em_view_clear(&current);
	return rc;
}

int em_apply_remove(struct em_state *state, struct em_diag *diag)
{
	struct em_view current = {0};
	int first = 0, rc;

	/* Whatever else is wrong with what is there is no reason not to take it away. */
	rc = em_view_read(&current, state, diag);
	em_view_clear(&current);
	if (rc == -EPERM)
		return rc;

	for (size_t i = 0; em_backends[i]; i++) {
		rc = em_backends[i]->detach(diag);
		if (!rc)
			rc = em_backends[i]->clean(0, NULL, diag);
		first = first ? first : rc;
	}
	if (!first)
		first = em_generation_clean(state, 0, diag);
	return first;
}
