// SPDX-License-Identifier: GPL-2.0-or-later
#include "changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void em_changes_clear(struct em_changes *changes)
{
	for (size_t i = 0; i < changes->n_present; i++)
		close(changes->present[i].fd);
	free(changes->present);
	free(changes->before);
	free(changes->steps);
	memset(changes, 0, sizeof(*changes));
}

static int note_present(void *context, const struct em_attached *attached)
{
	struct em_changes *changes = context;
	void *grown = realloc(changes->present,
			      (changes->n_present + 1) * sizeof(*changes->present));

	if (!grown) {
		close(attached->fd);
		return -ENOMEM;
	}
	changes->present = grown;
	changes->present[changes->n_present++] = *attached;
	return 0;
}

static uint32_t mode_of(enum em_hook hook)
{
	return hook == EM_HOOK_XDP_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
}

static void add(struct em_changes *changes, const struct em_rtnl_change *step,
		const struct em_attached *before)
{
	changes->before[changes->n_steps] = before ? *before : (struct em_attached){ .fd = -1 };
	changes->steps[changes->n_steps++] = *step;
}

static void add_removal(struct em_changes *changes, const struct em_attached *present)
{
	const struct em_rtnl_change xdp = { .kind = EM_RTNL_XDP,
					    .ifindex = present->ifindex,
					    .mode = mode_of(present->hook),
					    .program = -1,
					    .expected = present->fd };
	const struct em_rtnl_change filter = { .kind = EM_RTNL_FILTER_DEL,
					       .ifindex = present->ifindex,
					       .handle = present->handle,
					       .priority = present->priority };
	const struct em_rtnl_change qdisc = { .kind = EM_RTNL_QDISC_DEL,
					      .ifindex = present->ifindex };

	if (present->hook != EM_HOOK_TC_INGRESS) {
		add(changes, &xdp, present);
		return;
	}
	add(changes, &filter, present);
	/* A qdisc of ours stays where somebody has put filters of his own on it. */
	if (present->handle == EM_TC_HANDLE_OWNER && !em_attached_has_guests(present->ifindex))
		add(changes, &qdisc, NULL);
}

static const struct em_attached *find_present(const struct em_changes *changes,
					      const struct em_attachment *wanted)
{
	for (size_t i = 0; i < changes->n_present; i++)
		if (changes->present[i].ifindex == wanted->ifindex &&
		    changes->present[i].hook == wanted->hook)
			return &changes->present[i];
	return NULL;
}

static const struct em_attachment *find_wanted(const struct em_plan *plan, unsigned int ifindex)
{
	for (size_t i = 0; plan && i < plan->n_attachments; i++)
		if (plan->attachments[i].ifindex == ifindex)
			return &plan->attachments[i];
	return NULL;
}

/* XDP of the other mode on the same interface has to go before ours can come. */
static bool is_in_the_way(const struct em_attached *present, const struct em_attachment *wanted)
{
	return wanted && present->hook != wanted->hook && present->hook != EM_HOOK_TC_INGRESS &&
	       wanted->hook != EM_HOOK_TC_INGRESS;
}

static void add_xdp(struct em_changes *changes, const struct em_attachment *wanted, int program)
{
	const struct em_attached *present = find_present(changes, wanted);
	const struct em_rtnl_change step = { .kind = EM_RTNL_XDP,
					     .ifindex = wanted->ifindex,
					     .mode = mode_of(wanted->hook),
					     .program = program,
					     .expected = present ? present->fd : -1 };

	add(changes, &step, present);
}

static int add_filter(struct em_changes *changes, const struct em_attachment *wanted, int program,
		      const char *name, struct em_diag *diag)
{
	const struct em_attached *present = find_present(changes, wanted);
	const struct em_rtnl_change qdisc = { .kind = EM_RTNL_QDISC_ADD,
					      .ifindex = wanted->ifindex };
	struct em_rtnl_change filter = { .kind = EM_RTNL_FILTER_SET,
					 .ifindex = wanted->ifindex,
					 .program = program,
					 .name = name,
					 .handle = EM_TC_HANDLE_GUEST };
	int has_ingress;

	if (present) {
		filter.handle = present->handle;
		filter.priority = present->priority;
		add(changes, &filter, present);
		return 0;
	}
	has_ingress = em_rtnl_has_ingress(wanted->ifindex);
	if (has_ingress < 0)
		return em_diag_error(diag, has_ingress, NULL, "%s: cannot list the qdiscs: %s",
				     wanted->interface, strerror(-has_ingress));
	if (!has_ingress) {
		filter.handle = EM_TC_HANDLE_OWNER;
		add(changes, &qdisc, NULL);
	}
	add(changes, &filter, NULL);
	return 0;
}

