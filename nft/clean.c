/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * clean - take generations away again; see clean.h.
 */
#include "nft/clean.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "host/grace.h"
#include "nft/handover.h"
#include "nft/message.h"

/* How often, and after how long, chains are tried again that are still in use: a second in all. */
#define RELEASE_TRIES	    50
#define RELEASE_NANOSECONDS 20000000

static bool selected(const struct em_selection *selection, uint32_t generation)
{
	if (selection->only)
		return generation == selection->only;
	return generation != selection->keep;
}

/* One without rules is of no use to any generation. */
static bool base_selected(const struct em_inventory *inventory,
			  const struct em_inventory_chain *base,
			  const struct em_selection *selection)
{
	for (size_t i = 0; i < inventory->n_rules; i++)
		if (strcmp(inventory->rules[i].chain, base->name) == 0 &&
		    !selected(selection, inventory->rules[i].generation))
			return false;
	return true;
}

static bool leads_to_selected(const struct em_inventory *inventory,
			      const struct em_inventory_chain *base,
			      const struct em_selection *selection)
{
	for (size_t i = 0; i < inventory->n_rules; i++)
		if (strcmp(inventory->rules[i].chain, base->name) == 0 &&
		    selected(selection, inventory->rules[i].generation))
			return true;
	return false;
}

static bool chain_selected(const struct em_inventory *inventory,
			   const struct em_inventory_chain *chain,
			   const struct em_selection *selection)
{
	return chain->base ? base_selected(inventory, chain, selection)
			   : selected(selection, chain->generation);
}

static bool object_selected(const struct em_inventory_object *object,
			    const struct em_selection *selection)
{
	return !em_inventory_is_shared(object) && selected(selection, object->generation);
}

/* Whether the table can go as a whole. */
static bool all_selected(const struct em_inventory *inventory, const struct em_selection *selection)
{
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (!chain_selected(inventory, &inventory->chains[i], selection))
			return false;
	for (size_t i = 0; i < inventory->n_objects; i++)
		if (!em_inventory_is_shared(&inventory->objects[i]) &&
		    !object_selected(&inventory->objects[i], selection))
			return false;
	return true;
}

/* A chain can be deleted when no rule leads to it: not one of a base chain that stays either. */
static void delete_rules(struct em_batch *batch, const struct em_inventory *inventory,
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
}

static void delete_empty(struct em_batch *batch, const struct em_inventory *inventory,
			 const struct em_selection *selection)
{
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (chain_selected(inventory, &inventory->chains[i], selection))
			em_message_delete_chain(batch, inventory->table, inventory->chains[i].name);
}

