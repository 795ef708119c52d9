/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * install - a whole generation into the kernel; see install.h.
 */
#include "nft/install.h"

#include "nft/counters.h"
#include "nft/element.h"
#include "nft/message.h"

struct target {
	struct em_netlink *netlink;
	struct em_batch *batch;
	struct em_diag *diag;
};

static int commit(const struct target *to)
{
	return em_batch_commit(to->netlink, to->batch, to->diag);
}

/* Elements of a map, some at a time: em_element_add_entities() and the like. */
typedef size_t elements_fn(struct em_batch *batch, const struct em_listener *listener,
			   uint32_t generation, size_t first);

static int add_elements(const struct target *to, elements_fn *add,
			const struct em_listener *listener, uint32_t generation)
{
	for (size_t next = 0; next < listener->n_entities;) {
		next = add(to->batch, listener, generation, next);
		if (to->batch->used >= EM_BATCH_FULL || next == listener->n_entities) {
			int error = commit(to);

			if (error)
				return error;
		}
	}
	return 0;
}

static int add_counters(const struct target *to, const struct em_listener *listener,
			uint32_t generation)
{
	int error = 0;

	for (size_t i = 0; !error && i < listener->n_entities; i++) {
		em_message_entity_counter(to->batch, listener, generation, &listener->entities[i]);
		if (to->batch->used >= EM_BATCH_FULL || i + 1 == listener->n_entities)
			error = commit(to);
	}
	return error;
}

static int add_listener(const struct target *to, const struct em_ruleset *ruleset,
			const struct em_listener *listener)
{
	uint32_t generation = ruleset->generation;
	int error = add_elements(to, em_element_add_entities, listener, generation);

	if (!error && ruleset->object_counters)
		error = add_counters(to, listener, generation);
	if (!error && ruleset->object_counters)
		error = add_elements(to, em_element_add_counted, listener, generation);
	if (!error && listener->replies)
		error = add_elements(to, em_element_add_zoned, listener, generation);
	return error;
}

int em_install_ruleset(struct em_netlink *netlink, struct em_batch *batch,
		       const struct em_ruleset *ruleset, struct em_diag *diag)
{
	const struct target to = {netlink, batch, diag};
	int error;

	em_message_tables(batch, ruleset);
	em_message_objects(batch, ruleset);
	error = commit(&to);
	for (size_t i = 0; !error && i < ruleset->policy->n_listeners; i++)
		error = add_listener(&to, ruleset, &ruleset->policy->listeners[i]);
	if (!error) {
		em_message_chains(batch, ruleset);
		if (ruleset->replies)
			em_message_inet_bases(batch, ruleset->generation, &ruleset->replies_place);
		error = commit(&to);
	}
	return error;
}

/* A listener that has entities, or NULL. */
static const struct em_listener *find_populated(const struct em_policy *policy)
{
	for (size_t i = 0; i < policy->n_listeners; i++)
		if (policy->listeners[i].n_entities)
			return &policy->listeners[i];
	return NULL;
}

int em_install_can_count(struct em_netlink *netlink, struct em_batch *batch,
			 const struct em_policy *policy, uint32_t generation, struct em_diag *diag)
{
	const struct em_listener *populated = find_populated(policy);
	struct em_identifier name;
	char text[EM_IDENTIFIER_MAX];
	struct em_listener sample;
	int counting, error;

	if (!populated)
		return 1;
	sample = *populated;
	sample.n_entities = 1;
	name = em_ruleset_map(generation, &sample);
	em_message_table(batch, EM_TABLE_NETDEV);
	em_message_map(batch, &sample, generation, true);
	em_element_add_entities(batch, &sample, generation, 0);
	error = em_batch_commit(netlink, batch, diag);
	if (error)
		return error;
	counting = em_counters_in_elements(netlink, &sample, generation, diag);
	em_message_delete_set(batch, EM_TABLE_NETDEV, em_identifier_format(&name, text));
	error = em_batch_commit(netlink, batch, diag);
	return error ? error : counting;
}
