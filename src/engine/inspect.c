/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/quote.h"
#include "config/compare.h"
#include "engine/unattended.h"
#include "host/moved.h"
#include "state/held.h"

void em_inspect_clear(struct em_view *view)
{
	em_kernel_state_clear(&view->kernel);
	em_record_clear(&view->record);
	free(view->problems);
	free(view->unattended);
	*view = (struct em_view){0};
}

/* The newest generation is in force.  The next one is the older one. */
static void note_older(struct em_view *view, const struct em_backend_ops *ops, uint32_t generation)
{
	if (generation <= view->older)
		return;
	view->older = generation;
	view->older_ops = ops;
}

/* Takes what one backend has found. */
static void take(struct em_view *view, const struct em_backend_ops *ops,
		 struct em_kernel_state *kernel)
{
	view->leftovers |= kernel->leftovers;
	view->unreadable |= kernel->unreadable;
	note_older(view, ops, kernel->older);
	if (kernel->generation <= view->kernel.generation) {
		view->leftovers |= kernel->generation > 0;
		note_older(view, ops, kernel->generation);
		em_kernel_state_clear(kernel);
		return;
	}
	view->leftovers |= view->kernel.generation > 0;
	note_older(view, view->ops, view->kernel.generation);
	em_kernel_state_clear(&view->kernel);
	view->kernel = *kernel;
	view->ops = ops;
}

static int find_reader(struct em_view *view, struct em_state *state, struct em_diag *diag)
{
	bool held = false;
	int rc = view->record.samples ? em_held_look(state, view->generation, &held, diag) : 0;

	view->abandoned = !rc && view->record.samples && !held;
	return rc;
}

int em_inspect(struct em_view *out, struct em_state *state, struct em_diag *diag)
{
	int rc = 0;

	*out = (struct em_view){0};
	for (size_t i = 0; !rc && em_backends[i]; i++) {
		struct em_kernel_state kernel = {0};

		rc = em_backends[i]->inspect(&kernel, diag);
		if (!rc)
			take(out, em_backends[i], &kernel);
	}
	if (rc)
		return rc;
	out->generation = out->kernel.generation;
	/*
	 * The generation is gone from the kernel, perhaps with its interfaces, but was never
	 * removed.
	 */
	if (!out->generation)
		rc = em_generation_newest(&out->generation, state, diag);
	if (!rc && out->generation)
		rc = em_generation_load_record(state, out->generation, &out->record, diag);
	if (!rc)
		rc = find_reader(out, state, diag);
	if (!rc)
		rc = em_pending_read(&out->pending, state, diag);
	/* What may wait is what is in force. */
	if (out->pending.damaged)
		out->pending.generation = out->generation;
	/* A run that died before the switch left it. */
	if (out->pending.generation != out->generation)
		out->pending = (struct em_pending){0};
	if (!rc && out->unreadable && !out->ops && out->record.generation)
		rc = em_diag_error(diag, -EPERM, NULL,
				   "cannot look at the programs of the policy: needs CAP_SYS_ADMIN "
				   "(run as root), or CAP_BPF where they are pinned");
	return rc;
}

