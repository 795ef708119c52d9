/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/front.h"

#include <errno.h>

#include "bpf/attached.h"
#include "bpf/program.h"
#include "bpf/tcx.h"

/* What others have at one hook. */
struct others {
	bool egress;
	bool tcx;	 /* a tcx program */
	uint16_t lowest; /* priority of a filter; 0: there is none */
};

static int note_filter(struct others *others, const struct em_rtnl_filter *filter)
{
	char name[16];
	int ours;

	if (filter->egress != others->egress || filter->chain)
		return 0;
	ours = filter->program ? em_attached_is_ours(filter->program, name) : 0;
	if (ours)
		return ours < 0 ? ours : 0;
	if (filter->tcx)
		others->tcx = true;
	else if (!others->lowest || filter->priority < others->lowest)
		others->lowest = filter->priority;
	return 0;
}

int em_front_find(struct em_front *out, unsigned int ifindex, bool egress)
{
	struct others others = {.egress = egress};
	struct em_rtnl_filters filters __attribute__((cleanup(em_rtnl_clear_filters)));
	int rc = em_rtnl_list_filters(&filters, ifindex);

	for (size_t i = 0; !rc && i < filters.n; i++)
		rc = note_filter(&others, &filters.all[i]);
	if (rc)
		return rc;
	*out = (struct em_front){.priority = others.lowest ? others.lowest - 1 : 0};
	if (!others.tcx && others.lowest != 1)
		return 0;
	out->tcx = true;
	rc = em_tcx_exists();
	return rc < 0 ? rc : rc ? 0 : -ENOSPC;
}

static int check_hook(const struct em_attachment *at, bool egress, struct em_outcome *outcome,
		      struct em_diag *diag)
{
	const char *hook = egress ? "egress" : "ingress";
	int shared = em_rtnl_is_shared(at->ifindex, egress), rc = shared;
	struct em_front front;

	if (!shared)
		rc = em_front_find(&front, at->ifindex, egress);
	if (rc == -ENOSPC)
		return em_outcome_lacks(
			outcome, NULL,
			"%s: a TC filter of somebody else at %s has priority 1, and "
			"this kernel puts nothing before it (tc filter del dev %s %s "
			"pref 1)",
			at->interface, hook, at->interface, hook);
	if (rc < 0)
		return em_diag_errno(diag, rc, NULL, "%s: cannot list the TC filters",
				     at->interface);
	if (shared)
		return em_outcome_lacks(
			outcome, NULL,
			"%s: its TC filters at %s are a shared block (%s_block), to "
			"which none is added for one interface",
			at->interface, hook, hook);
	return 0;
}

int em_front_check(const struct em_plan *plan, struct em_outcome *outcome, struct em_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; i < plan->n_attachments; i++) {
		enum em_program_kind kinds[EM_PROGRAMS_EACH];
		size_t n = em_programs_kinds(plan, i, kinds);

		for (size_t kind = 0; !rc && kind < n; kind++)
			if (em_programs_at_tc(kinds[kind]))
				rc = check_hook(&plan->attachments[i],
						em_programs_at_egress(kinds[kind]), outcome, diag);
	}
	return rc;
}
