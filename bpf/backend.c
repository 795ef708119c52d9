/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * The operations of the eBPF backend: which hook each interface gets, and the steps that the other
 * modules of this folder carry out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/attached.h"
#include "bpf/changes.h"
#include "bpf/discover.h"
#include "bpf/features.h"
#include "bpf/flows.h"
#include "bpf/front.h"
#include "bpf/others.h"
#include "bpf/pins.h"
#include "bpf/program.h"
#include "bpf/rtnl.h"
#include "bpf/trial.h"
#include "engine/header_limit.h"
#include "host/grace.h"
#include "policy/conversation.h"

struct em_prepared {
	struct em_programs *programs;
	struct em_rtnl_change *held; /* how a placeholder came to an interface */
	size_t n_held;
	int placeholders[2]; /* descriptors, the second for fragments; -1: not loaded */
	struct em_program_options options;
	struct em_flows flows;
	bool committed;
};

static void review(const struct em_policy *policy, em_review_fn *found, void *context)
{
	(void)policy;
	(void)found;
	(void)context;
}

static bool has_vlan_listener(const struct em_policy *policy, const char *interface)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		if (policy->listeners[i].vlan && em_listener_on(&policy->listeners[i], interface))
			return true;
	return false;
}

/* What rules XDP out on every interface; or "". */
static int kernel_obstacle(char *obstacle, size_t size, struct em_diag *diag)
{
	int replaces = em_trial_replaces();

	if (replaces < 0)
		return em_diag_errno(diag, replaces, NULL, "cannot try to replace an XDP program");
	snprintf(obstacle, size, "%s",
		 replaces ? "" : "this kernel replaces no XDP program in one step (Linux 5.7)");
	return 0;
}

