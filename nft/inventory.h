/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inventory - what is in our table, by name.
 */
#ifndef EM_NFT_INVENTORY_H
#define EM_NFT_INVENTORY_H

#include <net/if.h>

#include "netlink.h"
#include "ruleset.h"

struct em_inventory_chain {
	char name[EM_IDENTIFIER_MAX];
	char device[IF_NAMESIZE]; /* of a base chain; else empty */
	uint32_t generation;	  /* of its name, or of what a base chain leads to; 0: none */
};

/* A set, a map or a counter. */
struct em_inventory_object {
	char name[EM_IDENTIFIER_MAX];
	uint32_t generation;
	bool refers; /* a map whose elements are counters */
};

struct em_inventory {
	bool table; /* there is one */
	struct em_inventory_chain *chains;
	size_t n_chains;
	struct em_inventory_object *sets; /* named ones, maps among them */
	size_t n_sets;
	struct em_inventory_object *counters;
	size_t n_counters;
};

/*
 * Reads it into *out, which is cleared with em_inventory_clear() in any case.  A kernel without
 * nf_tables has nothing.  Returns 0 or -errno, reported.
 */
int em_inventory_read(struct em_inventory *out, struct em_netlink *netlink, struct em_diag *diag);
void em_inventory_clear(struct em_inventory *inventory);

/*
 * The generation in force: the highest that a base chain leads to.  (There is one, but where
 * another program has changed our table.)  0: none.
 */
uint32_t em_inventory_in_force(const struct em_inventory *inventory);

/* A query's attributes that name our table: for NFT_MSG_GETRULE, …GETOBJ and …GETSET. */
void em_inventory_table(struct nlmsghdr *message, const void *context);

#endif
