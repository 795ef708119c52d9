/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clean - take generations away again; see clean.h.
 */
#include "clean.h"

#include <errno.h>

#include "inventory.h"
#include "message.h"

static bool selected(const struct em_selection *selection, uint32_t generation)
{
	if (selection->only)
		return generation == selection->only;
	return generation != selection->keep;
}

static bool all_selected(const struct em_inventory *inventory, const struct em_selection *selection)
{
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (!selected(selection, inventory->chains[i].generation))
			return false;
	for (size_t i = 0; i < inventory->n_sets; i++)
		if (!selected(selection, inventory->sets[i].generation))
			return false;
	for (size_t i = 0; i < inventory->n_counters; i++)
		if (!selected(selection, inventory->counters[i].generation))
			return false;
	return true;
}

/* Chains can go when nothing leads to them any more: all rules go first. */
static void delete_chains(struct em_batch *batch, const struct em_inventory *inventory,
			  const struct em_selection *selection)
{
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (selected(selection, inventory->chains[i].generation))
			em_message_flush_chain(batch, inventory->chains[i].name);
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (selected(selection, inventory->chains[i].generation))
			em_message_delete_chain(batch, inventory->chains[i].name);
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
			em_message_flush_map(batch, set->name);
		em_message_delete_set(batch, set->name);
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

int em_clean_selected(struct em_netlink *netlink, struct em_batch *batch,
		      const struct em_selection *selection, struct em_diag *diag)
{
	struct em_inventory inventory;
	int error = em_inventory_read(&inventory, netlink, diag);

	if (!error && inventory.table) {
		if (all_selected(&inventory, selection))
			em_message_delete_table(batch);
		else
			error = delete_selected(netlink, batch, &inventory, selection, diag);
		if (!error)
			error = em_batch_commit(netlink, batch, diag);
	}
	em_inventory_clear(&inventory);
	return error;
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
