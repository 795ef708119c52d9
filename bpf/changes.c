/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/front.h"
#include "bpf/slots.h"
#include "bpf/undo.h"

static void clear(struct em_changes *changes)
{
	for (size_t i = 0; i < changes->n_present; i++)
		em_attached_close(&changes->present[i]);
	free(changes->present);
	free(changes->before);
	free(changes->steps);
	memset(changes, 0, sizeof(*changes));
}

static int note_present(void *context, const struct em_attached *attached)
{
	struct em_changes *changes = context;
	void *grown =
		realloc(changes->present, (changes->n_present + 1) * sizeof(*changes->present));

	if (!grown) {
		em_attached_close(attached);
		return -ENOMEM;
	}
	changes->present = grown;
	changes->present[changes->n_present++] = *attached;
	return 0;
}

void em_changes_add(struct em_changes *changes, const struct em_rtnl_change *step,
		    const struct em_attached *before)
{
	const struct em_attached nothing = {.fd = -1, .stub = -1};

	changes->before[changes->n_steps] = before ? *before : nothing;
	changes->steps[changes->n_steps++] = *step;
}

static bool at_tc(enum em_hook hook)
{
	return hook == EM_HOOK_TC_INGRESS || hook == EM_HOOK_TC_EGRESS;
}

static bool is_filter(const struct em_attached *attached)
{
	return at_tc(attached->hook) && !attached->tcx;
}

/* After the steps so far, no filter of ours is on the interface. */
static bool has_no_filter(const struct em_changes *changes, unsigned int ifindex)
{
	size_t n = 0;

	for (size_t i = 0; i < changes->n_present; i++)
		n += changes->present[i].ifindex == ifindex && is_filter(&changes->present[i]);
	for (size_t i = 0; i < changes->n_steps; i++) {
		if (changes->steps[i].ifindex != ifindex)
			continue;
		if (changes->steps[i].kind == EM_RTNL_FILTER_SET)
			return false;
		n -= changes->steps[i].kind == EM_RTNL_FILTER_DEL;
	}
	return !n;
}

static int add_removal(struct em_changes *changes, const struct em_attached *present,
		       struct em_diag *diag)
{
	const struct em_rtnl_change xdp = {.kind = EM_RTNL_XDP,
					   .ifindex = present->ifindex,
					   .mode = em_attached_mode(present->hook),
					   .program = -1,
					   .expected =
						   present->stub >= 0 ? present->stub : present->fd,
					   .unchecked = present->stub >= 0};
	const struct em_rtnl_change filter = {.kind = EM_RTNL_FILTER_DEL,
					      .ifindex = present->ifindex,
					      .handle = present->handle,
					      .priority = present->priority,
					      .egress = present->hook == EM_HOOK_TC_EGRESS};
	const struct em_rtnl_change qdisc = {.kind = EM_RTNL_QDISC_DEL,
					     .ifindex = present->ifindex};
	const struct em_rtnl_change tcx = {.kind = EM_RTNL_TCX_DEL,
					   .ifindex = present->ifindex,
					   .program = present->fd,
					   .egress = present->hook == EM_HOOK_TC_EGRESS};

	int others;

	if (!is_filter(present)) {
		em_changes_add(changes, present->tcx ? &tcx : &xdp, present);
		return 0;
	}
	em_changes_add(changes, &filter, present);
	if (present->handle != EM_TC_HANDLE_OWNER || !has_no_filter(changes, present->ifindex))
		return 0;
	/* A qdisc of ours stays where somebody has put filters of his own on it. */
	others = em_attached_has_others(present->ifindex);
	if (others < 0)
		return em_diag_errno(diag, others, NULL, "%s: cannot list the TC filters",
				     present->interface);
	if (!others)
		em_changes_add(changes, &qdisc, NULL);
	return 0;
}

enum layer { LAYER_EGRESS, LAYER_INGRESS, LAYER_XDP };

static enum layer layer_of(enum em_hook hook)
{
	if (hook == EM_HOOK_TC_EGRESS)
		return LAYER_EGRESS;
	return hook == EM_HOOK_TC_INGRESS ? LAYER_INGRESS : LAYER_XDP;
}

/* A program that is to be on an interface; each interface has one place at each hook. */
struct wanted {
	const char *interface;
	unsigned int ifindex;
	enum em_hook hook;
	enum em_program_kind kind;
};

