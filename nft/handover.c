/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "nft/handover.h"

#include <errno.h>

#include "engine/backend.h"
#include "nft/clean.h"
#include "nft/drift.h"
#include "nft/message.h"

void em_handover_add(struct em_batch *batch, const struct em_attachment *attachments, size_t n)
{
	em_message_table(batch, EM_TABLE_NETDEV);
	for (size_t i = 0; i < n; i++) {
		struct em_ruleset *ruleset __attribute__((cleanup(em_ruleset_freep))) = NULL;

		if (em_ruleset_new_handover(&ruleset, attachments[i].interface))
			batch->error = -ENOMEM;
		else
			em_message_first_rules(batch, ruleset);
	}
}

int em_handover_heed(const struct em_attachment *attachments, size_t n, struct em_diag *diag)
{
	struct em_netlink netlink;
	struct em_batch batch;
	int rc = em_netlink_open(&netlink, diag);

	if (rc)
		return rc;
	rc = em_batch_init(&batch, diag);
	if (!rc) {
		em_drift_unhook(&netlink, &batch, EM_TABLE_NETDEV);
		em_handover_add(&batch, attachments, n);
		rc = em_batch_commit(&netlink, &batch, diag);
	}
	em_batch_clear(&batch);
	em_netlink_close(&netlink);
	return rc;
}

bool em_handover_heeds(const struct em_inventory *inventory)
{
	for (size_t i = 0; inventory->table == EM_TABLE_NETDEV && i < inventory->n_rules; i++)
		if (!inventory->rules[i].generation)
			return true;
	return false;
}

static bool sorts(const struct em_inventory_rule *rule)
{
	return rule->generation &&
	       em_identifier_owner(rule->chain, em_ruleset_bases[EM_BASE_SORT].role);
}

static int delete_sorting_rules(struct em_netlink *netlink, struct em_batch *batch,
				const struct em_selection *selection, struct em_diag *diag)
{
	struct em_inventory inventory;
	int rc = em_inventory_read(&inventory, EM_TABLE_NETDEV, netlink, diag);

	(void)selection;
	for (size_t i = 0; !rc && i < inventory.n_rules; i++)
		if (sorts(&inventory.rules[i]))
			em_message_delete_rule(batch, EM_TABLE_NETDEV, inventory.rules[i].chain,
					       inventory.rules[i].handle);
	em_inventory_clear(&inventory);
	return rc ? rc : em_batch_commit(netlink, batch, diag);
}

int em_handover_stand_by(struct em_diag *diag)
{
	return em_clean_transact(delete_sorting_rules, NULL, diag);
}