/* What rules XDP out on an interface, as far as that shows without trying; or "". */
static int xdp_obstacle(const struct em_policy *policy, const struct em_link *link, bool native,
			char *obstacle, size_t size, struct em_diag *diag)
{
	struct em_xdp_seen seen;
	int rc = em_attached_see_xdp(&seen, link->ifindex);

	obstacle[0] = '\0';
	if (rc && rc != -ENOSYS)
		return em_diag_errno(diag, rc, NULL, "%s: cannot look for an XDP program",
				     link->name);
	if (seen.id && !seen.ours)
		snprintf(obstacle, size, "another XDP program is on the interface (id %u%s%s)",
			 seen.id, seen.name[0] ? ", " : "", seen.name);
	else if (!link->ethernet)
		snprintf(obstacle, size, "its packets have no Ethernet header");
	else if (native && em_trial_needs_fragments(link) && !em_trial_has_fragments())
		snprintf(obstacle, size,
			 "with a VLAN tag, a frame of its MTU (%u) is too long for one buffer, and "
			 "this kernel has no XDP program for several (Linux 5.18)",
			 link->mtu);
	else if (native && link->native_xdp == EM_NATIVE_NO)
		snprintf(obstacle, size, "%s", link->native_why);
	else if (native && !strcmp(link->kind, "bond"))
		snprintf(obstacle, size,
			 "its members run the program of a bond, and on packets that are theirs by "
			 "then, not the bond's (for XDP, name the members)");
	else if (link->vlan_offload && has_vlan_listener(policy, link->name))
		snprintf(obstacle, size,
			 "rx-vlan-offload takes the VLAN tag off before XDP sees it (clear it with "
			 "ethtool -K %s rxvlan off)",
			 link->name);
	else if (link->vlan_offload && link->vlan_on_top)
		snprintf(obstacle, size,
			 "rx-vlan-offload makes the packets of the VLAN interfaces on top of it "
			 "look untagged to XDP (clear it with ethtool -K %s rxvlan off)",
			 link->name);
	return 0;
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

static void choose_tc(struct em_plan *plan, size_t i, const char *obstacle)
{
	plan->attachments[i].hook = EM_HOOK_TC_INGRESS;
	em_plan_note(plan, "; %s: tc, because %s", plan->attachments[i].interface, obstacle);
}

/* An ingress qdisc stands where a clsact one would, and has no egress. */
static int check_egress(const struct em_policy *policy, struct em_plan *plan, size_t i,
			struct em_diag *diag)
{
	const struct em_attachment *at = &plan->attachments[i];
	int found = at->replies ? em_rtnl_ingress(at->ifindex) : EM_RTNL_NO_INGRESS;

	if (found < 0)
		return em_diag_errno(diag, found, NULL, "%s: cannot list the qdiscs",
				     at->interface);
	if (found != EM_RTNL_INGRESS)
		return 0;
	return em_plan_lacks(plan, &em_conversation_first(policy)->replies_place,
			     "replies: %s has an ingress qdisc, where a clsact one is needed (tc "
			     "qdisc del dev %s ingress)",
			     at->interface, at->interface);
}

static int carry_interface(const struct em_policy *policy, struct em_plan *plan, size_t i,
			   struct em_diag *diag)
{
	enum em_hook hook = hook_of(plan->backend);
	char obstacle[200];
	int rc;

	plan->attachments[i].hook = hook;
	if (hook == EM_HOOK_TC_INGRESS)
		return 0;
	rc = kernel_obstacle(obstacle, sizeof(obstacle), diag);
	if (!rc && !obstacle[0])
		rc = xdp_obstacle(policy, &plan->links[i], hook == EM_HOOK_XDP_NATIVE, obstacle,
				  sizeof(obstacle), diag);
	if (rc || !obstacle[0])
		return rc;
	if (plan->backend != EM_BACKEND_AUTO)
		return em_plan_lacks(plan, NULL, "%s: %s", plan->links[i].name, obstacle);
	choose_tc(plan, i, obstacle);
	return 0;
}

/*
 * With a packet, IPsec hands on the place and the length of the outer one's Ethernet header, and TC
 * shows programs the packet from there.
 */
static int check_ipsec(struct em_plan *plan, size_t i)
{
	const struct em_link *link = &plan->links[i];

	if (!link->ipsec || plan->attachments[i].hook != EM_HOOK_TC_INGRESS)
		return 0;
	return em_plan_lacks(plan, NULL,
			     "%s: a packet that comes out of IPsec (kind %s) does not begin with "
			     "its IP header at TC",
			     link->name, link->kind);
}

/* What XDP leaves to a program at TC gets there behind GRO. */
static bool is_before_gro(const struct em_plan *plan, size_t i)
{
	enum em_program_kind kinds[EM_PROGRAMS_EACH];
	size_t n = em_programs_kinds(plan, i, kinds);

	if (plan->attachments[i].hook != EM_HOOK_XDP_NATIVE)
		return false;
	for (size_t kind = 0; kind < n; kind++)
		if (em_programs_at_tc(kinds[kind]) && !em_programs_at_egress(kinds[kind]))
			return false;
	return true;
}

static int check_coalescing(struct em_plan *plan)
{
	for (size_t i = 0; i < plan->n_attachments; i++)
		plan->attachments[i].before_gro = is_before_gro(plan, i);
	return em_plan_check_coalescing(plan);
}

static int check_host(const struct em_policy *policy, struct em_plan *plan, struct em_diag *diag)
{
	int rc = em_programs_try(plan, diag);

	for (size_t i = 0; !rc && i < plan->n_attachments; i++)
		rc = check_egress(policy, plan, i, diag);
	for (size_t i = 0; !rc && i < plan->n_attachments; i++)
		rc = carry_interface(policy, plan, i, diag);
	for (size_t i = 0; !rc && i < plan->n_attachments; i++)
		rc = check_ipsec(plan, i);
	if (!rc)
		rc = em_front_check(plan, diag);
	return rc ? rc : check_coalescing(plan);
}

static void detach_placeholders(struct em_prepared *prepared)
{
	for (size_t i = 0; i < prepared->n_held; i++) {
		struct em_rtnl_change change = prepared->held[i];

		change.expected = change.program;
		change.program = -1;
		/* Where it has been replaced already, the kernel refuses, and is right. */
		(void)em_rtnl_change(&change, 1);
	}
	prepared->n_held = 0;
}

/* What led here has been reported.  Should this fail as well, the next run cleans up. */
static void withdraw(struct em_prepared *prepared)
{
	struct em_diag_kept quiet;

	detach_placeholders(prepared);
	if (em_diag_keep(&quiet))
		return;
	(void)em_attached_unpin_others(&quiet.diag);
	free(em_diag_take_kept(&quiet));
}

static void release(struct em_prepared *prepared)
{
	if (!prepared)
		return;
	if (!prepared->committed)
		withdraw(prepared);
	for (int fragments = 0; fragments < 2; fragments++)
		if (prepared->placeholders[fragments] >= 0)
			close(prepared->placeholders[fragments]);
	em_programs_free(prepared->programs);
	em_flows_close(&prepared->flows);
	free(prepared->held);
	free(prepared);
}

/* Loads it when it is needed first.  Returns 0 or -errno, unreported. */
static int load_placeholder(struct em_prepared *prepared, bool fragments)
{
	int *placeholder = &prepared->placeholders[fragments];
	const struct em_pins pins = {.programs = placeholder, .n_programs = 1};

	if (*placeholder >= 0)
		return 0;
	*placeholder = em_programs_placeholder(fragments);
	return *placeholder < 0 ? *placeholder : em_pins_add(&pins);
}

static int try_placeholder(struct em_prepared *prepared, bool fragments,
			   struct em_rtnl_change *change)
{
	int rc = load_placeholder(prepared, fragments);

	change->program = prepared->placeholders[fragments];
	return rc ? rc : em_rtnl_change(change, 1);
}

/*
 * Whether a driver takes a native program shows only when it gets one.  One that passes everything
 * is tried, and stays to hold the place: most NICs reset their queues when the first program comes,
 * but not when it is replaced.
 */
static int hold_place(struct em_prepared *prepared, struct em_plan *plan, size_t i,
		      struct em_diag *diag)
{
	struct em_rtnl_change change = {.kind = EM_RTNL_XDP,
					.ifindex = plan->attachments[i].ifindex,
					.mode = XDP_FLAGS_DRV_MODE,
					.expected = -1};
	struct em_rtnl_change again = change;
	bool fragments = em_trial_needs_fragments(&plan->links[i]);
	int rc = load_placeholder(prepared, fragments);
	char obstacle[200];

	if (rc)
		return em_diag_errno(diag, rc, NULL, "bpf: cannot load and pin a placeholder");
	rc = try_placeholder(prepared, fragments, &change);
	if (!rc) {
		prepared->held[prepared->n_held++] = change;
		prepared->options.fragments |= fragments;
		return 0;
	}
	/* What is in the way may be an MTU for which one buffer is too small. */
	if (em_trial_is_lacking(&change) && !try_placeholder(prepared, true, &again)) {
		prepared->held[prepared->n_held++] = again;
		prepared->options.fragments = true;
		return 0;
	}
	em_trial_describe(&change, obstacle, sizeof(obstacle));
	if (!em_trial_is_lacking(&change))
		return em_diag_error(diag, rc, NULL, "%s: %s", plan->links[i].name, obstacle);
	if (plan->backend != EM_BACKEND_AUTO)
		return em_plan_lacks(plan, NULL, "%s: %s", plan->links[i].name, obstacle);
	choose_tc(plan, i, obstacle);
	return 0;
}

static int hold_places(struct em_prepared *prepared, struct em_plan *plan, struct em_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < plan->n_attachments; i++) {
		struct em_xdp_seen seen;

		if (plan->attachments[i].hook != EM_HOOK_XDP_NATIVE)
			continue;
		rc = em_attached_see_xdp(&seen, plan->attachments[i].ifindex);
		if (rc)
			return em_diag_errno(diag, rc, NULL, "%s", plan->links[i].name);
		prepared->options.fragments |= seen.fragments;
		if (!seen.id) {
			rc = hold_place(prepared, plan, i, diag);
		} else if (!seen.fragments && em_trial_needs_fragments(&plan->links[i])) {
			prepared->options.fragments = true;
			plan->outdated = true;
		}
	}
	if (!rc)
		rc = em_front_check(plan, diag);
	if (!rc)
		rc = check_coalescing(plan);
	if (rc)
		return rc;
	em_plan_settle(plan);
	rc = em_changes_need_bridge(plan, diag);
	prepared->options.bridge = rc > 0;
	return rc < 0 ? rc : 0;
}