/* XDP is to come to an interface that another hook of ours serves. */
static bool needs_bridge(const struct em_attached *present, const struct em_attachment *at)
{
	return at->hook != EM_HOOK_TC_INGRESS && present->ifindex == at->ifindex &&
	       present->hook != at->hook && present->hook != EM_HOOK_TC_EGRESS &&
	       present->kind >= 0 && present->kind != EM_PROGRAM_TC_DEFERRED;
}

/* For the moment TC decides about every packet that reaches it, and XDP about what it sees. */
static size_t bridge(size_t n, enum em_program_kind kinds[EM_PROGRAMS_EACH])
{
	enum em_program_kind xdp = kinds[--n];

	if (n && kinds[n - 1] == EM_PROGRAM_TC_DEFERRED)
		n--;
	kinds[n++] = EM_PROGRAM_TC;
	kinds[n++] = xdp;
	return n;
}

static enum em_hook hook_of(enum em_program_kind kind, const struct em_attachment *at)
{
	if (em_programs_at_egress(kind))
		return EM_HOOK_TC_EGRESS;
	return em_programs_at_tc(kind) ? EM_HOOK_TC_INGRESS : at->hook;
}

static size_t list_wanted(struct em_changes *changes, const struct em_plan *plan, size_t attachment,
			  struct wanted wanted[EM_PROGRAMS_EACH])
{
	const struct em_attachment *at = &plan->attachments[attachment];
	enum em_program_kind kinds[EM_PROGRAMS_EACH];
	size_t n = em_programs_kinds(plan, attachment, kinds);
	bool bridged = false;

	for (size_t i = 0; changes->overlap && i < changes->n_present; i++)
		bridged |= needs_bridge(&changes->present[i], at);
	if (bridged)
		n = bridge(n, kinds);
	changes->bridged |= bridged;

	for (size_t i = 0; i < n; i++)
		wanted[i] = (struct wanted){
			.interface = at->interface,
			.ifindex = at->ifindex,
			.hook = hook_of(kinds[i], at),
			.kind = kinds[i],
		};
	return n;
}

/* The program that this one replaces. One behind filters of others is not replaced but removed. */
static const struct em_attached *find_present(const struct em_changes *changes,
					      const struct wanted *wanted)
{
	for (size_t i = 0; i < changes->n_present; i++)
		if (changes->present[i].ifindex == wanted->ifindex &&
		    changes->present[i].hook == wanted->hook && !changes->present[i].front[0])
			return &changes->present[i];
	return NULL;
}

/* By one of the steps so far. */
static bool is_replaced(const struct em_changes *changes, const struct em_attached *present)
{
	for (size_t i = 0; i < changes->n_steps; i++)
		if (changes->before[i].fd == present->fd)
			return true;
	return false;
}

/* What is to become of a program that is there. */
enum removal { REMOVAL_AFTER, REMOVAL_FIRST, REMOVAL_REPLACED };

/* The programs at TC have come by now. */
static enum removal removal_of(struct em_changes *changes, const struct em_attached *present,
			       const struct em_plan *plan)
{
	if (at_tc(present->hook))
		return is_replaced(changes, present) ? REMOVAL_REPLACED : REMOVAL_AFTER;
	for (size_t i = 0; plan && i < plan->n_attachments; i++) {
		enum em_hook hook = plan->attachments[i].hook;

		if (plan->attachments[i].ifindex != present->ifindex || at_tc(hook))
			continue;
		/* A program in the other XDP mode has to go before ours can come. */
		return hook == present->hook ? REMOVAL_REPLACED : REMOVAL_FIRST;
	}
	return REMOVAL_AFTER;
}

/* Returns 0 or -errno, reported. */
static int add_to_stub(struct em_changes *changes, const struct wanted *wanted, int program,
		       struct em_diag *diag)
{
	int rc = em_slots_add(changes, wanted->ifindex, wanted->hook, program);

	return rc ? em_diag_error(diag, rc, NULL, "%s: its XDP program has been replaced meanwhile",
				  wanted->interface)
		  : 0;
}

static void add_xdp(struct em_changes *changes, const struct wanted *wanted, int program)
{
	const struct em_attached *present = find_present(changes, wanted);
	bool stub = present && present->stub >= 0;
	const struct em_rtnl_change step = {.kind = EM_RTNL_XDP,
					    .ifindex = wanted->ifindex,
					    .mode = em_attached_mode(wanted->hook),
					    .program = program,
					    .expected = stub	  ? present->stub
							: present ? present->fd
								  : -1,
					    .unchecked = stub};

	em_changes_add(changes, &step, present);
}

