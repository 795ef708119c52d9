/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/attached.h"
#include "bpf/choose.h"
#include "bpf/front.h"
#include "bpf/pins.h"
#include "bpf/program.h"
#include "bpf/rtnl.h"
#include "bpf/stub.h"
#include "bpf/trial.h"

struct em_hold {
	struct em_rtnl_change *held; /* how a placeholder came to an interface */
	size_t n_held;
	int placeholders[2]; /* descriptors, the second for fragments; -1: not loaded */
	bool fragments;	     /* some interface needs programs that take them */
	bool stubs;	     /* each place has a stub of its own */
	int like;	     /* any stub; -1: there is none yet */
};

void em_hold_free(struct em_hold *hold)
{
	if (!hold)
		return;
	for (int fragments = 0; fragments < 2; fragments++)
		if (hold->placeholders[fragments] >= 0)
			close(hold->placeholders[fragments]);
	for (size_t i = 0; hold->stubs && i < hold->n_held; i++)
		close(hold->held[i].program);
	if (hold->like >= 0)
		close(hold->like);
	free(hold->held);
	free(hold);
}

void em_hold_give_up(struct em_hold *hold)
{
	for (size_t i = 0; hold && i < hold->n_held; i++) {
		struct em_rtnl_change change = hold->held[i];

		change.expected = change.program;
		change.program = -1;
		change.unchecked = hold->stubs;
		/*
		 * Where the program has been replaced already, the kernel refuses, and rightly so.
		 */
		(void)em_rtnl_change(&change, 1);
	}
	em_hold_free(hold);
}

/* Loads it when it is needed first.  Returns 0 or -errno, unreported. */
static int load_placeholder(struct em_hold *hold, bool fragments)
{
	int *placeholder = &hold->placeholders[fragments];
	const struct em_pins pins = {.programs = placeholder, .n_programs = 1};

	if (*placeholder >= 0)
		return 0;
	*placeholder = em_programs_placeholder(fragments);
	return *placeholder < 0 ? *placeholder : em_pins_add(&pins);
}

static int try_placeholder(struct em_hold *hold, bool fragments, struct em_rtnl_change *change)
{
	int rc = load_placeholder(hold, fragments);

	change->program = hold->placeholders[fragments];
	if (!rc)
		rc = em_rtnl_change(change, 1);
	if (rc)
		return rc;
	hold->held[hold->n_held++] = *change;
	hold->fragments |= fragments;
	return 0;
}

static int hold_by_stub(struct em_hold *hold, struct em_rtnl_change *change)
{
	int rc;

	change->program = em_stub_load(hold->like);
	if (change->program < 0)
		return change->program;
	if (hold->like < 0)
		hold->like = fcntl(change->program, F_DUPFD_CLOEXEC, 0);
	rc = hold->like < 0 ? -errno : em_rtnl_change(change, 1);
	if (rc)
		close(change->program);
	else
		hold->held[hold->n_held++] = *change;
	return rc;
}

static int hold_place(struct em_hold *hold, struct em_plan *plan, size_t i,
		      struct em_outcome *outcome, struct em_diag *diag)
{
	struct em_rtnl_change change = {.kind = EM_RTNL_XDP,
					.ifindex = plan->attachments[i].ifindex,
					.mode = em_attached_mode(plan->attachments[i].hook),
					.expected = -1};
	struct em_rtnl_change again = change;
	bool fragments = em_link_needs_fragments(&plan->links[i]);
	int rc = hold->stubs ? 0 : load_placeholder(hold, fragments);
	char obstacle[200];

	if (rc)
		return em_diag_errno(diag, rc, NULL, "bpf: cannot load and pin a placeholder");
	rc = hold->stubs ? hold_by_stub(hold, &change) : try_placeholder(hold, fragments, &change);
	/* The reason may be an MTU for which one buffer is too small. */
	if (rc && !hold->stubs && em_trial_is_lacking(&change) &&
	    !try_placeholder(hold, true, &again))
		return 0;
	if (!rc)
		return 0;
	em_trial_describe(&change, obstacle, sizeof(obstacle));
	if (!em_trial_is_lacking(&change))
		return em_diag_error(diag, rc, NULL, "%s: %s", plan->links[i].name, obstacle);
	if (plan->backend != EM_BACKEND_AUTO)
		return em_outcome_lacks(outcome, NULL, "%s: %s", plan->links[i].name, obstacle);
	em_choose_tc(plan, i, outcome, obstacle);
	return 0;
}