static int reserve(struct em_prepared **out, const struct em_policy *policy, struct em_plan *plan,
		   struct em_diag *diag)
{
	struct em_prepared *prepared = calloc(1, sizeof(*prepared));
	int rc;

	(void)policy;
	if (!prepared)
		return em_diag_enomem(diag);
	prepared->placeholders[0] = prepared->placeholders[1] = -1;
	prepared->flows = (struct em_flows){.table = -1, .before = -1};
	prepared->held = calloc(plan->n_attachments, sizeof(*prepared->held));
	if (prepared->held)
		rc = hold_places(prepared, plan, diag);
	else
		rc = em_diag_enomem(diag);
	if (rc) {
		release(prepared);
		return rc;
	}
	*out = prepared;
	return 0;
}

/* Any of the programs at egress will do: each goes onto any interface. */
static int try_egress(const struct em_prepared *prepared, const struct em_policy *policy,
		      struct em_plan *plan, struct em_diag *diag)
{
	const struct em_listener *listener = em_conversation_first(policy);
	int program;

	if (!listener)
		return 0;
	program = em_programs_fd(prepared->programs, EM_PROGRAM_REPLY);
	if (program < 0)
		program = em_programs_fd(prepared->programs, EM_PROGRAM_REPLY_IP);
	return em_trial_egress(program, plan, &listener->replies_place, diag);
}