/* The handle of any filter of ours on the interface, also one to come; 0: there is none. */
static uint32_t find_handle(const struct em_changes *changes, unsigned int ifindex)
{
	for (size_t i = 0; i < changes->n_present; i++)
		if (changes->present[i].ifindex == ifindex && is_filter(&changes->present[i]))
			return changes->present[i].handle;
	for (size_t i = 0; i < changes->n_steps; i++)
		if (changes->steps[i].ifindex == ifindex &&
		    changes->steps[i].kind == EM_RTNL_FILTER_SET)
			return changes->steps[i].handle;
	return 0;
}

/*
 * The handle for the first filter of ours on an interface, and its qdisc where there is none yet.
 * Returns 0 or -errno, reported.
 */
static int choose_handle(struct em_changes *changes, const struct wanted *wanted, uint32_t *handle,
			 struct em_diag *diag)
{
	const struct em_rtnl_change qdisc = {.kind = EM_RTNL_QDISC_ADD, .ifindex = wanted->ifindex};
	int found = em_rtnl_ingress(wanted->ifindex);

	if (found < 0)
		return em_diag_errno(diag, found, NULL, "%s: cannot list the qdiscs",
				     wanted->interface);
	*handle = found == EM_RTNL_NO_INGRESS ? EM_TC_HANDLE_OWNER : EM_TC_HANDLE_SHARED;
	if (found == EM_RTNL_NO_INGRESS)
		em_changes_add(changes, &qdisc, NULL);
	return 0;
}

static void add_tcx(struct em_changes *changes, const struct wanted *wanted, int program,
		    const struct em_attached *present)
{
	const struct em_rtnl_change step = {.kind = EM_RTNL_TCX_SET,
					    .ifindex = wanted->ifindex,
					    .program = program,
					    .expected = present ? present->fd : -1,
					    .egress = wanted->hook == EM_HOOK_TC_EGRESS};

	em_changes_add(changes, &step, present);
}

static int add_filter(struct em_changes *changes, const struct wanted *wanted, int program,
		      uint16_t priority, const struct em_attached *present, struct em_diag *diag)
{
	struct em_rtnl_change filter = {.kind = EM_RTNL_FILTER_SET,
					.ifindex = wanted->ifindex,
					.program = program,
					.name = em_programs_name(wanted->kind),
					.handle = find_handle(changes, wanted->ifindex),
					.priority = priority,
					.egress = wanted->hook == EM_HOOK_TC_EGRESS};
	int rc = filter.handle ? 0 : choose_handle(changes, wanted, &filter.handle, diag);

	if (!rc)
		em_changes_add(changes, &filter, present);
	return rc;
}

static int add_tc(struct em_changes *changes, const struct wanted *wanted, int program,
		  struct em_diag *diag)
{
	const struct em_attached *present = find_present(changes, wanted);
	struct em_front front = {0};
	int rc = 0;

	if (present)
		front = (struct em_front){.tcx = present->tcx, .priority = present->priority};
	else
		rc = em_front_find(&front, wanted->ifindex, wanted->hook == EM_HOOK_TC_EGRESS);
	if (rc)
		return em_diag_errno(diag, rc, NULL, "%s: cannot put a program before TC filters",
				     wanted->interface);
	if (!front.tcx)
		return add_filter(changes, wanted, program, front.priority, present, diag);
	add_tcx(changes, wanted, program, present);
	return 0;
}

static int add_wanted(struct em_changes *changes, const struct em_programs *programs,
		      const struct em_plan *plan, enum layer layer, struct em_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; !rc && plan && i < plan->n_attachments; i++) {
		struct wanted wanted[EM_PROGRAMS_EACH];
		size_t n = list_wanted(changes, plan, i, wanted);

		for (size_t j = 0; !rc && j < n; j++) {
			int program = em_programs_fd(programs, wanted[j].kind);

			if (layer_of(wanted[j].hook) != layer)
				continue;
			if (layer != LAYER_XDP)
				rc = add_tc(changes, &wanted[j], program, diag);
			else if (changes->stubs)
				rc = add_to_stub(changes, &wanted[j], program, diag);
			else
				add_xdp(changes, &wanted[j], program);
		}
	}
	return rc;
}

