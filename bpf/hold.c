/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/hold.h"

#include <stdlib.h>
#include <unistd.h>

#include "bpf/attached.h"
#include "bpf/choose.h"
#include "bpf/front.h"
#include "bpf/pins.h"
#include "bpf/program.h"
#include "bpf/rtnl.h"
#include "bpf/trial.h"

struct em_hold {
	struct em_rtnl_change *held; /* how a placeholder came to an interface */
	size_t n_held;
	int placeholders[2]; /* descriptors, the second for fragments; -1: not loaded */
	bool fragments;	     /* some interface needs programs that take them */
};

void em_hold_free(struct em_hold *hold)
{
	if (!hold)
		return;
	for (int fragments = 0; fragments < 2; fragments++)
		if (hold->placeholders[fragments] >= 0)
			close(hold->placeholders[fragments]);
	free(hold->held);
	free(hold);
}

void em_hold_give_up(struct em_hold *hold)
{
	for (size_t i = 0; hold && i < hold->n_held; i++) {
		struct em_rtnl_change change = hold->held[i];

		change.expected = change.program;
		change.program = -1;
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

static int hold_place(struct em_hold *hold, struct em_plan *plan, size_t i,
		      struct em_outcome *outcome, struct em_diag *diag)
{
	struct em_rtnl_change change = {.kind = EM_RTNL_XDP,
					.ifindex = plan->attachments[i].ifindex,
					.mode = XDP_FLAGS_DRV_MODE,
					.expected = -1};
	struct em_rtnl_change again = change;
	bool fragments = em_link_needs_fragments(&plan->links[i]);
	int rc = load_placeholder(hold, fragments);
	char obstacle[200];

	if (rc)
		return em_diag_errno(diag, rc, NULL, "bpf: cannot load and pin a placeholder");
	rc = try_placeholder(hold, fragments, &change);
	/* The reason may be an MTU for which one buffer is too small. */
	if (rc && em_trial_is_lacking(&change) && !try_placeholder(hold, true, &again))
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

static int hold_places(struct em_hold *hold, struct em_plan *plan, struct em_outcome *outcome,
		       struct em_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < plan->n_attachments; i++) {
		struct em_xdp_seen seen;

		if (plan->attachments[i].hook != EM_HOOK_XDP_NATIVE)
			continue;
		rc = em_attached_see_xdp(&seen, plan->attachments[i].ifindex);
		if (rc)
			return em_diag_errno(diag, rc, NULL, "%s", plan->links[i].name);
		hold->fragments |= seen.fragments || em_link_needs_fragments(&plan->links[i]);
		if (!seen.id)
			rc = hold_place(hold, plan, i, outcome, diag);
	}
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
	hold->placeholders[0] = hold->placeholders[1] = -1;
	hold->held = calloc(plan->n_attachments, sizeof(*hold->held));
	rc = hold->held ? hold_places(hold, plan, outcome, diag) : em_diag_enomem(diag);
	if (rc) {
		em_hold_give_up(hold);
		return rc;
	}
	*out = hold;
	return 0;
}
