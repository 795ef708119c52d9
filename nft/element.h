/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * element - elements that are added in the batch of their set.
 */
#ifndef EM_NFT_ELEMENT_H
#define EM_NFT_ELEMENT_H

#include "nft/netlink.h"
#include "nft/ruleset.h"

/* What all verdict maps are called until the kernel gives them numbers. */
#define EM_ELEMENT_VERDICT_MAP "__map%d"

/*
 * Adds entities to the listener's map, from the one with index first on and as many as a message
 * takes.  Returns the index of the next one.
 */
size_t em_element_add_entities(struct em_batch *batch, const struct em_listener *listener,
			       uint32_t generation, size_t first);
/* The same for the map that leads to their zones, and for the one to their counters. */
size_t em_element_add_zoned(struct em_batch *batch, const struct em_listener *listener,
			    uint32_t generation, size_t first);
size_t em_element_add_counted(struct em_batch *batch, const struct em_listener *listener,
			      uint32_t generation, size_t first);

/* Of the set or map of this name: ranges of addresses, conversations with a timeout, ports. */
void em_element_add_ranges(struct em_batch *batch, const struct em_set *set, const char *name);
void em_element_add_conversations(struct em_batch *batch, const struct em_ruleset *ruleset,
				  uint32_t seconds, const char *name);
void em_element_add_ports(struct em_batch *batch, const struct em_ruleset *ruleset,
			  const char *name);

/* The entries of a verdict map by its number; `length` bytes of a key. */
void em_element_add_entries(struct em_batch *batch, enum em_table table,
			    const struct em_statement *statement, size_t length, uint32_t id,
			    const struct em_place *place);

#endif
