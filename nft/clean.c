/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * clean - take generations away again; see clean.h.
 */
#include "nft/clean.h"

#include <errno.h>
#include <string.h>

#include "nft/inventory.h"
#include "nft/message.h"

static bool selected(const struct em_selection *selection, uint32_t generation)
{
	if (selection->only)
		return generation == selection->only;
	return generation != selection->keep;
}

static bool base_selected(const struct em_inventory *inventory,
			  const struct em_inventory_chain *base,
			  const struct em_selection *selection)
{
	bool leads = false;

	for (size_t i = 0; i < inventory->n_rules; i++) {
		if (strcmp(inventory->rules[i].chain, base->name))
			continue;
		leads = true;
		if (!selected(selection, inventory->rules[i].generation))
			return false;
	}
	return leads || selected(selection, 0);
}

static bool chain_selected(const struct em_inventory *inventory,
			   const struct em_inventory_chain *chain,
			   const struct em_selection *selection)
{
	return chain->base ? base_selected(inventory, chain, selection)
			   : selected(selection, chain->generation);
}

static bool objects_selected(const struct em_inventory_object *objects, size_t n,
			     const struct em_selection *selection)
{
	for (size_t i = 0; i < n; i++)
		if (!selected(selection, objects[i].generation))
			return false;
	return true;
}

static bool all_selected(const struct em_inventory *inventory, const struct em_selection *selection)
{
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (!chain_selected(inventory, &inventory->chains[i], selection))
			return false;
	return objects_selected(inventory->sets, inventory->n_sets, selection) &&
	       objects_selected(inventory->counters, inventory->n_counters, selection);
}

/*
 * Chains can go when nothing leads to them any more: all rules go first, also those of base chains
 * that stay.
 */
static void delete_chains(struct em_batch *batch, const struct em_inventory *inventory,
			  const struct em_selection *selection)
{
	for (size_t i = 0; i < inventory->n_rules; i++)
		if (selected(selection, inventory->rules[i].generation))
			em_message_delete_rule(batch, inventory->table, inventory->rules[i].chain,
					       inventory->rules[i].handle);
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (!inventory->chains[i].base &&
		    selected(selection, inventory->chains[i].generation))
			em_message_flush_chain(batch, inventory->table, inventory->chains[i].name);
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (chain_selected(inventory, &inventory->chains[i], selection))
			em_message_delete_chain(batch, inventory->table, inventory->chains[i].name);
}

/*
 * A map that goes lets go of its counters only at the end of the transaction on older kernels,
 * its elements do so at once.
 */
static void delete_sets(struct em_batch *batch, const struct em_inventory *inventory,
			const struct em_selection *selection)
{
	for (size_t i = 0; i < inventory->n_sets; i++) {
		const struct em_inventory_object *set = &inventory->sets[i];

		if (!selected(selection, set->generation))
			continue;
		if (set->refers)
			em_message_flush_map(batch, inventory->table, set->name);
		em_message_delete_set(batch, inventory->table, set->name);
	}
}

/* There may be as many counters as entities: in more than one transaction then. */
static int delete_counters(struct em_netlink *netlink, struct em_batch *batch,
			   const struct em_inventory *inventory,
			   const struct em_selection *selection, struct em_diag *diag)
{
	int error = 0;

	for (size_t i = 0; !error && i < inventory->n_counters; i++) {
		if (!selected(selection, inventory->counters[i].generation))
			continue;
		em_message_delete_counter(batch, inventory->counters[i].name);
		if (batch->used >= EM_BATCH_FULL)
			error = em_batch_commit(netlink, batch, diag);
	}
	return error;
}

static int delete_selected(struct em_netlink *netlink, struct em_batch *batch,
			   const struct em_inventory *inventory,
			   const struct em_selection *selection, struct em_diag *diag)
{
	delete_chains(batch, inventory, selection);
	delete_sets(batch, inventory, selection);
	return delete_counters(netlink, batch, inventory, selection, diag);
}

/* Of one table; *left says whether it is still there. */
static int clean_table(struct em_netlink *netlink, struct em_batch *batch, enum em_table table,
		       const struct em_selection *selection, bool *left, struct em_diag *diag)
{
	struct em_inventory inventory;
	int error = em_inventory_read(&inventory, table, netlink, diag);

	*left = false;
	if (!error && inventory.present) {
		*left = !all_selected(&inventory, selection);
		if (*left)
			error = delete_selected(netlink, batch, &inventory, selection, diag);
		else
			em_message_delete_table(batch, table);
		if (!error)
			error = em_batch_commit(netlink, batch, diag);
	}
	em_inventory_clear(&inventory);
	return error;
}

/* Those that no generation uses any more. */
static int clean_timeouts(struct em_netlink *netlink, struct em_batch *batch, struct em_diag *diag)
{
	struct em_inventory inventory;
	int error = em_inventory_read(&inventory, EM_TABLE_INET, netlink, diag);

	for (size_t i = 0; !error && i < inventory.n_timeouts; i++)
		if (!inventory.timeouts[i].used)
			em_message_delete_timeout(batch, inventory.timeouts[i].name);
	em_inventory_clear(&inventory);
	return error ? error : em_batch_commit(netlink, batch, diag);
}

int em_clean_selected(struct em_netlink *netlink, struct em_batch *batch,
		      const struct em_selection *selection, struct em_diag *diag)
{
	bool left;
	int error = clean_table(netlink, batch, EM_TABLE_NETDEV, selection, &left, diag);

	if (!error)
		error = clean_table(netlink, batch, EM_TABLE_INET, selection, &left, diag);
	return error || !left ? error : clean_timeouts(netlink, batch, diag);
}

int em_clean_transact(em_clean_fn *build, const struct em_selection *selection,
		      struct em_diag *diag)
{
	struct em_netlink netlink;
	struct em_batch batch;
	int error = em_netlink_open(&netlink, diag);

	if (error)
		return error == -EPROTONOSUPPORT ? 0 : error;
	error = em_batch_init(&batch, diag);
	if (!error)
		error = build(&netlink, &batch, selection, diag);
	em_batch_clear(&batch);
	em_netlink_close(&netlink);
	return error;
}
