/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * backend - the operations of the eBPF backend, as steps that the other modules of this folder
 * carry out.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/attached.h"
#include "bpf/changes.h"
#include "bpf/choose.h"
#include "bpf/discover.h"
#include "bpf/features.h"
#include "bpf/flows.h"
#include "bpf/hold.h"
#include "bpf/marks.h"
#include "bpf/object.h"
#include "bpf/others.h"
#include "bpf/perf.h"
#include "bpf/pins.h"
#include "bpf/program.h"
#include "bpf/tally.h"
#include "bpf/trial.h"
#include "host/grace.h"
#include "policy/conversation.h"

struct em_prepared {
	struct em_plan *plan; /* not owned */
	struct em_hold *hold;
	struct em_programs *programs;
	struct em_program_options options;
	struct em_flows flows;
	bool committed;
};

static int survey(struct em_link *link, em_other_fn *found, void *context, struct em_diag *diag)
{
	int rc = em_trial_foresee(link, 1, diag);

	return rc ? rc : em_others_list(link, found, context, diag);
}

/* The error that led here has been reported. If this fails as well, the next run cleans up. */
static void withdraw(struct em_prepared *prepared)
{
	struct em_diag_kept quiet;

	em_hold_give_up(prepared->hold);
	prepared->hold = NULL;
	if (em_diag_keep(&quiet))
		return;
	(void)em_attached_unpin_others(&quiet.diag);
	free(em_diag_take_kept(&quiet));
}

static void abort_prepared(struct em_prepared *prepared)
{
	if (!prepared)
		return;
	if (!prepared->committed)
		withdraw(prepared);
	em_hold_free(prepared->hold);
	em_programs_free(prepared->programs);
	em_flows_close(&prepared->flows);
	free(prepared);
}

static bool needs_fragments(const struct em_plan *plan)
{
	for (size_t i = 0; i < plan->n_attachments; i++)
		if (plan->attachments[i].fragments)
			return true;
	return false;
}

/* Whether the verifier takes the programs, which are loaded and given up again. */
static int try_load(struct em_plan *plan, struct em_outcome *outcome, struct em_diag *diag)
{
	const struct em_program_options options = {.trial = true,
						   .fragments = needs_fragments(plan),
						   .ipv6_header_limit = EM_HEADER_LIMIT_MAX,
						   .flows = -1};
	struct em_programs *programs = NULL;
	int rc = em_programs_load(&programs, plan->policy, plan, &options, 1, outcome, diag);

	em_programs_free(programs);
	return rc;
}

/* Choices that can still change when they are tried. */
static int foresee(struct em_plan *plan, struct em_outcome *outcome, struct em_diag *diag)
{
	int rc = em_trial_foresee(plan->links, plan->n_attachments, diag);

	if (!rc)
		rc = em_choose_hooks(plan, outcome, diag);
	if (rc)
		return rc;
	for (size_t i = 0; i < plan->n_attachments; i++)
		if (plan->attachments[i].hook == EM_HOOK_XDP_NATIVE &&
		    plan->links[i].native_xdp == EM_NATIVE_UNKNOWN)
			em_outcome_note(outcome,
					"; %s: whether its driver takes a native XDP program shows "
					"when it is tried",
					plan->links[i].name);
	em_plan_settle(plan);
	return try_load(plan, outcome, diag);
}

static int try_hooks(struct em_prepared **out, struct em_plan *plan, struct em_outcome *outcome,
		     struct em_diag *diag)
{
	struct em_prepared *prepared = calloc(1, sizeof(*prepared));
	int rc;

	if (!prepared)
		return em_diag_enomem(diag);
	*out = prepared;
	prepared->plan = plan;
	prepared->flows = (struct em_flows){.table = -1, .before = -1};
	rc = em_choose_hooks(plan, outcome, diag);
	if (!rc)
		rc = em_hold_places(&prepared->hold, plan, outcome, diag);
	if (rc)
		return rc;
	em_plan_settle(plan);
	prepared->options.fragments = needs_fragments(plan);
	rc = em_changes_need_bridge(plan, diag);
	prepared->options.bridge = rc > 0;
	return rc < 0 ? rc : 0;
}

/* Any program for egress will do: the kernel takes each of them on any interface. */
static int try_egress(const struct em_prepared *prepared, struct em_outcome *outcome,
		      struct em_diag *diag)
{
	const struct em_listener *listener = em_conversation_first(prepared->plan->policy);
	int program;

	if (!listener)
		return 0;
	program = em_programs_fd(prepared->programs, EM_PROGRAM_REPLY);
	if (program < 0)
		program = em_programs_fd(prepared->programs, EM_PROGRAM_REPLY_IP);
	return em_trial_egress(program, outcome, &listener->replies_place, diag);
}

/* What is to be at XDP: a stub is there already. */
static int note_program(const struct em_prepared *prepared, struct em_attachment *at,
			enum em_program_kind kind)
{
	struct em_xdp_seen seen;
	int rc = em_attached_see_xdp(&seen, at->ifindex);

	if (rc)
		return rc;
	if (!seen.stub)
		return em_pins_program_id(em_programs_fd(prepared->programs, kind), &at->program);
	at->program = seen.id;
	return 0;
}

