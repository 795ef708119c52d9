/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "engine/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/waiting.h"
#include "host/obstacle.h"
#include "policy/conversation.h"
#include "policy/names.h"

static bool has_words(char *const *words)
{
	return words && *words;
}

bool em_plan_samples(const struct em_samples *samples, const struct em_listener *listener,
		     unsigned int reason)
{
	if (!samples)
		return false;
	if (reason == EM_SAMPLE_SORTED)
		return has_words(samples->entities) &&
		       em_names_listener(samples->entities, listener);
	return samples->reasons & 1U << reason && em_names_listener(samples->names, listener);
}

bool em_plan_samples_entity(const struct em_samples *samples, const struct em_listener *listener,
			    const struct em_format *format, const struct em_entity *entity)
{
	return samples && has_words(samples->entities) &&
	       em_names_entity(samples->entities, listener, format, entity);
}

const char *em_plan_sample_reason(unsigned int reason)
{
	if (reason == EM_SAMPLE_SORTED)
		return "sorted";
	return reason == EM_SAMPLE_UNKNOWN ? "unknown" : em_reason_name((enum em_reason)reason);
}

static bool has_vlan(const struct em_policy *policy, const char *interface)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		if (policy->listeners[i].vlan && em_listener_on(&policy->listeners[i], interface))
			return true;
	return false;
}

void em_plan_describe(struct em_attachment *out, const struct em_policy *policy,
		      const char *interface)
{
	const struct em_interface *configured = em_policy_find_interface(policy, interface);

	snprintf(out->interface, IF_NAMESIZE, "%s", interface);
	if (configured)
		snprintf(out->alias, sizeof(out->alias), "%s", configured->alias);
	out->vlan = has_vlan(policy, interface);
	out->replies = em_conversation_on(policy, interface);
}

static int init_interface(struct em_plan *plan, size_t i, const char *name, struct em_diag *diag)
{
	struct em_link *link = &plan->links[i];
	struct em_obstacle down;
	const struct em_interface *configured = em_policy_find_interface(plan->policy, name);
	const struct em_place *place = configured ? &configured->place : NULL;
	int rc = em_link_read(link, name, place, diag);

	plan->attachments[i].ifindex = link->ifindex;
	em_plan_describe(&plan->attachments[i], plan->policy, name);
	if (!rc && em_obstacle_find(&down, EM_OBSTACLE_DOWN, link, &plan->attachments[i]))
		rc = em_diag_error(diag, -ENETDOWN, place,
				   "interface %s: %s; bring it up first: %s", name, down.what,
				   down.remedy);
	return rc;
}

/* Of a VRF an interface stays a link of its own. */
bool em_plan_tells_links(const struct em_plan *plan)
{
	for (size_t i = 0; i < plan->n_attachments; i++)
		if (plan->attachments[i].replies && plan->links[i].master &&
		    strcmp(plan->links[i].port_of, "vrf") != 0)
			return false;
	return true;
}

int em_plan_init(struct em_plan *plan, const struct em_policy *policy, struct em_diag *diag)
{
	char(*names)[IF_NAMESIZE] __attribute__((cleanup(em_freep))) = NULL;
	int n, first = 0;

	*plan = (struct em_plan){.policy = policy};
	n = em_waiting_find(&plan->waiting, policy, diag);
	if (n)
		return n;
	if (plan->waiting.n)
		plan->policy = &plan->waiting.part;
	n = em_policy_interfaces(plan->policy, &names);
	if (n < 0)
		return em_diag_enomem(diag);
	plan->attachments = calloc(n + 1, sizeof(*plan->attachments));
	plan->links = calloc(n + 1, sizeof(*plan->links));
	if (!plan->attachments || !plan->links)
		return em_diag_enomem(diag);
	plan->n_attachments = n;
	for (int i = 0; i < n; i++) {
		int rc = init_interface(plan, i, names[i], diag);

		first = first ? first : rc;
	}
	return first;
}

void em_plan_clear(struct em_plan *plan)
{
	free(plan->attachments);
	free(plan->links);
	em_waiting_clear(&plan->waiting);
	*plan = (struct em_plan){0};
}

void em_plan_settle(struct em_plan *plan)
{
	if (plan->backend != EM_BACKEND_AUTO)
		return;
	plan->backend = EM_BACKEND_TC;
	for (size_t i = 0; i < plan->n_attachments; i++)
		if (plan->attachments[i].hook == EM_HOOK_XDP_NATIVE)
			plan->backend = EM_BACKEND_XDP;
}

static int check_link(const struct em_plan *plan, size_t i, struct em_outcome *outcome)
{
	const struct em_link *link = &plan->links[i];
	const struct em_interface *configured = em_policy_find_interface(plan->policy, link->name);
	const struct em_place *place = configured ? &configured->place : NULL;

	for (int kind = 0; kind < EM_OBSTACLES; kind++) {
		struct em_obstacle obstacle;

		if (!em_obstacle_find(&obstacle, kind, link, &plan->attachments[i]))
			continue;
		return em_outcome_lacks(
			outcome,
			obstacle.replies
				? &em_conversation_on(plan->policy, link->name)->replies_place
				: place,
			"%s: %s%s%s", link->name, obstacle.what,
			obstacle.remedy[0] ? "; clear it with: " : "", obstacle.remedy);
	}
	return 0;
}

int em_plan_check_links(const struct em_plan *plan, struct em_outcome *outcome)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < plan->n_attachments; i++)
		rc = check_link(plan, i, outcome);
	return rc;
}

void em_outcome_note(struct em_outcome *outcome, const char *format, ...)
{
	size_t used = strlen(outcome->reason);
	va_list args;

	va_start(args, format);
	vsnprintf(outcome->reason + used, sizeof(outcome->reason) - used, format, args);
	va_end(args);
}

int em_outcome_lacks(struct em_outcome *outcome, const struct em_place *place, const char *format,
		     ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(outcome->lacking, sizeof(outcome->lacking), format, args);
	va_end(args);
	outcome->lacking_place = place ? *place : (struct em_place){0};
	return -EM_EUNSUPPORTED;
}