static int plan_steps(struct em_changes *changes, const struct em_programs *programs,
		      const struct em_plan *plan, uint32_t keep, struct em_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; i < changes->n_present; i++)
		if (is_in_the_way(&changes->present[i],
				  find_wanted(plan, changes->present[i].ifindex)))
			add_removal(changes, &changes->present[i]);
	for (size_t i = 0; !rc && plan && i < plan->n_attachments; i++) {
		const struct em_attachment *wanted = &plan->attachments[i];
		enum em_program_kind kind = em_programs_kind(plan, i);

		if (kind == EM_PROGRAM_XDP)
			add_xdp(changes, wanted, em_programs_fd(programs, kind));
		else
			rc = add_filter(changes, wanted, em_programs_fd(programs, kind),
					em_programs_name(kind), diag);
	}
	for (size_t i = 0; !rc && i < changes->n_present; i++) {
		const struct em_attached *present = &changes->present[i];
		const struct em_attachment *wanted = find_wanted(plan, present->ifindex);

		if ((wanted && wanted->hook == present->hook) || is_in_the_way(present, wanted) ||
		    (keep && present->generation == keep))
			continue;
		add_removal(changes, present);
	}
	return rc;
}

int em_changes_plan(struct em_changes *changes, const struct em_programs *programs,
		    const struct em_plan *plan, uint32_t keep, struct em_diag *diag)
{
	int rc = em_attached_each(note_present, changes, diag);
	size_t most;

	if (rc)
		return rc;
	/* Each interface and each program of ours takes at most two steps. */
	most = 2 * (changes->n_present + (plan ? plan->n_attachments : 0)) + 1;
	changes->steps = calloc(most, sizeof(*changes->steps));
	changes->before = calloc(most, sizeof(*changes->before));
	if (!changes->steps || !changes->before)
		return em_diag_error(diag, -ENOMEM, NULL, "%s", strerror(ENOMEM));
	return plan_steps(changes, programs, plan, keep, diag);
}

/* A new filter got its priority from the kernel: it is found by its handle. */
struct search {
	unsigned int ifindex;
	uint32_t handle;
	uint16_t priority;
};

static int find_filter(void *context, const struct em_attached *attached)
{
	struct search *search = context;

	close(attached->fd);
	if (attached->hook == EM_HOOK_TC_INGRESS && attached->ifindex == search->ifindex &&
	    attached->handle == search->handle)
		search->priority = attached->priority;
	return 0;
}

static bool make_back(const struct em_rtnl_change *step, const struct em_attached *before,
		      struct em_rtnl_change *back, struct em_diag *diag)
{
	struct search search = { .ifindex = step->ifindex, .handle = step->handle };

	*back = *step;
	switch (step->kind) {
	case EM_RTNL_XDP:
		back->program = before->fd;
		back->expected = step->program;
		return true;
	case EM_RTNL_QDISC_ADD:
		back->kind = EM_RTNL_QDISC_DEL;
		return true;
	case EM_RTNL_QDISC_DEL:
		back->kind = EM_RTNL_QDISC_ADD;
		return true;
	case EM_RTNL_FILTER_DEL:
		back->kind = EM_RTNL_FILTER_SET;
		back->name = em_programs_name(EM_PROGRAM_TC);
		back->program = before->fd;
		return true;
	case EM_RTNL_FILTER_SET:
		back->program = before->fd;
		if (before->fd >= 0)
			return true;
		back->kind = EM_RTNL_FILTER_DEL;
		if (em_attached_each(find_filter, &search, diag))
			return false;
		back->priority = search.priority;
		return true;
	}
	return false;
}

/* The steps that succeeded, backwards. */
static void undo(const struct em_changes *changes, struct em_diag *diag)
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

static int report(const struct em_changes *changes, int rc, struct em_diag *diag)
{
	for (size_t i = 0; i < changes->n_steps; i++) {
		const struct em_rtnl_change *step = &changes->steps[i];
		char name[IF_NAMESIZE] = "?";

		if (!step->error)
			continue;
		if_indextoname(step->ifindex, name);
		return em_diag_error(diag, step->error == -EOPNOTSUPP ? -EIO : step->error, NULL,
				     "%s: cannot change the %s: %s%s%s", name,
				     step->kind == EM_RTNL_XDP ? "XDP program" : "TC filter",
				     strerror(-step->error), step->message[0] ? ": " : "",
				     step->message);
	}
	return em_diag_error(diag, rc, NULL, "rtnetlink: %s", strerror(-rc));
}

int em_changes_make(struct em_changes *changes, struct em_diag *diag)
{
	int rc = em_rtnl_change(changes->steps, changes->n_steps);

	if (!rc)
		return 0;
	rc = report(changes, rc, diag);
	undo(changes, diag);
	return rc;
}