static int add_problem(struct em_view *view, const char *interface,
		       const struct em_obstacle *obstacle)
{
	struct em_problem *grown =
		reallocarray(view->problems, view->n_problems + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	view->problems = grown;
	grown += view->n_problems++;
	memcpy(grown->interface, interface, IF_NAMESIZE);
	grown->obstacle = *obstacle;
	return 0;
}

static void format_apply(const struct em_record *record, char *text, size_t size)
{
	bool any = record->wanted == EM_BACKEND_AUTO;
	size_t used =
		snprintf(text, size, "entitymux apply%s%s ",
			 any ? "" : " --backend=", any ? "" : em_backend_name(record->wanted));

	em_quote(record->config, text + used, size - used);
}

/* An alternative name may have gone over to another interface. */
static int inspect_name(struct em_view *view, const struct em_attachment *made,
			struct em_diag *diag)
{
	struct em_obstacle obstacle = {.what = "its name in the configuration is that of another "
					       "interface now"};
	char own[IF_NAMESIZE];
	int rc = made->alias[0] ? em_link_find(own, made->alias) : -ENODEV;

	if (rc == -ENODEV)
		return 0;
	if (rc)
		return em_diag_errno(diag, rc, NULL, "interface %s", made->alias);
	if (!strcmp(own, made->interface))
		return 0;
	format_apply(&view->record, obstacle.remedy, sizeof(obstacle.remedy));
	return add_problem(view, made->interface, &obstacle) ? em_diag_enomem(diag) : 0;
}

static int inspect_link(struct em_view *view, const struct em_attachment *made,
			struct em_diag *diag)
{
	struct em_obstacle obstacle;
	struct em_link link;
	int rc = em_link_read(&link, made->interface, NULL, diag);

	if (!rc)
		rc = inspect_name(view, made, diag);
	for (int kind = 0; !rc && kind < EM_OBSTACLES; kind++)
		if (em_obstacle_find(&obstacle, kind, &link, made) &&
		    add_problem(view, link.name, &obstacle))
			rc = em_diag_enomem(diag);
	return rc;
}

/* Another interface may have the number of one that is gone. */
static bool is_here(const struct em_attachment *made)
{
	char name[IF_NAMESIZE];

	return if_indextoname(made->ifindex, name) && !strcmp(name, made->interface);
}

/*
 * Collects the programs of attachments whose interface is gone.  Returns their number, or -ENOMEM.
 */
static int list_gone(uint32_t **out, const struct em_view *view)
{
	const struct em_record *record = &view->record;
	int n = 0;

	*out = calloc(record->n_attachments + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; i < record->n_attachments; i++)
		if (record->attachments[i].program && !is_here(&record->attachments[i]) &&
		    !em_inspect_has(view, &record->attachments[i]))
			(*out)[n++] = record->attachments[i].program;
	return n;
}

int em_inspect_moved(struct em_view *view, struct em_diag *diag)
{
	struct em_obstacle obstacle = {.what = "it is in another network namespace now, and keeps "
					       "the XDP program there"};
	uint32_t *programs __attribute__((cleanup(em_freep))) = NULL;
	struct em_moved moved[EM_MOVED_MAX];
	int gone = list_gone(&programs, view), rc = 0, n;

	if (gone < 0)
		return em_diag_enomem(diag);
	n = gone ? em_moved_find(moved, programs, gone, &view->hidden) : 0;
	if (n < 0)
		return em_diag_errno(diag, n, NULL, "cannot look into other network namespaces");
	view->hidden &= n < gone;
	if (view->hidden)
		em_diag_warning(diag, NULL,
				"an interface is gone; whether it is in another network namespace "
				"and keeps the XDP program there cannot be seen without "
				"CAP_SYS_ADMIN and CAP_SYS_PTRACE");
	for (int i = 0; !rc && i < n; i++) {
		em_moved_remedy(&moved[i], obstacle.remedy, sizeof(obstacle.remedy));
		rc = add_problem(view, moved[i].interface, &obstacle);
	}
	return rc ? em_diag_enomem(diag) : 0;
}

/* Unlike what is in place and has gone wrong, what is not sorted yet is not looked at further. */
static int inspect_waiting(struct em_view *view, const char *name, struct em_diag *diag)
{
	struct em_obstacle obstacle = {.what = "it has come, and is not sorted yet"};
	char own[IF_NAMESIZE];
	bool up;
	int rc = em_link_find_up(own, name, &up);

	if (rc == -ENODEV || (!rc && !up))
		return 0;
	if (rc)
		return em_diag_errno(diag, rc, NULL, "interface %s", name);
	em_inspect_remedy(&view->record, obstacle.remedy, sizeof(obstacle.remedy));
	return add_problem(view, own, &obstacle) ? em_diag_enomem(diag) : 0;
}

void em_inspect_remedy(const struct em_record *record, char *text, size_t size)
{
	/* The configuration does not have the edits. */
	if (record->edits)
		snprintf(text, size, "entitymux heal --once");
	else
		format_apply(record, text, size);
}

int em_inspect_links(struct em_view *view, struct em_diag *diag)
{
	int rc = em_inspect_moved(view, diag);

	for (size_t i = 0; !rc && i < view->record.n_attachments; i++)
		if (em_inspect_has(view, &view->record.attachments[i]))
			rc = inspect_link(view, &view->record.attachments[i], diag);
	for (size_t i = 0; !rc && i < view->record.n_waiting; i++)
		rc = inspect_waiting(view, view->record.waiting[i], diag);
	return rc;
}

int em_inspect_config(struct em_view *view, struct em_state *state, const struct em_policy *policy,
		      struct em_diag *diag)
{
	struct em_policy *applied __attribute__((cleanup(em_policy_freep))) = NULL;
	struct em_changes changes __attribute__((cleanup(em_changes_clear))) = {0};
	int rc = em_generation_load_policy(state, view->generation, &applied, diag);

	view->config = EM_VIEW_CONFIG_OTHER;
	if (rc || !applied)
		return rc;
	if (em_compare(&changes, applied, policy))
		return em_diag_enomem(diag);
	/* What apply --backend asked for is not in the policy. */
	if (!changes.n && view->record.generation && view->record.wanted == policy->backend)
		view->config = EM_VIEW_CONFIG_SAME;
	return 0;
}

int em_inspect_sockets(struct em_view *view, struct em_diag *diag)
{
	if (!view->record.ports)
		return 0;
	return em_unattended_find(&view->unattended, view->record.ports, diag);
}

bool em_inspect_has(const struct em_view *view, const struct em_attachment *made)
{
	for (size_t i = 0; i < view->kernel.n_attachments; i++) {
		const struct em_attachment *present = &view->kernel.attachments[i];

		/*
		 * nft chains are bound to an interface name.  From Linux 6.16 on they stay while no
		 * interface has it.
		 */
		if (present->hook == made->hook && !strcmp(present->interface, made->interface) &&
		    (present->ifindex == made->ifindex || made->hook == EM_HOOK_NFT_INGRESS))
			return true;
	}
	return false;
}

bool em_inspect_is_applied(const struct em_view *view)
{
	return view->ops || view->record.generation;
}

bool em_inspect_is_waiting(const struct em_view *view)
{
	return view->record.generation && !view->record.n_attachments;
}

bool em_inspect_is_unguarded(const struct em_view *view)
{
	return view->pending.generation &&
	       (view->pending.damaged || !view->pending.guarded || view->pending.failed[0]);
}

bool em_inspect_is_in_place(const struct em_view *view)
{
	const struct em_record *record = &view->record;
	uint32_t expected = em_inspect_is_waiting(view) ? 0 : record->generation;

	if (view->leftovers || view->kernel.n_drifts || view->kernel.fault.text[0] ||
	    !record->generation || expected != view->kernel.generation ||
	    record->n_attachments != view->kernel.n_attachments)
		return false;
	for (size_t i = 0; i < record->n_attachments; i++)
		if (!em_inspect_has(view, &record->attachments[i]))
			return false;
	return true;
}

bool em_inspect_is_whole(const struct em_view *view)
{
	return em_inspect_is_in_place(view) && !view->n_problems && !view->abandoned &&
	       !em_inspect_is_unguarded(view);
}
