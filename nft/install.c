/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * install - a whole generation into the kernel; see install.h.
 */
#include "nft/install.h"

#include <errno.h>

#include "nft/counters.h"
#include "nft/drift.h"
#include "nft/element.h"
#include "nft/message.h"
#include "nft/readback.h"

static int add_elements(struct em_netlink *netlink, struct em_batch *batch,
			const struct em_object *object, struct em_diag *diag)
{
	int rc = 0;

	for (size_t next = 0; !rc && next < object->n;) {
		next = em_element_add(batch, object, 0, next);
		if (batch->used >= EM_BATCH_FULL || next == object->n)
			rc = em_batch_commit(netlink, batch, diag);
	}
	return rc;
}

int em_install_ruleset(struct em_netlink *netlink, struct em_batch *batch,
		       const struct em_ruleset *ruleset, struct em_diag *diag)
{
	int rc;

	em_message_tables(batch, ruleset, true);
	em_message_objects(batch, ruleset);
	rc = em_batch_commit(netlink, batch, diag);
	for (size_t i = 0; !rc && i < ruleset->n_objects; i++)
		if (ruleset->objects[i].per_entity)
			rc = add_elements(netlink, batch, &ruleset->objects[i], diag);
	if (rc)
		return rc;
	em_message_chains(batch, ruleset);
	em_drift_unhook(netlink, batch, EM_TABLE_INET);
	em_message_bases(batch, ruleset, EM_TABLE_INET);
	return em_batch_commit(netlink, batch, diag);
}

int em_install_trial(struct em_netlink *netlink, struct em_batch *batch,
		     const struct em_policy *policy, uint32_t generation, struct em_form form,
		     struct em_refusal *refusal)
{
	struct em_ruleset *ruleset __attribute__((cleanup(em_ruleset_freep))) = NULL;
	int rc = em_ruleset_new(&ruleset, policy, generation, form);

	if (rc) {
		*refusal = (struct em_refusal){rc, {.what = "build the ruleset"}};
		return rc;
	}
	em_message_tables(batch, ruleset, false);
	em_message_objects(batch, ruleset);
	em_message_chains(batch, ruleset);
	rc = em_batch_send(netlink, batch, false, refusal);
	return rc ? rc : em_readback_compare(netlink, batch, ruleset, refusal);
}

/* An object whose elements count, and that has some; NULL: none. */
static const struct em_object *find_counting(const struct em_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->n_objects; i++)
		if (ruleset->objects[i].counting && ruleset->objects[i].n)
			return &ruleset->objects[i];
	return NULL;
}

static int try_counting(struct em_netlink *netlink, struct em_batch *batch,
			const struct em_object *object, struct em_refusal *refusal)
{
	struct em_object sample = *object;
	char text[EM_IDENTIFIER_MAX];
	int counting, rc;

	sample.n = 1;
	em_message_table(batch, sample.table);
	em_message_object(batch, &sample);
	em_element_add(batch, &sample, 0, 0);
	rc = em_batch_send(netlink, batch, false, refusal);
	if (rc)
		return rc;
	counting = em_counters_in_elements(netlink, &sample);
	em_message_delete_object(batch, sample.table, sample.kind,
				 em_identifier_format(&sample.name, text));
	rc = em_batch_send(netlink, batch, false, refusal);
	if (rc || counting >= 0)
		return rc ? rc : counting;
	*refusal = (struct em_refusal){counting, {.what = "read the counters"}};
	return counting;
}

int em_install_can_count(struct em_netlink *netlink, struct em_batch *batch,
			 const struct em_policy *policy, uint32_t generation, struct em_form form,
			 struct em_refusal *refusal)
{
	struct em_ruleset *ruleset __attribute__((cleanup(em_ruleset_freep))) = NULL;
	const struct em_object *object;

	if (em_ruleset_new_counters(&ruleset, policy, generation, form)) {
		*refusal = (struct em_refusal){-ENOMEM, {.what = "build the ruleset"}};
		return -ENOMEM;
	}
	object = find_counting(ruleset);
	return object ? try_counting(netlink, batch, object, refusal) : 1;
}
