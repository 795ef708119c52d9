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
static void delete_selected(struct em_batch *batch, const struct em_inventory *inventory,
			    const struct em_selection *selection)
{
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (selected(selection, inventory->chains[i].generation))
			em_message_flush_chain(batch, inventory->chains[i].name);
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (selected(selection, inventory->chains[i].generation))
			em_message_delete_chain(batch, inventory->chains[i].name);
	for (size_t i = 0; i < inventory->n_sets; i++)
		if (selected(selection, inventory->sets[i].generation))
			em_message_delete_set(batch, inventory->sets[i].name);
	for (size_t i = 0; i < inventory->n_counters; i++)
		if (selected(selection, inventory->counters[i].generation))
			em_message_delete_counter(batch, inventory->counters[i].name);
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
			delete_selected(batch, &inventory, selection);
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