static int prepare(struct em_prepared *prepared, const struct em_policy *policy,
		   struct em_plan *plan, uint32_t generation, struct em_diag *diag)
{
	int rc = em_flows_open(&prepared->flows, policy, diag);

	prepared->options.flows = prepared->flows.table;
	prepared->options.ipv6_header_limit = em_header_limit_find();
	if (!rc)
		rc = em_programs_load(&prepared->programs, policy, plan, &prepared->options,
				      generation, diag);
	if (!rc)
		rc = try_egress(prepared, policy, plan, diag);
	if (!rc)
		rc = em_flows_take_over(&prepared->flows, diag);
	return rc ? rc : em_programs_pin(prepared->programs, diag);
}

static int change_over(const struct em_prepared *prepared, const struct em_plan *plan,
		       bool *bridged, struct em_diag *diag)
{
	struct em_changes changes = {.overlap = *bridged};
	int rc = em_changes_plan(&changes, prepared->programs, plan, 0, diag);

	if (!rc)
		rc = em_changes_make(&changes, diag);
	*bridged = changes.bridged;
	em_changes_clear(&changes);
	return rc;
}

/* Those that began after they were carried over, while the old generation was still in force. */
static void carry_newest(const struct em_prepared *prepared, struct em_diag *diag)
{
	if (prepared->flows.before < 0)
		return;
	em_grace_wait();
	if (em_flows_take_over(&prepared->flows, diag))
		em_diag_warning(diag, NULL,
				"the policy is in force, but has lost the newest conversations");
}

static int commit(struct em_prepared *prepared, struct em_plan *plan, struct em_diag *diag)
{
	bool bridged = prepared->options.bridge;
	int rc = change_over(prepared, plan, &bridged, diag);

	if (rc)
		return rc;
	prepared->committed = true;
	carry_newest(prepared, diag);
	if (!bridged)
		return 0;
	/* A packet that was past XDP before it came is still to find TC with the whole decision. */
	em_grace_wait();
	bridged = false;
	if (change_over(prepared, plan, &bridged, diag))
		em_diag_warning(diag, NULL,
				"the policy is in force, but at two hooks: apply again");
	return 0;
}

static int open_counters(struct em_counters **out, uint32_t generation, struct em_diag *diag)
{
	int program, rc = em_attached_find(&program, generation, diag);

	if (rc)
		return rc;
	if (program < 0)
		return em_diag_error(diag, -ENOENT, NULL, "no program of generation %u is attached",
				     generation);
	rc = em_attached_open_counters(out, program, diag);
	close(program);
	return rc;
}

/* Nothing of ours outlives its attachment and its pin, so that without these it is removed. */
static int clean(uint32_t keep, const struct em_policy *policy, struct em_diag *diag)
{
	struct em_changes changes = {0};
	int rc = em_changes_plan(&changes, NULL, NULL, keep, diag);

	if (!rc)
		rc = em_changes_make(&changes, diag);
	em_changes_clear(&changes);
	if (!rc)
		rc = em_flows_end(keep, policy, diag);
	return rc ? rc : em_attached_unpin_others(diag);
}

static int detach(struct em_diag *diag)
{
	return clean(0, NULL, diag);
}

const struct em_backend_ops em_bpf_backend = {
	.name = "eBPF",
	.review = review,
	.check_host = check_host,
	.foresee = em_trial_foresee,
	.reserve = reserve,
	.prepare = prepare,
	.commit = commit,
	.release = release,
	.discover = em_discover,
	.open_counters = open_counters,
	.read_counters = em_attached_read_counters,
	.close_counters = em_attached_close_counters,
	.try_kernel = em_facilities_try,
	.list_others = em_others_list,
	.detach = detach,
	.clean = clean,
};
