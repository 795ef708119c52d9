/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * conntrack - the kernel's table of connections, and which of its entries are our conversations.
 *
 * An entry carries no name.  Ours are told by what they look like: UDP, in a zone of the original
 * direction alone, and translated to the port that is the number of the zone.  Nobody else has a
 * reason to make such a one.  Where another program has taken our rules away in part, there may be
 * some of ours that were not translated; these are in the zone of a target of the port that they
 * came for.
 */
#ifndef EM_NFT_CONNTRACK_H
#define EM_NFT_CONNTRACK_H

#include "nft/netlink.h"
#include "policy/conversation.h"
#include "policy/policy.h"

struct em_conntrack {
	uint8_t family;
	uint8_t protocol;
	bool translated;	       /* its destination is */
	uint16_t zone;		       /* of the original direction; 0: the default one */
	uint16_t reply_zone;	       /* of the other one */
	uint16_t known;		       /* port that the original packets came for */
	uint16_t target;	       /* port that replies come from */
	const struct nlattr *original; /* CTA_TUPLE_ORIG, and so on, as the kernel wrote them */
	const struct nlattr *reply;
	const struct nlattr *id;
};

/* As far as a policy with these conversations can tell. */
bool em_conntrack_is_ours(const struct em_conntrack *entry,
			  const struct em_conversations *conversations);

/*
 * Calls found for each entry until it says false, which is -ENOMEM then.  Returns 0 or -errno, not
 * reported: -EINVAL or -EOPNOTSUPP where the kernel has no ctnetlink.
 */
int em_conntrack_list(struct em_netlink *netlink,
		      bool (*found)(void *context, const struct em_conntrack *entry),
		      void *context);

/*
 * Ends the conversations that a policy does not have, or that are not translated; NULL: all.
 * Nothing of anybody else's.  Returns 0 or -errno, reported.
 */
int em_conntrack_end(struct em_netlink *netlink, const struct em_policy *policy,
		     struct em_diag *diag);

/* Warns where the host remembers fewer conversations than the listeners' `flows` ask for. */
void em_conntrack_warn(const struct em_policy *policy, struct em_diag *diag);

#endif