/* Whether to try once more after a pause, as what the kernel frees late is still in use. */
static bool is_busy(int rc, int *tries)
{
	const struct timespec pause = {.tv_nsec = RELEASE_NANOSECONDS};

	if (rc != -EBUSY || ++*tries >= RELEASE_TRIES)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

/*
 * The verdict map of a deleted rule leads to its chains until the kernel frees it, which it does
 * some time after the transaction.
 */
static int delete_slowly(struct em_netlink *netlink, struct em_batch *batch,
			 const struct em_inventory *inventory, const struct em_selection *selection,
			 struct em_refusal *refusal)
{
	int tries = 0, rc;

	delete_rules(batch, inventory, selection);
	rc = em_batch_send(netlink, batch, false, refusal);
	if (rc)
		return rc;
	do {
		delete_empty(batch, inventory, selection);
		rc = em_batch_send(netlink, batch, false, refusal);
	} while (is_busy(rc, &tries));
	return rc;
}

/* Kernels before Linux 6.4, without its mend, refuse it in one transaction. */
static int delete_chains(struct em_netlink *netlink, struct em_batch *batch,
			 const struct em_inventory *inventory, const struct em_selection *selection,
			 struct em_diag *diag)
{
	struct em_refusal refusal;
	int rc;

	delete_rules(batch, inventory, selection);
	delete_empty(batch, inventory, selection);
	rc = em_batch_send(netlink, batch, false, &refusal);
	if (rc == -EBUSY)
		rc = delete_slowly(netlink, batch, inventory, selection, &refusal);
	return rc ? em_netlink_report(diag, &refusal) : 0;
}

/*
 * Deletes counters, or all other objects, from index first on, as many as a transaction should
 * have. Returns the index of the next one.
 */
static size_t add_deletions(struct em_batch *batch, const struct em_inventory *inventory,
			    const struct em_selection *selection, bool counters, size_t first)
{
	for (; first < inventory->n_objects && batch->used < EM_BATCH_FULL; first++) {
		const struct em_inventory_object *object = &inventory->objects[first];

		if (object_selected(object, selection) &&
		    counters == (object->kind == EM_OBJECT_COUNTER))
			em_message_delete_object(batch, inventory->table, object->kind,
						 object->name);
	}
	return first;
}

/* There may be as many counters as entities, too many for one transaction. */
static int delete_objects(struct em_netlink *netlink, struct em_batch *batch,
			  const struct em_inventory *inventory,
			  const struct em_selection *selection, bool counters, struct em_diag *diag)
{
	struct em_refusal refusal;
	size_t next;
	int rc = 0;

	for (size_t first = 0; !rc && first < inventory->n_objects; first = next) {
		int tries = 0;

		do {
			next = add_deletions(batch, inventory, selection, counters, first);
			rc = em_batch_send(netlink, batch, false, &refusal);
		} while (is_busy(rc, &tries));
	}
	return rc ? em_netlink_report(diag, &refusal) : 0;
}

static int delete_selected(struct em_netlink *netlink, struct em_batch *batch,
			   const struct em_inventory *inventory,
			   const struct em_selection *selection, struct em_diag *diag)
{
	int rc = delete_chains(netlink, batch, inventory, selection, diag);

	/* On older kernels a map of counters uses them until after its transaction. */
	for (int counters = 0; !rc && counters <= 1; counters++)
		rc = delete_objects(netlink, batch, inventory, selection, counters, diag);
	return rc;
}

/* The kernel does not say whether rules use a set, but refuses to delete one that they use. */
static int delete_unused(struct em_netlink *netlink, struct em_batch *batch, enum em_table table,
			 const struct em_inventory_object *set, struct em_diag *diag)
{
	struct em_refusal refusal;
	int rc;

	em_message_delete_object(batch, table, set->kind, set->name);
	rc = em_batch_send(netlink, batch, false, &refusal);
	return rc && rc != -EBUSY ? em_netlink_report(diag, &refusal) : 0;
}

/* Objects that all generations share, and that none uses any more. */
static int clean_shared(struct em_netlink *netlink, struct em_batch *batch, enum em_table table,
			struct em_diag *diag)
{
	struct em_inventory inventory;
	int rc = em_inventory_read(&inventory, table, netlink, diag);

	for (size_t i = 0; !rc && i < inventory.n_objects; i++) {
		const struct em_inventory_object *object = &inventory.objects[i];

		if (em_inventory_is_conversations(object)) {
			rc = delete_unused(netlink, batch, table, object, diag);
		} else if (em_inventory_is_shared(object) && !object->used) {
			em_message_delete_object(batch, table, object->kind, object->name);
			rc = em_batch_commit(netlink, batch, diag);
		}
	}
	em_inventory_clear(&inventory);
	return rc;
}

static bool has_shared(const struct em_inventory *inventory)
{
	for (size_t i = 0; i < inventory->n_objects; i++)
		if (em_inventory_is_shared(&inventory->objects[i]))
			return true;
	return false;
}

int em_clean_wait(struct em_inventory *inventory, struct em_netlink *netlink, struct em_diag *diag)
{
	enum em_table table = inventory->table;

	em_grace_wait();
	em_inventory_clear(inventory);
	return em_inventory_read(inventory, table, netlink, diag);
}

/* Packets may be on their way to what carries out what others have decided. */
static bool has_packets(const struct em_inventory *inventory, const struct em_selection *selection)
{
	for (size_t i = 0; i < inventory->n_chains; i++)
		if (em_inventory_carries_out(inventory, &inventory->chains[i]) &&
		    leads_to_selected(inventory, &inventory->chains[i], selection))
			return true;
	return em_handover_heeds(inventory);
}

static int clean_table(struct em_netlink *netlink, struct em_batch *batch, enum em_table table,
		       const struct em_selection *selection, struct em_diag *diag)
{
	struct em_inventory inventory;
	bool shared = false;
	int rc = em_inventory_read(&inventory, table, netlink, diag);

	if (!rc && has_packets(&inventory, selection))
		rc = em_clean_wait(&inventory, netlink, diag);
	if (!rc && inventory.present) {
		if (all_selected(&inventory, selection)) {
			em_message_delete_table(batch, table);
		} else {
			shared = has_shared(&inventory);
			rc = delete_selected(netlink, batch, &inventory, selection, diag);
		}
		if (!rc)
			rc = em_batch_commit(netlink, batch, diag);
	}
	em_inventory_clear(&inventory);
	return rc || !shared ? rc : clean_shared(netlink, batch, table, diag);
}

int em_clean_selected(struct em_netlink *netlink, struct em_batch *batch,
		      const struct em_selection *selection, struct em_diag *diag)
{
	int rc = 0;

	for (enum em_table table = 0; !rc && table < EM_TABLES; table++)
		rc = clean_table(netlink, batch, table, selection, diag);
	return rc;
}

int em_clean_transact(em_clean_fn *build, const struct em_selection *selection,
		      struct em_diag *diag)
{
	struct em_netlink netlink;
	struct em_batch batch;
	int rc = em_netlink_open(&netlink, diag);

	if (rc)
		return rc == -EPROTONOSUPPORT ? 0 : rc;
	rc = em_batch_init(&batch, diag);
	if (!rc)
		rc = build(&netlink, &batch, selection, diag);
	em_batch_clear(&batch);
	em_netlink_close(&netlink);
	return rc;
}
