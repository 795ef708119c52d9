/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/undo.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* The kernel has chosen the priority of a new filter: it is found by its handle. */
struct search {
	unsigned int ifindex;
	enum em_hook hook;
	uint32_t handle;
	uint16_t priority;
};

static int find_filter(void *context, const struct em_attached *attached)
{
	struct search *search = context;

	em_attached_close(attached);
	if (attached->hook == search->hook && attached->ifindex == search->ifindex &&
	    attached->handle == search->handle)
		search->priority = attached->priority;
	return 0;
}

static bool make_back_filter(const struct em_rtnl_change *step, const struct em_attached *before,
			     struct em_rtnl_change *back, struct em_diag *diag)
{
	struct search search = {.ifindex = step->ifindex,
				.hook = step->egress ? EM_HOOK_TC_EGRESS : EM_HOOK_TC_INGRESS,
				.handle = step->handle};

	back->program = before->fd;
	if (before->fd >= 0)
		return true;
	back->kind = EM_RTNL_FILTER_DEL;
	if (step->priority)
		return true;
	if (em_attached_each(find_filter, &search, diag))
		return false;
	back->priority = search.priority;
	return true;
}

static bool make_back(const struct em_rtnl_change *step, const struct em_attached *before,
		      struct em_rtnl_change *back, struct em_diag *diag)
{
	*back = *step;
	switch (step->kind) {
	case EM_RTNL_XDP:
		back->program = before->stub >= 0 ? before->stub : before->fd;
		back->expected = step->program;
		return true;
	case EM_RTNL_STUB_PUT:
		back->program = -1;
		return true;
	case EM_RTNL_STUB_SWITCH:
		back->slot = before->jumps.slot;
		return true;
	case EM_RTNL_QDISC_ADD:
		back->kind = EM_RTNL_QDISC_DEL;
		return true;
	case EM_RTNL_QDISC_DEL:
		back->kind = EM_RTNL_QDISC_ADD;
		return true;
	case EM_RTNL_FILTER_DEL:
		back->kind = EM_RTNL_FILTER_SET;
		back->name = em_programs_name(before->kind < 0 ? EM_PROGRAM_TC : before->kind);
		back->program = before->fd;
		return true;
	case EM_RTNL_FILTER_SET:
		return make_back_filter(step, before, back, diag);
	case EM_RTNL_TCX_SET:
		back->kind = before->fd >= 0 ? EM_RTNL_TCX_SET : EM_RTNL_TCX_DEL;
		back->program = before->fd >= 0 ? before->fd : step->program;
		back->expected = step->program;
		return true;
	case EM_RTNL_TCX_DEL:
		back->kind = EM_RTNL_TCX_SET;
		back->expected = -1;
		return true;
	}
	return false;
}

void em_undo(const struct em_changes *changes, struct em_diag *diag)
{
	struct em_rtnl_change *back = calloc(changes->n_steps, sizeof(*back));
	size_t n = 0;

	for (size_t i = changes->n_steps; back && i-- > 0;)
		if (!changes->steps[i].error &&
		    make_back(&changes->steps[i], &changes->before[i], &back[n], diag))
			n++;
	if (!back || em_rtnl_change(back, n))
		em_diag_error(diag, -EIO, NULL, "cannot put the previous programs back");
	free(back);
}
