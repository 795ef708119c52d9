/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/choose.h"

#include <errno.h>
#include <stdio.h>

#include "bpf/attached.h"
#include "bpf/compile.h"
#include "bpf/front.h"
#include "bpf/program.h"
#include "bpf/rtnl.h"
#include "bpf/stub.h"
#include "bpf/trial.h"
#include "host/obstacle.h"
#include "policy/conversation.h"

const struct em_place *em_choose_largest(const struct em_policy *policy)
{
	const struct em_format *most = NULL;

	for (size_t i = 0; i < policy->n_listeners; i++)
		for (size_t j = 0; j < policy->listeners[i].n_formats; j++) {
			const struct em_format *format = &policy->listeners[i].formats[j];

			if (!most || format->n_checks > most->n_checks)
				most = format;
		}
	return most && most->n_checks ? &most->checks[0].place : NULL;
}

/* Why no interface can have XDP; "" where it can. */
static int kernel_obstacle(char *obstacle, size_t size, struct em_diag *diag)
{
	int possible = em_stub_possible();

	if (possible < 0)
		return em_diag_errno(diag, possible, NULL, "cannot try to replace an XDP program");
	snprintf(obstacle, size, "%s", possible ? "" : EM_STUB_NO_BPFFS);
	return 0;
}

/* Whether the program for a native hook has to take frames in several buffers, and can. */
static int choose_fragments(const struct em_link *link, struct em_attachment *at,
			    struct em_diag *diag)
{
	int rc = 0;

	if (at->hook == EM_HOOK_XDP_NATIVE && em_link_needs_fragments(link))
		rc = em_trial_has_fragments();
	if (rc < 0)
		return em_diag_errno(diag, rc, NULL,
				     "%s: cannot try an XDP program for frames in several buffers",
				     link->name);
	at->fragments = rc;
	return 0;
}

/* Why the interface itself cannot have XDP; "" where it can. */
static void link_obstacle(const struct em_link *link, const struct em_attachment *at, char *text,
			  size_t size)
{
	struct em_obstacle obstacle;

	for (int kind = 0; kind < EM_OBSTACLES; kind++) {
		if (!em_obstacle_find(&obstacle, kind, link, at))
			continue;
		snprintf(text, size, "%s%s%.200s", obstacle.what,
			 obstacle.remedy[0] ? "; clear it with: " : "", obstacle.remedy);
		return;
	}
	if (at->hook == EM_HOOK_XDP_NATIVE && link->native_xdp == EM_NATIVE_NO)
		snprintf(text, size, "%s", link->native_why);
}

/* Why an interface cannot have XDP, as far as that shows without trying; "" where it can. */
static int xdp_obstacle(const struct em_link *link, struct em_attachment *at, char *obstacle,
			size_t size, struct em_diag *diag)
{
	struct em_xdp_seen seen;
	int rc = em_attached_see_xdp(&seen, link->ifindex);

	obstacle[0] = '\0';
	if (rc && rc != -ENOSYS)
		return em_diag_errno(diag, rc, NULL, "%s: cannot look for an XDP program",
				     link->name);
	if (seen.id && !seen.ours) {
		snprintf(obstacle, size, "another XDP program is on the interface (id %u%s%s)",
			 seen.id, seen.name[0] ? ", " : "", seen.name);
		return 0;
	}
	rc = choose_fragments(link, at, diag);
	if (!rc)
		link_obstacle(link, at, obstacle, size);
	return rc;
}

static enum em_hook hook_of(enum em_backend backend)
{
	switch (backend) {
	case EM_BACKEND_TC:
		return EM_HOOK_TC_INGRESS;
	case EM_BACKEND_XDP_GENERIC:
		return EM_HOOK_XDP_GENERIC;
	default:
		return EM_HOOK_XDP_NATIVE;
	}
}

void em_choose_tc(struct em_plan *plan, size_t attachment, struct em_outcome *outcome,
		  const char *obstacle)
{
	struct em_attachment *at = &plan->attachments[attachment];

	at->hook = EM_HOOK_TC_INGRESS;
	at->fragments = false;
	em_outcome_note(outcome, "; %s: tc, because %s", at->interface, obstacle);
}

/* An ingress qdisc stands where a clsact one would, and has no egress. */
static int check_egress(const struct em_plan *plan, size_t i, struct em_outcome *outcome,
			struct em_diag *diag)
{
	const struct em_attachment *at = &plan->attachments[i];
	int found = at->replies ? em_rtnl_ingress(at->ifindex) : EM_RTNL_NO_INGRESS;

	if (found < 0)
		return em_diag_errno(diag, found, NULL, "%s: cannot list the qdiscs",
				     at->interface);
	if (found != EM_RTNL_INGRESS)
		return 0;
	return em_outcome_lacks(outcome,
				&em_conversation_on(plan->policy, at->interface)->replies_place,
				"replies: %s has an ingress qdisc, where a clsact one is needed "
				"(tc qdisc del dev %s ingress)",
				at->interface, at->interface);
}

static int choose_hook(struct em_plan *plan, size_t i, struct em_outcome *outcome,
		       struct em_diag *diag)
{
	const struct em_interface *configured =
		em_policy_find_interface(plan->policy, plan->links[i].name);
	struct em_attachment *at = &plan->attachments[i];
	char obstacle[400];
	int rc;

	at->hook = hook_of(plan->backend);
	if (at->hook == EM_HOOK_TC_INGRESS)
		return 0;
	rc = kernel_obstacle(obstacle, sizeof(obstacle), diag);
	if (!rc && !obstacle[0])
		rc = xdp_obstacle(&plan->links[i], at, obstacle, sizeof(obstacle), diag);
	if (rc || !obstacle[0])
		return rc;
	if (plan->backend != EM_BACKEND_AUTO)
		return em_outcome_lacks(outcome, configured ? &configured->place : NULL, "%s: %s",
					plan->links[i].name, obstacle);
	em_choose_tc(plan, i, outcome, obstacle);
	return 0;
}

int em_choose_hooks(struct em_plan *plan, struct em_outcome *outcome, struct em_diag *diag)
{
	int rc = em_programs_try(outcome, diag);

	for (size_t i = 0; !rc && i < plan->n_attachments; i++)
		rc = check_egress(plan, i, outcome, diag);
	for (size_t i = 0; !rc && i < plan->n_attachments; i++)
		rc = choose_hook(plan, i, outcome, diag);
	if (!rc)
		rc = em_front_check(plan, outcome, diag);
	return rc ? rc : em_plan_check_links(plan, outcome);
}
