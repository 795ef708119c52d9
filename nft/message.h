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

/* Adds the tables of a ruleset where they are not there yet. */
void em_message_tables(struct em_batch *batch, const struct em_ruleset *ruleset);
void em_message_table(struct em_batch *batch, enum em_table table);

/* Adds the counters, the timeouts, the sets and the maps; those of entities are empty. */
void em_message_objects(struct em_batch *batch, const struct em_ruleset *ruleset);

/*
 * One set with its elements, and a listener's maps without: that of its entities, which count where
 * `counting` says so, that of the counters of its entities, and that of their zones.
 */
void em_message_set(struct em_batch *batch, const struct em_set *source);
void em_message_map(struct em_batch *batch, const struct em_listener *listener, uint32_t generation,
		    bool counting);
void em_message_counts(struct em_batch *batch, const struct em_listener *listener,
		       uint32_t generation);
void em_message_zones(struct em_batch *batch, const struct em_listener *listener,
		      uint32_t generation);

/* The set of conversations with a timeout, and the map from zones to ports, with their elements. */
void em_message_conversations(struct em_batch *batch, const struct em_ruleset *ruleset,
			      uint32_t seconds);
void em_message_ports(struct em_batch *batch, const struct em_ruleset *ruleset);

/* The timeout for a family, AF_INET or AF_INET6, where it is not there yet. */
void em_message_timeout(struct em_batch *batch, uint32_t seconds, uint8_t family,
			const struct em_place *place);

/*
 * Adds the verdict map that a rule of this statement looks into; it has to be added in the same
 * batch.  Returns the number that stands for it there, beside EM_ELEMENT_VERDICT_MAP.
 */
uint32_t em_message_verdict_map(struct em_batch *batch, enum em_table table,
				const struct em_statement *statement, const struct em_place *place);

/* Adds the chains and their rules. */
void em_message_chains(struct em_batch *batch, const struct em_ruleset *ruleset);

/* Adds the counter of an entity. */
void em_message_entity_counter(struct em_batch *batch, const struct em_listener *listener,
			       uint32_t generation, const struct em_entity *entity);

/* Adds the base chains of an interface, which have one rule each then: to this generation. */
void em_message_ingress(struct em_batch *batch, const char *interface, uint32_t generation);

/* Adds the base chains of table inet where they are not there, and a rule to this generation. */
void em_message_inet_bases(struct em_batch *batch, uint32_t generation,
			   const struct em_place *place);

/*
 * Deletes by name.  A chain has to be flushed before, as have all chains that lead to it, and a map
 * of counters that are deleted in the same batch.
 */
void em_message_delete_table(struct em_batch *batch, enum em_table table);
void em_message_flush_chain(struct em_batch *batch, enum em_table table, const char *name);
void em_message_delete_rule(struct em_batch *batch, enum em_table table, const char *chain,
			    uint64_t handle);
void em_message_delete_chain(struct em_batch *batch, enum em_table table, const char *name);
void em_message_flush_map(struct em_batch *batch, enum em_table table, const char *name);
void em_message_delete_set(struct em_batch *batch, enum em_table table, const char *name);
void em_message_delete_counter(struct em_batch *batch, const char *name);
void em_message_delete_timeout(struct em_batch *batch, const char *name);

#endif