/*
 * One program for all interfaces: it takes fragments if some interface needs that or has had it so
 * far.
 */
static void set_fragments(const struct em_hold *hold, struct em_plan *plan)
{
	for (size_t i = 0; i < plan->n_attachments; i++)
		plan->attachments[i].fragments =
			plan->attachments[i].hook == EM_HOOK_XDP_NATIVE && hold->fragments;
}

/* A generic program comes all at once, unless it comes into a stub. */
static bool is_to_be_held(const struct em_hold *hold, const struct em_attachment *at)
{
	return at->hook == EM_HOOK_XDP_NATIVE || (hold->stubs && at->hook == EM_HOOK_XDP_GENERIC);
}

static int hold_all(struct em_hold *hold, struct em_plan *plan, struct em_outcome *outcome,
		    struct em_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < plan->n_attachments; i++) {
		struct em_xdp_seen seen;

		if (!is_to_be_held(hold, &plan->attachments[i]))
			continue;
		rc = em_attached_see_xdp(&seen, plan->attachments[i].ifindex);
		if (rc)
			return em_diag_errno(diag, rc, NULL, "%s", plan->links[i].name);
		if (!hold->stubs)
			hold->fragments |=
				seen.fragments || em_link_needs_fragments(&plan->links[i]);
		if (!seen.id)
			rc = hold_place(hold, plan, i, outcome, diag);
	}
	return rc;
}

/* Without its pins a stub would be emptied when this run ends. */
static int note_stub(void *context, const struct em_attached *attached)
{
	struct em_hold *hold = context;
	int rc = 0;

	if (attached->stub >= 0)
		rc = em_stub_pin(attached->stub);
	if (!rc && attached->stub >= 0 && hold->like < 0) {
		hold->like = fcntl(attached->stub, F_DUPFD_CLOEXEC, 0);
		rc = hold->like < 0 ? -errno : 0;
	}
	em_attached_close(attached);
	return rc;
}

static bool has_xdp(const struct em_plan *plan)
{
	for (size_t i = 0; i < plan->n_attachments; i++)
		if (plan->attachments[i].hook != EM_HOOK_TC_INGRESS)
			return true;
	return false;
}

static int find_stubs(struct em_hold *hold, const struct em_plan *plan, struct em_diag *diag)
{
	int rc = has_xdp(plan) ? em_stub_needed() : 0;

	if (rc < 0)
		return em_diag_errno(diag, rc, NULL, "cannot try to replace an XDP program");
	hold->stubs = rc;
	return rc ? em_attached_each(note_stub, hold, diag) : 0;
}

static int hold_places(struct em_hold *hold, struct em_plan *plan, struct em_outcome *outcome,
		       struct em_diag *diag)
{
	int rc = find_stubs(hold, plan, diag);

	if (!rc)
		rc = hold_all(hold, plan, outcome, diag);
	if (!rc)
		rc = em_front_check(plan, outcome, diag);
	if (rc)
		return rc;
	set_fragments(hold, plan);
	return em_plan_check_links(plan, outcome);
}

int em_hold_places(struct em_hold **out, struct em_plan *plan, struct em_outcome *outcome,
		   struct em_diag *diag)
{
	struct em_hold *hold = calloc(1, sizeof(*hold));
	int rc;

	if (!hold)
		return em_diag_enomem(diag);
	hold->placeholders[0] = hold->placeholders[1] = hold->like = -1;
	hold->held = calloc(plan->n_attachments, sizeof(*hold->held));
	rc = hold->held ? hold_places(hold, plan, outcome, diag) : em_diag_enomem(diag);
	if (rc) {
		em_hold_give_up(hold);
		return rc;
	}
	*out = hold;
	return 0;
}
