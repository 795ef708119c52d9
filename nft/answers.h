/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * answers - what the rules for answers (answers.c), for ICMP errors (errors.c), and for what they
 * refer to (remember.c) share; and whether the kernel can have such rules, see ruleset.h.
 */
#ifndef EM_NFT_ANSWERS_H
#define EM_NFT_ANSWERS_H

#include "nft/build.h"
#include "nft/netlink.h"

/* Where the IP header of a family has what a conversation is told by, in bytes. */
struct em_layout {
	uint16_t protocol, source, destination;
	uint8_t address; /* bytes of one */
	/* Addresses of many hosts, by their first bytes. */
	uint8_t group_low, group_high;
	bool link; /* … and by the interface, as RFC 4007 has it for link-local addresses */
	const char *conversations, *overflow, *groups; /* roles of the sets; NULL: none */
};

extern const struct em_layout em_answers_ip4, em_answers_ip6, em_answers_link_local;

/* Roles of chains, by layout. */
struct em_answers_roles {
	const char *ip4, *ip6, *link;
};

/* A port of listeners with `replies`, and what these ask for in all. */
struct em_known {
	struct em_place place;
	uint16_t port;
	uint32_t flows;
	uint32_t timeout; /* seconds; the longest */
};

struct em_all_known {
	struct em_known all[EM_LISTENERS_MAX];
	size_t n;
};

/* A set of conversations of the listeners with this port. */
struct em_identifier em_answers_set(const char *role, uint16_t port);
/* A chain, or a set, of this generation; number 0: none. */
struct em_identifier em_answers_name(const struct em_builder *b, const char *role, uint32_t number);
struct em_identifier em_answers_by_layout(const struct em_builder *b, const struct em_layout *ip,
					  const struct em_answers_roles *roles, uint32_t number);

/* Parts of the key of a conversation: offset is one from the header. */
struct em_load em_answers_address(enum em_field header, uint16_t offset,
				  const struct em_layout *ip);
struct em_load em_answers_port(uint16_t offset);

/* Adds a statement about the set of this role, with the key of an answer, or of what it is to. */
struct em_statement *em_answers_add_keyed(struct em_builder *b, enum em_statement_kind kind,
					  const struct em_layout *ip, bool answer, const char *role,
					  uint16_t port);

/* For how long an overflow set remembers, in seconds. */
uint32_t em_answers_overflow_seconds(uint32_t timeout);

/* A rule that leads packets to a chain by their family. */
void em_answers_dispatch(struct em_builder *b, const struct em_place *place,
			 struct em_identifier to4, struct em_identifier to6);

/*
 * A rule that leads packets of IPv6 to a chain where the sender, or with `answer` the receiver, has
 * a link-local address; none where the ruleset does not tell links.
 */
void em_answers_link(struct em_builder *b, const struct em_place *place, bool answer,
		     struct em_identifier chain);

/* Adds to a rule that this address is none, likewise. */
void em_answers_not_link(struct em_builder *b, bool answer);
/* Adds to a rule that the packet is of this version of IP. */
void em_answers_version(struct em_builder *b, const struct em_layout *ip);

/* Adds an entry to a dispatch by a byte. */
void em_answers_add_byte(struct em_builder *b, struct em_statement *dispatch, uint8_t key,
			 struct em_identifier chain);

/* The chains errors4 and errors6, and those that they lead to. */
void em_build_errors(struct em_builder *b, const struct em_all_known *known);

/*
 * Tries a set of conversations, and a chain at egress with a rule that adds to it, in a transaction
 * that the kernel takes back.  The batch is empty.  Returns 0, or -errno and *refusal filled in;
 * nothing is reported.
 */
int em_answers_try(struct em_netlink *netlink, struct em_batch *batch, struct em_refusal *refusal);

#endif