/* Identifies a program that has gone away with its interface; see moved.h. */
static int note_programs(const struct em_prepared *prepared, struct em_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < prepared->plan->n_attachments; i++) {
		enum em_program_kind kinds[EM_PROGRAMS_EACH];
		size_t n = em_programs_kinds(prepared->plan, i, kinds);

		for (size_t j = 0; !rc && j < n; j++)
			if (!em_programs_at_tc(kinds[j]))
				rc = note_program(prepared, &prepared->plan->attachments[i],
						  kinds[j]);
	}
	return rc ? em_diag_errno(diag, rc, NULL, "bpf: cannot read what was loaded") : 0;
}

static int build(struct em_prepared *prepared, struct em_outcome *outcome, struct em_diag *diag)
{
	const struct em_plan *plan = prepared->plan;
	int rc = em_flows_open(&prepared->flows, plan->policy, diag);

	prepared->options.flows = prepared->flows.table;
	prepared->options.ipv6_header_limit = plan->ipv6_header_limit;
	prepared->options.marks = plan->marks;
	if (!rc)
		rc = em_programs_load(&prepared->programs, plan->policy, plan, &prepared->options,
				      plan->generation, outcome, diag);
	if (!rc)
		rc = note_programs(prepared, diag);
	if (!rc)
		rc = try_egress(prepared, outcome, diag);
	if (!rc)
		rc = em_flows_take_over(&prepared->flows, diag);
	return rc ? rc : em_programs_pin(prepared->programs, diag);
}

static int prepare(struct em_prepared **prepared, struct em_plan *plan, struct em_outcome *outcome,
		   enum em_stage stage, struct em_diag *diag)
{
	switch (stage) {
	case EM_FORESEE:
		return foresee(plan, outcome, diag);
	case EM_TRY:
		return try_hooks(prepared, plan, outcome, diag);
	case EM_BUILD:
		return build(*prepared, outcome, diag);
	}
	return -EINVAL;
}

/* Conversations that began after the table was copied, while the old generation was in force. */
static void copy_newest_flows(const struct em_prepared *prepared, struct em_diag *diag)
{
	if (prepared->flows.before < 0)
		return;
	em_grace_wait();
	if (em_flows_take_over(&prepared->flows, diag))
		em_diag_warning(diag, NULL,
				"the policy is in force, but has lost the newest conversations");
}

static int commit(struct em_prepared *prepared, struct em_diag *diag)
{
	bool bridged = prepared->options.bridge;
	int rc = em_changes_make(prepared->programs, prepared->plan, 0, &bridged, diag);

	if (rc)
		return rc;
	prepared->committed = true;
	copy_newest_flows(prepared, diag);
	if (!bridged)
		return 0;
	/*
	 * A packet that passed the XDP hook before our program came must still find the whole
	 * decision at TC.
	 */
	em_grace_wait();
	bridged = false;
	if (em_changes_make(prepared->programs, prepared->plan, 0, &bridged, diag))
		em_diag_warning(diag, NULL,
				"the policy is in force, but at two hooks: apply again");
	return 0;
}

static int add_flows(struct em_prepared *prepared, const struct em_flow_list *list,
		     struct em_diag *diag)
{
	return em_flows_fill(&prepared->flows, prepared->plan->policy, list, diag);
}

static int open_counters(struct em_counters **out, uint32_t generation, struct em_diag *diag)
{
	int program, rc = em_attached_find(&program, generation, diag);

	if (rc)
		return rc;
	if (program < 0)
		return em_diag_error(diag, -ENOENT, NULL, "no program of generation %u is attached",
				     generation);
	rc = em_tally_open(out, program, diag);
	close(program);
	return rc;
}

/*
 * Programs and maps live as long as they are attached or pinned: with both gone, they are removed.
 */
static int clean(uint32_t keep, const struct em_policy *policy, struct em_diag *diag)
{
	int rc = em_changes_make(NULL, NULL, keep, NULL, diag);

	/* A run that died may have left marks. */
	if (!rc && keep)
		rc = em_marks_set(keep, false, diag);
	if (!rc)
		rc = em_flows_end(keep, policy, diag);
	return rc ? rc : em_attached_unpin_others(diag);
}

static int detach(struct em_diag *diag)
{
	return em_changes_make(NULL, NULL, 0, NULL, diag);
}

const struct em_backend_ops em_bpf_backend = {
	.name = "eBPF",
	.has_clock = true,
	.programs = em_objects_hash,
	.has_program = em_programs_has,
	.features = em_features_try,
	.survey = survey,
	.prepare = prepare,
	.commit = commit,
	.abort = abort_prepared,
	.read_flows = em_flows_read,
	.add_flows = add_flows,
	.inspect = em_discover,
	.open_counters = open_counters,
	.read_counters = em_tally_read,
	.read_unknown = em_tally_read_unknown,
	.close_counters = em_tally_close,
	.open_sampler = em_perf_open,
	.begin_sampler = em_perf_begin,
	.read_sampler = em_perf_read,
	.close_sampler = em_perf_close,
	.mark = em_marks_set,
	.detach = detach,
	.clean = clean,
};
