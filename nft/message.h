/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * message - a ruleset as netlink messages for nf_tables.
 *
 * The expressions are, one for one, those that nft makes of the text, so that `nft list` shows what
 * is installed as `entitymux ruleset` prints it, and what it shows can be loaded again.
 */
#ifndef EM_NFT_MESSAGE_H
#define EM_NFT_MESSAGE_H

#include "nft/netlink.h"
#include "nft/ruleset.h"

/* The name of all verdict maps until the kernel gives them numbers. */
#define EM_MESSAGE_VERDICT_MAP "__map%d"

/*
 * Adds the tables of a ruleset where they are not there yet.  `wake` takes `flags dormant` off
 * those that are, which newer kernels refuse in a transaction that adds a base chain on a device.
 */
void em_message_tables(struct em_batch *batch, const struct em_ruleset *ruleset, bool wake);
void em_message_table(struct em_batch *batch, enum em_table table);

/*
 * An object, with its elements but those that there are for each entity.  A verdict map has the
 * number batch->sets then.
 */
void em_message_object(struct em_batch *batch, const struct em_object *object);
void em_message_objects(struct em_batch *batch, const struct em_ruleset *ruleset);

/*
 * The map that a dispatching statement looks into, made for `place`: it has no name but in the
 * batch.
 */
struct em_object em_message_verdict_map(enum em_table table, const struct em_statement *dispatch,
					const struct em_place *place);

/* Adds the chains and their rules, but for the base chains. */
void em_message_chains(struct em_batch *batch, const struct em_ruleset *ruleset);

/* Adds a rule without its verdict map, which has no number then: to be compared, not to be sent. */
void em_message_rule(struct em_batch *batch, const struct em_chain *chain,
		     const struct em_rule *rule);

/* Adds a base chain where it is not there, without its rules. */
void em_message_base(struct em_batch *batch, const struct em_chain *chain);

/*
 * Adds the base chains of a table where they are not there, and their rules: those that go to the
 * generation in place of the one before, those that jump to it beside those of other generations.
 */
void em_message_bases(struct em_batch *batch, const struct em_ruleset *ruleset,
		      enum em_table table);

/* Adds rules of base chains before those that are there, and the chains where there are none. */
void em_message_first_rules(struct em_batch *batch, const struct em_ruleset *ruleset);

/*
 * Deletes by name.  A chain has to be flushed before, as have all chains that lead to it; a map of
 * counters is deleted in a transaction before that of the counters: older kernels release them at
 * its end, or, of elements that are deleted before, never (4.14).
 */
void em_message_delete_table(struct em_batch *batch, enum em_table table);
void em_message_flush_chain(struct em_batch *batch, enum em_table table, const char *name);
void em_message_delete_rule(struct em_batch *batch, enum em_table table, const char *chain,
			    uint64_t handle);
void em_message_delete_chain(struct em_batch *batch, enum em_table table, const char *name);
void em_message_delete_object(struct em_batch *batch, enum em_table table, enum em_object_kind kind,
			      const char *name);

#endif
