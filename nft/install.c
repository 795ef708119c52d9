/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * install - a whole generation into the kernel; see install.h.
 */
#include "nft/install.h"

#include <errno.h>
#include <string.h>

#include "nft/counters.h"
#include "nft/drift.h"
#include "nft/element.h"
#include "nft/inventory.h"
#include "nft/message.h"
#include "nft/readback.h"

static const char adding[] = "add entities";

static int add_elements(struct em_netlink *netlink, struct em_batch *batch,
			const struct em_object *object, struct em_diag *diag)
{
	int rc = 0;

	em_diag_progress(diag, adding, 0, object->n);
	for (size_t next = 0; !rc && next < object->n;) {
		next = em_element_add(batch, object, 0, next);
		if (batch->used >= EM_BATCH_FULL || next == object->n)
			rc = em_batch_commit(netlink, batch, diag);
		if (!rc)
			em_diag_progress(diag, adding, next, object->n);
	}
	return rc;
}

static bool has_chain(const struct em_inventory *inventory, const struct em_chain *chain)
{
	char text[EM_IDENTIFIER_MAX];

	em_identifier_format(&chain->name, text);
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (strcmp(inventory->chains[i].name, text) == 0)
			return true;
	return false;
}

/* Without rules, so that they can be read back before they get traffic. */
static void add_hooks(struct em_netlink *netlink, struct em_batch *batch,
		      const struct em_ruleset *ruleset)
{
	struct em_inventory inventory;
	int rc = em_inventory_list(&inventory, EM_TABLE_NETDEV, netlink);

	for (size_t i = 0; !rc && i < ruleset->n_chains; i++) {
		const struct em_chain *chain = &ruleset->chains[i];

		if (chain->base && chain->table == EM_TABLE_NETDEV && !has_chain(&inventory, chain))
			em_message_base(batch, chain);
	}
	em_inventory_clear(&inventory);
	if (rc && !batch->error)
		batch->error = rc;
}

/* Sends the last batch. The number is asked for before it, so that no change of others counts. */
static int send_last(struct em_netlink *netlink, struct em_batch *batch, uint32_t *id,
		     struct em_refusal *refusal)
{
	int rc = em_netlink_ruleset_id(netlink, id);

	if (rc) {
		*refusal = (struct em_refusal){rc, {.what = "read the number of the ruleset"}};
		return rc;
	}
	/* 0 is left out. */
	if (!++*id)
		++*id;
	return em_batch_send(netlink, batch, false, refusal);
}

int em_install_ruleset(struct em_netlink *netlink, struct em_batch *batch,
		       const struct em_ruleset *ruleset, uint32_t *id, struct em_diag *diag)
{
	struct em_refusal refusal;
	int rc;

	em_drift_delete_remade(netlink, batch);
	em_message_tables(batch, ruleset, true);
	em_message_objects(batch, ruleset);
	rc = em_batch_commit(netlink, batch, diag);
	for (size_t i = 0; !rc && i < ruleset->n_objects; i++)
		if (ruleset->objects[i].per_entity)
			rc = add_elements(netlink, batch, &ruleset->objects[i], diag);
	if (rc)
		return rc;
	em_message_chains(batch, ruleset);
	add_hooks(netlink, batch, ruleset);
	em_drift_unhook(netlink, batch, EM_TABLE_INET);
	em_message_bases(batch, ruleset, EM_TABLE_INET);
	return send_last(netlink, batch, id, &refusal) ? em_netlink_report(diag, &refusal) : 0;
}

int em_install_trial(struct em_netlink *netlink, struct em_batch *batch,
		     const struct em_policy *policy, uint32_t generation, struct em_form form,
		     struct em_refusal *refusal)
{
	struct em_ruleset *ruleset __attribute__((cleanup(em_ruleset_freep))) = NULL;
	struct em_installed installed = {.whole = false};
	int rc = em_ruleset_new(&ruleset, policy, generation, form);

	if (rc) {
		*refusal = (struct em_refusal){rc, {.what = "build the ruleset"}};
		return rc;
	}
	em_message_tables(batch, ruleset, false);
	em_message_objects(batch, ruleset);
	em_message_chains(batch, ruleset);
	rc = send_last(netlink, batch, &installed.id, refusal);
	return rc ? rc : em_readback_compare(netlink, batch, ruleset, &installed, refusal);
}

/* An object whose elements count, and that has some; NULL: none. */
static const struct em_object *find_counting(const struct em_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->n_objects; i++)
		if (ruleset->objects[i].counting && ruleset->objects[i].n)
			return &ruleset->objects[i];
	return NULL;
}

/* Ranges of tags, which may adjoin; those of sources do not. NULL: none. */
static const struct em_object *find_ranges(const struct em_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->n_objects; i++)
		if (ruleset->objects[i].interval && ruleset->objects[i].format &&
		    ruleset->objects[i].n > 1)
			return &ruleset->objects[i];
	return NULL;
}

/*
 * Where ranges adjoin, Linux 4.14 misses the first tag of the second one; it does not show but to
 * packets. 4.19 finds it. The one cannot be asked for an element, the other can.
 */
static int judge_old(const struct em_ruleset *ruleset, struct em_refusal *refusal)
{
	const struct em_object *ranges = find_ranges(ruleset);

	if (!ranges)
		return 0;
	*refusal = (struct em_refusal){-EOPNOTSUPP,
				       {"look tags up in ranges that adjoin", ranges->place}};
	return -EOPNOTSUPP;
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
	int counting;

	if (em_ruleset_new_counters(&ruleset, policy, generation, form)) {
		*refusal = (struct em_refusal){-ENOMEM, {.what = "build the ruleset"}};
		return -ENOMEM;
	}
	object = find_counting(ruleset);
	counting = object ? try_counting(netlink, batch, object, refusal) : 1;
	return counting == -EOPNOTSUPP ? judge_old(ruleset, refusal) : counting;
}
