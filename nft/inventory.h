/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * inventory - what is in one of our tables, by name.
 */
#ifndef EM_NFT_INVENTORY_H
#define EM_NFT_INVENTORY_H

#include <net/if.h>

#include "nft/netlink.h"
#include "nft/ruleset.h"

/*
 * The most elements of a set that are listed: for each 32 KiB the kernel walks through all elements
 * before.  Of a larger set only a flush is seen, but from Linux 6.16 on, which says how many there
 * are.
 */
#define EM_LISTED_MAX 16384

struct em_inventory_chain {
	char name[EM_IDENTIFIER_MAX];
	bool base;
	/* Of a base chain: */
	char type[16];
	uint32_t hook; /* NF_NETDEV_… or NF_INET_… */
	int32_t priority;
	uint32_t policy;	  /* NF_ACCEPT or NF_DROP */
	char device[IF_NAMESIZE]; /* in table netdev; else empty */
	/* Of its name, or the highest that a base chain leads to; 0: none. */
	uint32_t generation;
};

/* A rule of a base chain. */
struct em_inventory_rule {
	char chain[EM_IDENTIFIER_MAX];
	uint64_t handle;
	uint32_t generation; /* that it leads to; 0: none */
};

struct em_inventory_object {
	enum em_object_kind kind; /* of a map to values or chains EM_OBJECT_MAP */
	char name[EM_IDENTIFIER_MAX];
	uint32_t generation; /* 0: that of no one, as timeouts are */
	bool used;	     /* of a counter or a timeout: rules or elements refer to it */
	bool remade;	     /* a set of conversations that nft has made, from a listing of ours */
	/* Of a set or a map, EM_EXPECTED_NONE where the kernel does not say: */
	uint32_t expected; /* elements that it was made with */
	uint32_t count;	   /* elements that it has */
};

struct em_inventory {
	enum em_table table;
	bool present; /* the table */
	bool dormant; /* likewise: its chains are not hooked */
	struct em_inventory_chain *chains;
	size_t n_chains;
	struct em_inventory_rule *rules;
	size_t n_rules;
	struct em_inventory_object *objects; /* maps of counters before the counters */
	size_t n_objects;
};

/*
 * Reads it into *out, which is cleared with em_inventory_clear() in any case.  A kernel without
 * nf_tables has nothing.  Returns 0 or -errno, reported.
 */
int em_inventory_read(struct em_inventory *out, enum em_table table, struct em_netlink *netlink,
		      struct em_diag *diag);
/* The same, not reported. */
int em_inventory_list(struct em_inventory *out, enum em_table table, struct em_netlink *netlink);
void em_inventory_clear(struct em_inventory *inventory);

/* Whether an object is the same for all generations, and stays as long as one of them uses it. */
bool em_inventory_is_shared(const struct em_inventory_object *object);

/* Whether it is one of the sets of conversations. */
bool em_inventory_is_conversations(const struct em_inventory_object *object);

/* Whether it has elements. */
bool em_inventory_is_set(const struct em_inventory_object *object);

/*
 * Counts the elements of a set by listing them, and stops at some number above `most`.  Returns 0
 * or -errno, not reported; -EINTR where the ruleset changed meanwhile.
 */
int em_inventory_count(struct em_netlink *netlink, enum em_table table, const char *set,
		       uint32_t most, uint32_t *n);

/*
 * The generation in force: the highest that a base chain of table netdev leads to which takes a
 * decision.  (There is more than one only where another program has changed our table.)  0: none.
 */
uint32_t em_inventory_in_force(const struct em_inventory *inventory);

/* Whether it is a base chain that carries out what another has decided: see em_ruleset_bases. */
bool em_inventory_carries_out(const struct em_inventory *inventory,
			      const struct em_inventory_chain *chain);

/* Whether a base chain of this name leads to the generation. */
bool em_inventory_leads(const struct em_inventory *inventory, const char *chain,
			uint32_t generation);

/* A query's attributes that name our table: for NFT_MSG_GETRULE, …GETOBJ and …GETSET. */
void em_inventory_table(struct nlmsghdr *message, const void *context);

#endif
