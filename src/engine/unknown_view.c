/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/unknown_view.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/counts.h"
#include "engine/inspect.h"
#include "engine/unattended.h"

static int read_tags(struct em_unknown_view *out, const struct em_view *view,
		     struct em_state *state, struct em_diag *diag)
{
	struct em_counts counts __attribute__((cleanup(em_counts_close))) = {0};
	int rc = em_counts_open(&counts, view->generation, view->ops, state, diag);

	if (rc)
		return rc;
	if (!counts.policy)
		return em_diag_error(diag, -EIO, NULL,
				     "the policy in force is not known; apply again");
	if (!counts.counters && !em_inspect_is_waiting(view))
		return em_diag_error(diag, -EIO, NULL,
				     "the kernel has nothing of the policy; see entitymux status");
	if (counts.counters)
		rc = counts.ops->read_unknown(counts.counters, counts.policy, &out->list, diag);
	if (rc)
		return rc;
	em_unknown_arrange(&out->list);
	out->policy = counts.policy;
	counts.policy = NULL;
	return 0;
}

int em_unknown_view_read(struct em_unknown_view *out, struct em_state *state, struct em_diag *diag)
{
	struct em_view view __attribute__((cleanup(em_inspect_clear)));
	int rc = em_inspect(&view, state, diag);

	*out = (struct em_unknown_view){0};
	if (rc || !em_inspect_is_applied(&view))
		return rc;
	return read_tags(out, &view, state, diag);
}

void em_unknown_view_clear(struct em_unknown_view *view)
{
	em_unknown_clear(&view->list);
	em_policy_free(view->policy);
	*view = (struct em_unknown_view){0};
}

int em_unknown_view_ports(struct em_ports **out, const struct em_policy *policy,
			  struct em_diag *diag)
{
	int rc = em_unattended_sockets(out, diag);

	if (rc)
		return rc;
	if (!*out)
		*out = calloc(1, sizeof(**out));
	if (!*out)
		return em_diag_enomem(diag);
	em_ports_add_targets(*out, policy);
	for (size_t i = 0; i < policy->n_listeners; i++)
		em_ports_add(*out, policy->listeners[i].port);
	return 0;
}