static int add_removals(struct em_changes *changes, const struct em_plan *plan,
			enum removal removal, uint32_t keep, struct em_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < changes->n_present; i++) {
		const struct em_attached *present = &changes->present[i];

		if (removal_of(changes, present, plan) == removal &&
		    !(keep && present->generation == keep))
			rc = add_removal(changes, present, diag);
	}
	return rc;
}

/*
 * Egress changes first, so that answers are right from the first sorted datagram on. Then comes
 * what stands behind XDP: XDP must never leave a packet to a program that is not there.
 */
static int plan_steps(struct em_changes *changes, const struct em_programs *programs,
		      const struct em_plan *plan, uint32_t keep, struct em_diag *diag)
{
	int rc = add_wanted(changes, programs, plan, LAYER_EGRESS, diag);

	if (!rc)
		rc = add_wanted(changes, programs, plan, LAYER_INGRESS, diag);
	if (!rc)
		rc = add_removals(changes, plan, REMOVAL_FIRST, 0, diag);
	if (!rc)
		em_slots_empty(changes);
	if (!rc)
		rc = add_wanted(changes, programs, plan, LAYER_XDP, diag);
	if (!rc && changes->stubs)
		em_slots_switch(changes);
	return rc ? rc : add_removals(changes, plan, REMOVAL_AFTER, keep, diag);
}

static bool has_xdp(const struct em_plan *plan)
{
	for (size_t i = 0; plan && i < plan->n_attachments; i++)
		if (!at_tc(plan->attachments[i].hook))
			return true;
	return false;
}

static int find_steps(struct em_changes *changes, const struct em_programs *programs,
		      const struct em_plan *plan, uint32_t keep, struct em_diag *diag)
{
	int rc = em_attached_each(note_present, changes, diag);
	size_t most;

	if (rc)
		return rc;
	if (has_xdp(plan))
		rc = em_stub_needed();
	if (rc < 0)
		return em_diag_errno(diag, rc, NULL, "cannot try to replace an XDP program");
	changes->stubs = rc;
	/*
	 * A filter takes two steps where its qdisc comes or goes with it, a stub one for each of
	 * its slots, to be switched, and to go.
	 */
	most = 4 * (changes->n_present + (plan ? EM_PROGRAMS_EACH * plan->n_attachments : 0)) + 1;
	changes->steps = calloc(most, sizeof(*changes->steps));
	changes->before = calloc(most, sizeof(*changes->before));
	if (!changes->steps || !changes->before)
		return em_diag_enomem(diag);
	return plan_steps(changes, programs, plan, keep, diag);
}

int em_changes_need_bridge(const struct em_plan *plan, struct em_diag *diag)
{
	struct em_changes changes = {0};
	int rc = em_attached_each(note_present, &changes, diag);

	for (size_t i = 0; !rc && i < plan->n_attachments; i++)
		for (size_t j = 0; !rc && j < changes.n_present; j++)
			rc = needs_bridge(&changes.present[j], &plan->attachments[i]);
	clear(&changes);
	return rc;
}

static bool is_xdp(const struct em_rtnl_change *step)
{
	return step->kind == EM_RTNL_XDP || step->kind == EM_RTNL_STUB_PUT ||
	       step->kind == EM_RTNL_STUB_SWITCH;
}

static int report(const struct em_changes *changes, int rc, struct em_diag *diag)
{
	for (size_t i = 0; i < changes->n_steps; i++) {
		const struct em_rtnl_change *step = &changes->steps[i];
		char name[IF_NAMESIZE] = "?";

		if (step->error != rc)
			continue;
		if_indextoname(step->ifindex, name);
		return em_diag_error(diag, step->error, NULL, "%s: cannot change the %s: %s%s%s",
				     name, is_xdp(step) ? "XDP program" : "TC filter",
				     strerror(-step->error), step->message[0] ? ": " : "",
				     step->message);
	}
	return em_diag_errno(diag, rc, NULL, "rtnetlink");
}

int em_changes_make(const struct em_programs *programs, const struct em_plan *plan, uint32_t keep,
		    bool *overlap, struct em_diag *diag)
{
	struct em_changes changes
		__attribute__((cleanup(clear))) = {.overlap = overlap && *overlap};
	int rc = find_steps(&changes, programs, plan, keep, diag);

	if (rc)
		return rc;
	rc = em_rtnl_change(changes.steps, changes.n_steps);
	if (rc) {
		rc = report(&changes, rc, diag);
		em_undo(&changes, diag);
	}
	if (overlap)
		*overlap = changes.bridged;
	return rc;
}
